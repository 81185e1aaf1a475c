import type { DataSource } from "../api/types.ts";
import type { PanelModel, QueryTarget } from "../dashboard/types.ts";
import type { FieldConfigSource } from "../grafana/data.ts";
import { isMetricQuery } from "../query/loki.ts";

/** A panel of Explore's answer and its height in pixels. */
export interface ExplorePanel {
  panel: PanelModel;
  heightPx: number;
}

type Defaults = FieldConfigSource["defaults"];

/** Lines asked for in Explore. */
const LOG_LINES = 1_000;

/** The panels that answer a query best: a chart and a table for numbers, volume and lines for logs, a list for traces. */
export function explorePanels(source: DataSource, query: string): ExplorePanel[] {
  const text = query.trim();
  if (text === "") return [];
  switch (source.type) {
    case "loki":
      return isMetricQuery(text) ? metricPanels(source, text) : logPanels(source, text);
    case "tempo":
      return tracePanels(source, text);
    default:
      return metricPanels(source, text);
  }
}

function metricPanels(source: DataSource, expr: string): ExplorePanel[] {
  const legend = {
    showLegend: true,
    displayMode: "table",
    placement: "bottom",
    calcs: ["min", "max", "mean", "lastNotNull"],
  };
  const graph = makePanel(
    1,
    "timeseries",
    "Graph",
    source,
    [
      {
        refId: "A",
        expr,
        range: true,
        // A counter's exemplars carry values that have nothing to do with its rate.
        exemplar: source.type === "prometheus" && expr.includes("_bucket"),
        legendFormat: "__auto",
      },
    ],
    {
      options: { legend, tooltip: { mode: "multi", sort: "desc" } },
      custom: { fillOpacity: 8, lineWidth: 1.5 },
    },
  );
  const table = makePanel(
    2,
    "table",
    "Table",
    source,
    [{ refId: "A", expr, instant: true, range: false, format: "table", queryType: "instant" }],
    {},
  );
  return [
    { panel: graph, heightPx: 380 },
    { panel: table, heightPx: 320 },
  ];
}

function logPanels(source: DataSource, expr: string): ExplorePanel[] {
  const volume = makePanel(
    1,
    "timeseries",
    "Log volume",
    source,
    [{ refId: "V", expr: `sum by (level) (count_over_time(${expr} [$__auto]))`, legendFormat: "{{level}}" }],
    {
      options: {
        legend: { showLegend: true, displayMode: "list", placement: "bottom", calcs: ["sum"] },
        tooltip: { mode: "multi" },
      },
      custom: {
        drawStyle: "bars",
        fillOpacity: 100,
        lineWidth: 0,
        barWidthFactor: 0.9,
        stacking: { mode: "normal", group: "A" },
      },
    },
  );
  volume.fieldConfig.overrides = [
    levelColor("CRITICAL|critical", "#b877d9"),
    levelColor("ERROR|error", "red"),
    levelColor("WARN(ING)?|warn(ing)?", "orange"),
    levelColor("INFO|info", "green"),
    levelColor("DEBUG|debug", "blue"),
  ];
  // Loki's volume needs room for one bar per few pixels only.
  volume.maxDataPoints = 100;
  const logs = makePanel(2, "logs", "Logs", source, [{ refId: "A", expr, maxLines: LOG_LINES }], {
    options: {
      showTime: true,
      wrapLogMessage: true,
      prettifyLogMessage: true,
      enableLogDetails: true,
      sortOrder: "Descending",
    },
  });
  return [
    { panel: volume, heightPx: 190 },
    { panel: logs, heightPx: 560 },
  ];
}

function levelColor(pattern: string, color: string): FieldConfigSource["overrides"][number] {
  return {
    matcher: { id: "byRegexp", options: `/^(${pattern})$/` },
    properties: [{ id: "color", value: { mode: "fixed", fixedColor: color } }],
  };
}

function tracePanels(source: DataSource, query: string): ExplorePanel[] {
  const isMetrics = /\|\s*\w+_over_time\s*\(|\|\s*(rate|compare)\s*\(/.test(query);
  if (isMetrics) {
    const graph = makePanel(1, "timeseries", "Graph", source, [{ refId: "A", query, queryType: "traceql" }], {
      options: {
        legend: { showLegend: true, displayMode: "table", placement: "bottom", calcs: ["max", "mean", "lastNotNull"] },
        tooltip: { mode: "multi", sort: "desc" },
      },
      custom: { fillOpacity: 8 },
    });
    return [{ panel: graph, heightPx: 420 }];
  }
  const list = makePanel(1, "traces", "Traces", source, [{ refId: "A", query, queryType: "traceql", limit: 50 }], {
    options: { openInExplore: true },
  });
  const spans = makePanel(
    2,
    "table",
    "Matching spans",
    source,
    [{ refId: "A", query, queryType: "traceql", limit: 50, tableType: "spans" }],
    {},
  );
  return [
    { panel: list, heightPx: 420 },
    { panel: spans, heightPx: 320 },
  ];
}

interface PanelSettings {
  options?: Record<string, unknown>;
  custom?: Record<string, unknown>;
}

function makePanel(
  id: number,
  type: string,
  title: string,
  source: DataSource,
  targets: QueryTarget[],
  { options = {}, custom }: PanelSettings,
): PanelModel {
  const defaults: Defaults = custom === undefined ? {} : { custom, color: { mode: "palette-classic" } };
  return {
    id,
    key: `explore-${id}`,
    type,
    title,
    description: "",
    gridPos: { x: 0, y: 0, w: 24, h: 8 },
    datasource: { uid: source.uid, type: source.type },
    targets,
    options,
    fieldConfig: { defaults, overrides: [] },
    transformations: [],
    links: [],
    interval: undefined,
    maxDataPoints: undefined,
    timeFrom: undefined,
    timeShift: undefined,
    transparent: false,
    repeat: undefined,
    repeatDirection: "h",
    maxPerRow: 4,
    scoped: {},
  };
}

/** Where somebody new can start, per kind of source. */
export const EXAMPLE_QUERIES: Record<string, { title: string; query: string }[]> = {
  prometheus: [
    { title: "Requests per second by path", query: "sum by (path) (rate(fastapi_requests_total[1m]))" },
    {
      title: "95th percentile of inference time by model",
      query: "histogram_quantile(0.95, sum by (le, model) (rate(model_inference_duration_seconds_bucket[5m])))",
    },
    { title: "Tokens per second by model", query: "sum by (model) (rate(tokens_used_total[1m]))" },
    { title: "What is scraped, and is it up?", query: "up" },
  ],
  loki: [
    { title: "All lines of the gateway", query: '{app="gatewayz"}' },
    { title: "Errors and warnings", query: '{app="gatewayz", level=~"ERROR|WARNING"}' },
    { title: "Lines per second by level", query: 'sum by (level) (rate({app="gatewayz"}[1m]))' },
  ],
  tempo: [
    { title: "Newest traces", query: "{}" },
    { title: "Slower than a second", query: "{ duration > 1s }" },
    { title: "Failed", query: "{ status = error }" },
  ],
};
