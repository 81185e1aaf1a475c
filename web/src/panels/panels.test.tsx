import "../testing/browser-names.ts";
import type { ComponentType } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { DataSourceDirectory } from "../api/data-sources.ts";
import { migrateDashboard } from "../dashboard/migrate.ts";
import { panelState } from "../dashboard/panel-state.ts";
import { type DataFrame, FieldType } from "../grafana/data.ts";
import { applyFieldConfig } from "../grafana/field-config.ts";
import { grafanaTheme } from "../grafana/themes.ts";
import { field, frame, seriesFrames } from "../query/frames.ts";
import { serviceGraphFrames } from "../query/service-map.ts";
import { traceTable } from "../query/tempo.ts";
import { BarGaugePanel } from "./bargauge/bar-gauge-panel.tsx";
import { BarChartPanel } from "./bars/bar-chart-panel.tsx";
import { histogramBuckets, niceStep, readBars } from "./bars/bar-data.ts";
import { HistogramPanel } from "./bars/histogram-panel.tsx";
import { withAlpha } from "./color.ts";
import { GaugePanel } from "./gauge/gauge-panel.tsx";
import { heatColor, readHeat } from "./heatmap/heat-data.ts";
import { HeatmapPanel } from "./heatmap/heatmap-panel.tsx";
import { Legend, legendOptions, toggleHidden } from "./legend.tsx";
import { layoutGraph } from "./nodegraph/graph-layout.ts";
import { NodeGraphPanel } from "./nodegraph/node-graph-panel.tsx";
import { PiePanel } from "./pie/pie-panel.tsx";
import type { PanelContent } from "./registry.tsx";
import { StatPanel } from "./stat/stat-panel.tsx";
import { StateTimelinePanel } from "./state/state-timeline-panel.tsx";
import { mergeSeries, sortedRows, tableColumns } from "./table/table-model.ts";
import { TablePanel } from "./table/table-panel.tsx";
import { TextPanel } from "./text/text-panel.tsx";
import { chartOptions } from "./timeseries/chart-options.ts";
import { prepareGraph } from "./timeseries/prepare.ts";
import { TracesPanel } from "./traces/traces-panel.tsx";
import type { PanelProps } from "./types.ts";
import { fitFontPx, gridColumns } from "./values.ts";

const theme = grafanaTheme("dark");
const RANGE = { fromMs: 0, toMs: 60_000, raw: { from: "now-1m", to: "now" } };
const directory = new DataSourceDirectory([{ uid: "tempo", name: "Tempo", type: "tempo" }]);

/** Two series of three points, named by their label. */
function twoSeries(legendFormat = "{{a}}"): DataFrame[] {
  const timesMs = [0, 30_000, 60_000];
  return seriesFrames(
    [
      { labels: { a: "one" }, timesMs, values: [1, 2, 3] },
      { labels: { a: "two" }, timesMs, values: [10, null, 30] },
    ],
    { refId: "A", legendFormat, fallbackName: "x", stepMs: 30_000 },
  );
}

function props(frames: DataFrame[], json: object = {}): PanelProps {
  const panel = migrateDashboard({ panels: [{ id: 1, type: "x", title: "Panel", ...json }] }).sections[0]!.panels[0]!;
  const prepared = applyFieldConfig({
    frames,
    fieldConfig: panel.fieldConfig,
    theme,
    timeZone: "utc",
    replaceVariables: (text) => text,
  });
  return {
    frames: prepared,
    panel,
    width: 600,
    height: 300,
    range: RANGE,
    timeZone: "utc",
    theme,
    host: { directory, interpolate: (text) => text, setTimeRange: undefined, cursorKey: undefined },
  };
}

function markup(Panel: ComponentType<PanelProps>, frames: DataFrame[], json: object = {}): string {
  return renderToStaticMarkup(<Panel {...props(frames, json)} />);
}

test("stat: last value with unit, colour by threshold, names when there are several", () => {
  const html = markup(StatPanel, twoSeries(), {
    fieldConfig: {
      defaults: {
        unit: "ms",
        thresholds: {
          mode: "absolute",
          steps: [
            { color: "green", value: null },
            { color: "red", value: 20 },
          ],
        },
      },
      overrides: [],
    },
  });
  expect(html).toContain("3 ms");
  expect(html).toContain("30 ms");
  expect(html).toContain("one");
  expect(html).toContain("#F2495C");
});

