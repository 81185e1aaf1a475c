import "../testing/browser-names.ts";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { DataSourceDirectory } from "../api/data-sources.ts";
import { migrateDashboard } from "../dashboard/migrate.ts";
import { migrateLegacyPanel } from "../dashboard/migrate-legacy.ts";
import { PanelCard } from "../dashboard/panel-card.tsx";
import { PanelHeader } from "../dashboard/panel-header.tsx";
import { FieldType } from "../grafana/data.ts";
import { withDataVariables } from "../grafana/data-context.ts";
import { applyFieldConfig } from "../grafana/field-config.ts";
import { grafanaTheme } from "../grafana/themes.ts";
import { transformFrames } from "../grafana/transform.ts";
import { LogList } from "../logs/log-list.tsx";
import { field, frame, seriesFrames } from "../query/frames.ts";
import { readSeries } from "../query/prometheus.ts";
import { TraceView } from "../traces/trace-view.tsx";
import { buildTrace } from "../traces/tree.ts";
import { interpolate } from "../variables/interpolate.ts";
import { BarPlot } from "./bars/bar-plot.tsx";
import { TimeSeriesPanel } from "./timeseries/timeseries-panel.tsx";
import type { PanelHost } from "./types.ts";

const directory = new DataSourceDirectory([
  { uid: "grafana_tempo", name: "Tempo", type: "tempo" },
  { uid: "grafana_loki", name: "Loki", type: "loki", isDefault: true },
]);
const RANGE = { fromMs: 0, toMs: 60_000, raw: { from: "now-1m", to: "now" } };
const scope = { variables: new Map(), range: RANGE };
const host: PanelHost = {
  directory,
  interpolate: (text, scoped = {}) => interpolate(text, scope, withDataVariables(scoped)),
  setTimeRange: undefined,
  cursorKey: undefined,
};
const html = (element: ReactElement) =>
  renderToStaticMarkup(<QueryClientProvider client={new QueryClient()}>{element}</QueryClientProvider>);
const panel = (json: object) =>
  migrateDashboard({ panels: [{ id: 3, type: "stat", title: "P", ...json }] }).sections[0]!.panels[0]!;

test("a panel far from the screen says loading; a text panel has all it needs", () => {
  const card = (json: object) =>
    html(
      <PanelCard
        panel={panel(json)}
        directory={directory}
        scope={scope}
        timeZone="utc"
        cursorKey={undefined}
        setTimeRange={undefined}
        findPanel={() => undefined}
        onView={undefined}
      />,
    );
  expect(card({})).toContain('data-panel-id="3" data-panel-key="3" data-panel-type="stat" data-panel-state="loading"');
  expect(card({ type: "text" })).toContain('data-panel-state="data"');
});

test("a panel's header: title, hint, own range, links, errors", () => {
  const one = panel({
    description: "Why",
    timeFrom: "5m",
    links: [{ title: "Docs", url: "https://example.org", targetBlank: true }],
  });
  const text = html(
    <PanelHeader
      panel={one}
      title="Filled title"
      notice="Last 5m"
      errors={["query B failed"]}
      isLoading={true}
      directory={directory}
      scope={scope}
      host={host}
      onView={() => undefined}
    />,
  );
  for (const part of [
    "Filled title",
    'title="Why"',
    "Last 5m",
    'href="https://example.org"',
    "query B failed",
    "panel-loading",
  ])
    expect(text).toContain(part);
});

test("a trace's header leads to its logs", () => {
  const span = {
    traceId: "abc",
    spanId: "1",
    parentId: "",
    name: "POST",
    service: "gateway",
    kind: "server",
    startMs: 1_000,
    durationMs: 5,
    isError: true,
    statusMessage: "",
    attributes: {},
    resource: {},
    scope: "",
    events: [],
    links: [],
  };
  const text = html(<TraceView trace={buildTrace([span])!} directory={directory} timeZone="utc" height={300} />);
  expect(text).toContain("gateway: POST");
  expect(text).toContain("/explore?ds=grafana_loki&amp;query=%7Bapp%3D%7E%22.%2B%22%7D+%7C%3D+%22abc%22");
});

test("an empty list of lines is a box, not an error", () => {
  const options = { showTime: true, showLabels: true, wrap: true, readable: true, details: true };
  expect(html(<LogList rows={[]} options={options} timeZone="utc" directory={directory} height={100} />)).toContain(
    "log-list",
  );
});

test("a chart draws its legend without a canvas, bars need none", () => {
  const series = seriesFrames([{ labels: { a: "x" }, timesMs: [0, 1_000], values: [1, 2] }], {
    refId: "A",
    legendFormat: "{{a}}",
    fallbackName: "q",
  });
  const one = panel({ type: "timeseries", options: { legend: { calcs: ["max"] } } });
  const frames = applyFieldConfig({
    frames: series,
    fieldConfig: one.fieldConfig,
    theme: grafanaTheme("light"),
    timeZone: "utc",
    replaceVariables: (text) => text,
  });
  const text = html(
    <TimeSeriesPanel
      frames={frames}
      panel={one}
      width={400}
      height={200}
      range={RANGE}
      timeZone="utc"
      theme={grafanaTheme("light")}
      host={host}
    />,
  );
  expect(text).toContain("Max: 2");
  const bars = {
    categories: ["a", "b"],
    byCategory: false,
    series: [{ name: "n", color: "red", colors: ["red", "red"], values: [1, -2], field: frames[0]!.fields[1]! }],
  };
  expect(
    html(
      <BarPlot
        data={bars}
        hidden={new Set()}
        width={200}
        height={100}
        isHorizontal={true}
        stacking="none"
        groupWidth={1}
        barWidth={1}
        showValues={true}
      />,
    ),
  ).toContain("a · n: 1");
});

test("links fill the row's values and variables; a script in an address is disarmed", () => {
  const table = frame("A", [field("id", FieldType.string, ["t1"]), field("n", FieldType.number, [5])]);
  const links = [
    { title: "Open ${__value.text}", url: "/d/x?var-id=${__data.fields.id:percentencode}&${__url_time_range}" },
    { title: "Bad", url: "javascript:alert(1)" },
  ];
  const fieldConfig = { defaults: { links, unit: "ms" }, overrides: [] };
  const [prepared] = applyFieldConfig({
    frames: [table],
    fieldConfig: fieldConfig as never,
    theme: grafanaTheme("dark"),
    timeZone: "utc",
    replaceVariables: (text, scoped) => host.interpolate(text, scoped as never),
  });
  const [open, bad] = prepared!.fields[1]!.getLinks!({ valueRowIndex: 0 });
  expect([open!.title, open!.href]).toEqual(["Open 5 ms", "/d/x?var-id=t1&from=now-1m&to=now"]);
  expect(bad!.href).not.toContain("javascript:");
});

test("display names are templates; one that fills to nothing leaves the field its name", () => {
  const series = seriesFrames([{ labels: { le: "1" }, timesMs: [0], values: [1] }], {
    refId: "A",
    legendFormat: "own",
    fallbackName: "q",
  });
  const name = (displayName: string) =>
    applyFieldConfig({
      frames: series,
      fieldConfig: { defaults: { displayName }, overrides: [] },
      theme: grafanaTheme("dark"),
      timeZone: "utc",
      replaceVariables: (text, scoped) => host.interpolate(text, scoped as never),
    })[0]!.fields[1]!.state?.displayName;
  expect([name("le ${__field.labels.le}"), name("${__field.labels.nope}")]).toEqual(["le 1", "own"]);
});

test("transformations are Grafana's own; unknown ones change nothing", async () => {
  (globalThis as { window?: unknown }).window ??= {};
  const frames = [
    frame("A", [field("m", FieldType.string, ["x"]), field("Value #A", FieldType.number, [1])]),
    frame("B", [field("m", FieldType.string, ["x"]), field("Value #B", FieldType.number, [2])]),
  ];
  const organize = { id: "organize", options: { renameByName: { m: "Model" }, excludeByName: {}, indexByName: {} } };
  const [merged] = await transformFrames(
    [{ id: "merge", options: {} }, organize, { id: "nobody-knows", options: {} }] as never,
    frames,
    (text) => text,
  );
  expect(merged!.fields.map((one) => one.config.displayName ?? one.name)).toEqual(["Model", "Value #A", "Value #B"]);
});

test("retired panel types live on", () => {
  const single = migrateLegacyPanel({
    type: "singlestat",
    format: "s",
    thresholds: "1,2",
    colorValue: true,
    colors: ["green", "orange", "red"],
    valueName: "current",
    gauge: { show: true },
  });
  expect(single).toMatchObject({
    type: "gauge",
    fieldConfig: { defaults: { unit: "s" } },
    options: { reduceOptions: { calcs: ["lastNotNull"] } },
  });
  expect(migrateLegacyPanel({ type: "table-old" })["type"]).toBe("table");
});

test("scalars, vectors and matrices are columns", () => {
  expect(readSeries({ resultType: "scalar", result: [1, "2"] })).toEqual([
    { labels: {}, timesMs: [1_000], values: [2] },
  ]);
  expect(
    readSeries({ resultType: "vector", result: [{ metric: {}, value: [1, "-Inf"] }, { metric: {} }] }),
  ).toHaveLength(1);
  expect(readSeries({ resultType: "matrix", result: [{ metric: {}, values: [[1, "NaN"]] }] })[0]!.values).toEqual([
    null,
  ]);
});