test("stat: mappings turn numbers into words", () => {
  const mappings = [{ type: "value", options: { "3": { text: "UP", color: "green" } } }];
  expect(
    markup(StatPanel, twoSeries().slice(0, 1), {
      fieldConfig: { defaults: { mappings }, overrides: [] },
      options: { colorMode: "background" },
    }),
  ).toContain("UP");
});

test("overrides by name set unit, colour and name", () => {
  const overrides = [
    {
      matcher: { id: "byName", options: "one" },
      properties: [
        { id: "unit", value: "percent" },
        { id: "displayName", value: "Uno" },
      ],
    },
  ];
  const { frames } = props(twoSeries(), { fieldConfig: { defaults: { unit: "s" }, overrides } });
  expect(frames.map((one) => [one.fields[1]!.config.unit, one.fields[1]!.config.displayName])).toEqual([
    ["percent", "Uno"],
    ["s", undefined],
  ]);
  expect(frames[0]!.fields[0]!.config.unit).toBeUndefined();
});

test("series are named by what distinguishes them where the legend is automatic", () => {
  const { frames } = props(twoSeries("__auto"));
  expect(prepareGraph(frames, theme).series.map((series) => series.name)).toEqual(["one", "two"]);
});

test("time series: stacks, scales per unit, exemplars apart", () => {
  const custom = { stacking: { mode: "normal", group: "A" } };
  const exemplar = frame(
    "A",
    [
      field("Time", FieldType.time, [5_000]),
      field("Value", FieldType.number, [2]),
      field("traceId", FieldType.string, ["abc"]),
    ],
    { name: "exemplar" },
  );
  const given = props([...twoSeries(), exemplar], {
    fieldConfig: {
      defaults: { custom },
      overrides: [{ matcher: { id: "byName", options: "two" }, properties: [{ id: "unit", value: "s" }] }],
    },
  });
  const data = prepareGraph(given.frames, theme);
  expect([data.series.length, new Set(data.series.map((series) => series.scaleKey)).size]).toEqual([2, 2]);
  expect(data.exemplars).toEqual([{ timeMs: 5_000, value: 2, traceId: "abc" }]);
  const options = chartOptions({
    data,
    width: 300,
    height: 200,
    range: RANGE,
    timeZone: "utc",
    theme,
    hidden: new Set(["two"]),
    cursorKey: "k",
    onZoom: undefined,
    hooks: {} as never,
  });
  expect([options.axes?.length, options.series.map((series) => series.show)]).toEqual([3, [undefined, true, false]]);
});

test("gauge, bar gauge and pie show every value", () => {
  const json = { fieldConfig: { defaults: { unit: "percent", min: 0, max: 100 }, overrides: [] } };
  for (const Panel of [GaugePanel, BarGaugePanel, PiePanel]) {
    const html = markup(Panel, twoSeries(), json);
    expect(html).toContain("one");
    expect(html).toContain("two");
  }
  expect(markup(GaugePanel, twoSeries(), json)).toContain("30%");
  expect(
    markup(BarGaugePanel, twoSeries(), { ...json, options: { displayMode: "lcd", orientation: "vertical" } }),
  ).toContain("bar-gauge-vertical");
});

test("bar chart: text columns, single series, or time", () => {
  const table = frame("A", [field("name", FieldType.string, ["x", "y"]), field("n", FieldType.number, [1, 2])]);
  expect(readBars(props([table]).frames, {}, theme, "utc")).toMatchObject({
    categories: ["x", "y"],
    byCategory: false,
  });
  expect(readBars(props(twoSeries()).frames, { orientation: "horizontal" }, theme, "utc")).toMatchObject({
    categories: ["one", "two"],
    byCategory: true,
  });
  expect(readBars(props(twoSeries()).frames, {}, theme, "utc").categories).toEqual(["00:00", "00:00", "00:01"]);
  expect(markup(BarChartPanel, [table], { options: { showValue: "always" } })).toContain("<rect");
  expect(markup(HistogramPanel, twoSeries())).toContain("<rect");
});

test("histogram buckets hold every value, at round bounds", () => {
  const buckets = histogramBuckets([0, 0.1, 5, 9.9, 10], undefined);
  expect(buckets.reduce((sum, bucket) => sum + bucket.count, 0)).toBe(5);
  expect([niceStep(0.034), niceStep(7), niceStep(0)]).toEqual([0.05, 10, 1]);
  expect(histogramBuckets([], 1)).toEqual([]);
});

test("heat map: buckets in order, cumulative ones taken apart", () => {
  const bucket = (le: string, values: number[]) =>
    seriesFrames([{ labels: { le }, timesMs: [0, 30_000], values }], {
      refId: "A",
      legendFormat: "{{le}}",
      fallbackName: "x",
      stepMs: 30_000,
    })[0]!;
  const frames = props([bucket("+Inf", [6, 3]), bucket("1", [1, 1]), bucket("5", [4, 1])]).frames;
  expect(readHeat(frames, false)).toMatchObject({
    rows: ["1", "5", "+Inf"],
    counts: [
      [1, 1],
      [3, 0],
      [2, 2],
    ],
    max: 3,
  });
  expect(
    readHeat(props(twoSeries()).frames, true)
      .counts.flat()
      .reduce((sum: number, count) => sum + (count ?? 0), 0),
  ).toBe(5);
  expect(heatColor("Oranges", true, 0)).toBe("rgb(43,26,16)");
  expect(markup(HeatmapPanel, [bucket("1", [1, 1])])).toContain("canvas");
});

test("state timeline joins equal neighbours", () => {
  const mappings = [{ type: "value", options: { "1": { text: "up" }, "0": { text: "down" } } }];
  const series = seriesFrames([{ labels: { a: "svc" }, timesMs: [0, 10_000, 20_000], values: [1, 1, 0] }], {
    refId: "A",
    legendFormat: "{{a}}",
    fallbackName: "x",
    stepMs: 10_000,
  });
  const html = markup(StateTimelinePanel, series, {
    type: "state-timeline",
    fieldConfig: { defaults: { mappings }, overrides: [] },
  });
  expect(html.match(/<rect/g)).toHaveLength(2);
  expect(html).toContain("svc: up");
});

test("table: instant series become one table, sorted with empty cells last", () => {
  const single = (a: string, value: number | null) =>
    seriesFrames([{ labels: { a }, timesMs: [1], values: [value] }], {
      refId: "A",
      legendFormat: "",
      fallbackName: "x",
    })[0]!;
  const [merged] = mergeSeries(props([single("p", 1), single("q", 3), single("r", null)]).frames);
  const columns = tableColumns(merged!, [merged!]);
  expect(columns.map((column) => column.title)).toEqual(["Time", "a", "Value"]);
  expect(sortedRows(merged!, columns, { title: "Value", desc: true })).toEqual([1, 0, 2]);
  expect(sortedRows(merged!, columns, undefined)).toEqual([0, 1, 2]);
  expect(markup(TablePanel, twoSeries())).toContain("<select");
  expect(mergeSeries(twoSeries())).toHaveLength(2);
});

test("table: hidden columns go, cell kinds of old and new documents agree", () => {
  const json = (properties: object[]) => ({
    fieldConfig: { defaults: {}, overrides: [{ matcher: { id: "byName", options: "n" }, properties }] },
  });
  const table = frame("A", [field("t", FieldType.string, ["x"]), field("n", FieldType.number, [1])]);
  const cell = (properties: object[]) =>
    tableColumns(props([table], json(properties)).frames[0]!, []).find((column) => column.title === "n")?.cell;
  expect(cell([{ id: "custom.displayMode", value: "color-background" }])).toBe("color-background");
  expect(cell([{ id: "custom.cellOptions", value: { type: "gauge", mode: "lcd" } }])).toBe("lcd-gauge");
  expect(cell([{ id: "custom.hidden", value: true }])).toBeUndefined();
});

test("text is rendered and made safe", () => {
  const html = markup(TextPanel, [], {
    type: "text",
    options: { mode: "markdown", content: "# Hi\n\n<img src=x onerror=alert(1)><script>alert(2)</script>" },
  });
  expect(html).toContain("<h1>Hi</h1>");
  expect(html).not.toMatch(/onerror|<script/);
  expect(markup(TextPanel, [], { type: "text", options: { mode: "code", content: "<b>" } })).toContain("&lt;b&gt;");
  expect(
    markup(TextPanel, [], { type: "text", options: { mode: "html", content: "<b onclick='x()'>bold</b>" } }),
  ).toContain("<b>bold</b>");
});

test("node graph: both directions, faults in red", () => {
  const edges = ["a", "b", "c", "d", "e"].map((server) => ({
    client: "hub",
    server,
    calls: 4,
    failures: 1,
    seconds: 2,
  }));
  const { frames } = props(serviceGraphFrames(edges, "A"));
  const wide = layoutGraph(frames, 4);
  const tall = layoutGraph(frames, 0.25);
  expect(wide.width).toBeGreaterThan(wide.height);
  expect(tall.height).toBeGreaterThan(tall.width);
  expect(renderToStaticMarkup(<NodeGraphPanel {...props(serviceGraphFrames(edges, "A"))} />)).toContain("500 ms");
  expect(layoutGraph([], 1).nodes).toEqual([]);
});

test("traces are listed with their lengths", () => {
  const frames = [
    traceTable(
      [
        {
          traceID: "abc",
          rootServiceName: "gateway",
          rootTraceName: "POST",
          startTimeUnixNano: "30000000000",
          durationMs: 120,
        },
      ],
      "A",
    ),
  ];
  const html = markup(TracesPanel, frames);
  expect(html).toContain("gateway");
  expect(html).toContain("120 ms");
  expect(html).toContain("30 s ago");
});

test("legend: list and table, isolate and toggle", () => {
  const items = twoSeries().map((one) => ({ name: one.name!, color: "red", field: one.fields[1]! }));
  const options = legendOptions({ legend: { displayMode: "table", placement: "right", calcs: ["max", "count"] } });
  const html = renderToStaticMarkup(
    <Legend items={items} options={options} hidden={new Set(["two"])} onToggle={() => undefined} />,
  );
  expect(html).toContain("<th>Max</th>");
  expect(html).toContain('class="off"');
  const names = ["a", "b", "c"];
  expect([...toggleHidden(new Set(), names, "b", false)]).toEqual(["a", "c"]);
  expect([...toggleHidden(new Set(["a", "c"]), names, "b", false)]).toEqual([]);
  expect([...toggleHidden(new Set(["a"]), names, "b", true)]).toEqual(["a", "b"]);
  expect(legendOptions({ legend: { displayMode: "hidden" } }).show).toBe(false);
});

test("panel state: what a person sees", () => {
  const [one] = twoSeries();
  const nothing = frame("A", [field("Time", FieldType.time, [1]), field("Value", FieldType.number, [null])]);
  const state = (frames: DataFrame[], errors: string[], isFirstLoad: boolean, content: PanelContent) =>
    panelState({ frames, errors, isFirstLoad }, content);
  expect(state([], [], true, "own")).toBe("data");
  expect(state([], [], true, "rows")).toBe("loading");
  expect(state([], [], false, "rows")).toBe("empty");
  expect(state([], ["x"], false, "rows")).toBe("error");
  expect(state([one!], ["x"], false, "numbers")).toBe("data");
  expect(state([nothing], [], false, "numbers")).toBe("empty");
  expect(state([nothing], [], false, "values")).toBe("empty");
  expect(state([frame("A", [field("s", FieldType.string, ["x"])])], [], false, "values")).toBe("data");
  expect(state([nothing], [], false, "rows")).toBe("data");
});

test("sizes and colours", () => {
  expect([gridColumns(4, 400, 100, 1), gridColumns(4, 100, 400, 1), gridColumns(1, 10, 10, 1)]).toEqual([4, 1, 1]);
  expect(fitFontPx("abc", 1_000, 500, 60)).toBe(60);
  expect(fitFontPx("a".repeat(100), 100, 500, 60)).toBe(10);
  expect([withAlpha("#ff0000", 0.5), withAlpha("rgb(1, 2, 3)", 1), withAlpha("red", 1)]).toEqual([
    "rgba(255, 0, 0, 0.5)",
    "rgba(1, 2, 3, 1)",
    "red",
  ]);
});
