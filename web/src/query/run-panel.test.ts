import { afterEach, expect, test, vi } from "vitest";
import { DataSourceDirectory } from "../api/data-sources.ts";
import { migrateDashboard } from "../dashboard/migrate.ts";
import type { PanelModel } from "../dashboard/types.ts";
import { panelSource, rangeNotice, runPanelQueries } from "./run-panel.ts";
import { isBusy } from "./scheduler.ts";

const RANGE = { fromMs: 1_700_000_000_000, toMs: 1_700_000_900_000, raw: { from: "now-15m", to: "now" } };
const scope = { variables: new Map(), range: RANGE };
const directory = new DataSourceDirectory([
  { uid: "prom", name: "Prometheus", type: "prometheus", isDefault: true, jsonData: { timeInterval: "5s" } },
  { uid: "loki", name: "Loki", type: "loki", jsonData: { maxLines: 50 } },
  { uid: "tempo", name: "Tempo", type: "tempo", jsonData: { serviceMap: { datasourceUid: "prom" } } },
  { uid: "sql", name: "SQL", type: "mysql" },
]);

interface Asked {
  url: string;
  body: URLSearchParams;
}

function stub(answer: (asked: Asked) => unknown): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
    const [path = "", query = ""] = url.split("?");
    const request = { url: path, body: new URLSearchParams(init.body === undefined ? query : String(init.body)) };
    asked.push(request);
    const body = answer(request);
    return body instanceof Response ? body : new Response(JSON.stringify(body));
  });
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

function panel(json: object): PanelModel {
  return migrateDashboard({ panels: [{ id: 1, type: "timeseries", gridPos: {}, ...json }] }).sections[0]!.panels[0]!;
}

const run = (one: PanelModel, others: PanelModel[] = []) =>
  runPanelQueries({
    panel: one,
    directory,
    scope,
    pointsMax: 900,
    signal: new AbortController().signal,
    findPanel: (id) => others.find((other) => other.id === id),
  });

const matrix = {
  status: "success",
  data: {
    resultType: "matrix",
    result: [
      {
        metric: { a: "1" },
        values: [
          [1_700_000_000, "1"],
          [1_700_000_005, "NaN"],
        ],
      },
    ],
  },
};
const vector = {
  status: "success",
  data: { resultType: "vector", result: [{ metric: { __name__: "up", a: "1" }, value: [1_700_000_900, "+Inf"] }] },
};

test("Prometheus: a range query on the step grid, named by its legend", async () => {
  const asked = stub(() => matrix);
  const answer = await run(
    panel({
      datasource: { uid: "prom" },
      targets: [{ refId: "A", expr: "rate(x[$__rate_interval])", legendFormat: "a is {{a}}{{ none }}" }],
    }),
  );
  expect(asked[0]!.url).toBe("/api/datasources/proxy/uid/prom/api/v1/query_range");
  expect(Object.fromEntries(asked[0]!.body)).toEqual({
    query: "rate(x[20s])",
    start: "1700000000",
    end: "1700000900",
    step: "5",
  });
  const [frame] = answer.frames;
  expect(frame!.fields[0]!.values).toEqual([1_700_000_000_000, 1_700_000_005_000]);
  expect(frame!.fields[1]!.values).toEqual([1, null]);
  expect(frame!.fields[1]!.config.displayNameFromDS).toBe("a is 1");
  expect(isBusy()).toBe(false);
});

test("Prometheus: instant and range together, and tables with a column per label", async () => {
  const asked = stub(({ url }) => (url.endsWith("query_range") ? matrix : vector));
  await run(panel({ targets: [{ refId: "A", expr: "up", instant: true, range: true }] }));
  expect(asked.map(({ url }) => url.split("/").at(-1))).toEqual(["query_range", "query"]);
  const { frames } = await run(
    panel({
      targets: [
        { refId: "A", expr: "up", instant: true, format: "table" },
        { refId: "B", expr: "up", instant: true, format: "table" },
      ],
    }),
  );
  expect(frames.map((frame) => frame.fields.map((field) => field.name))).toEqual([
    ["Time", "__name__", "a", "Value #A"],
    ["Time", "__name__", "a", "Value #B"],
  ]);
  expect(frames[0]!.fields[3]!.values).toEqual([Number.POSITIVE_INFINITY]);
});

test("Prometheus: heat maps get one count per bucket, lowest first", async () => {
  const series = (le: string, value: string) => ({ metric: { le }, values: [[1, value]] });
  stub(() => ({
    status: "success",
    data: { resultType: "matrix", result: [series("+Inf", "9"), series("1", "4"), series("10", "7")] },
  }));
  const { frames } = await run(
    panel({ type: "heatmap", targets: [{ refId: "A", expr: "x", legendFormat: "{{le}}" }] }),
  );
  expect(frames.map((frame) => [frame.fields[1]!.labels?.["le"], frame.fields[1]!.values])).toEqual([
    ["1", [4]],
    ["10", [3]],
    ["+Inf", [2]],
  ]);
});

test("exemplars come as a frame of their own; an engine without them is no error", async () => {
  const exemplars = {
    data: [{ seriesLabels: {}, exemplars: [{ labels: { trace_id: "abc" }, value: "0.5", timestamp: 1_700_000_001 }] }],
  };
  stub(({ url }) => (url.endsWith("exemplars") ? exemplars : matrix));
  const target = { refId: "A", expr: "x", exemplar: true };
  expect((await run(panel({ targets: [target] }))).frames.map((frame) => frame.name)).toContain("exemplar");
  stub(({ url }) => (url.endsWith("exemplars") ? new Response("no", { status: 404 }) : matrix));
  expect(await run(panel({ targets: [target] }))).toMatchObject({ errors: [] });
});

test("errors carry the engine's words and leave other queries alone", async () => {
  stub(({ body }) =>
    body.get("query") === "bad"
      ? new Response(JSON.stringify({ status: "error", error: "parse error: unexpected end" }), { status: 400 })
      : matrix,
  );
  const answer = await run(
    panel({
      targets: [
        { refId: "A", expr: "bad" },
        { refId: "B", expr: "good" },
        { refId: "C", expr: "bad", hide: true },
      ],
    }),
  );
  expect([answer.frames.length, answer.errors]).toEqual([1, ["parse error: unexpected end"]]);
});

test("sources that are not there, or have no runner, are named", async () => {
  stub(() => matrix);
  expect((await run(panel({ datasource: { uid: "grafana_pyroscope" }, targets: [{ refId: "A" }] }))).errors).toEqual([
    'There is no data source "grafana_pyroscope".',
  ]);
  expect((await run(panel({ datasource: "SQL", targets: [{ refId: "A" }] }))).errors[0]).toContain("mysql");
  expect(await run(panel({ datasource: "-- Grafana --", targets: [{ refId: "A" }] }))).toMatchObject({
    frames: [],
    errors: [],
  });
});

test("mixed panels ask each query's own source", async () => {
  const asked = stub(({ url }) => (url.includes("/loki/") ? { data: { resultType: "streams", result: [] } } : matrix));
  await run(
    panel({
      datasource: { uid: "-- Mixed --" },
      targets: [
        { refId: "A", expr: "up", datasource: "Prometheus" },
        { refId: "B", expr: '{app="x"}', datasource: { type: "loki" } },
      ],
    }),
  );
  expect(asked.map(({ url }) => url.split("/")[5])).toEqual(["prom", "loki"]);
});

test("-- Dashboard -- shows another panel's data; circles are refused", async () => {
  stub(() => matrix);
  const other = { ...panel({ targets: [{ refId: "A", expr: "up" }] }), id: 7 };
  const shared = panel({ datasource: { uid: "-- Dashboard --" }, targets: [{ refId: "A", panelId: 7 }] });
  expect((await run(shared, [other])).frames).toHaveLength(1);
  const circle = { ...shared, id: 7 };
  expect((await run(circle, [circle])).errors[0]).toContain("circle");
  expect((await run(shared, [])).errors[0]).toContain("panel 7");
});

test("Loki: lines newest first, instant metrics, and the limit of the source", async () => {
  const streams = {
    data: {
      resultType: "streams",
      result: [
        {
          stream: { app: "x" },
          values: [
            ["1700000000000000001", "first"],
            ["1700000000000000003", "third"],
          ],
        },
        { stream: { app: "y" }, values: [["1700000000000000002", "second"]] },
      ],
    },
  };
  const asked = stub(({ url }) => (url.endsWith("query_range") ? streams : vector));
  const lines = await run(panel({ type: "logs", datasource: "Loki", targets: [{ refId: "A", expr: '{app=~".+"}' }] }));
  expect(lines.frames[0]!.fields[1]!.values).toEqual(["third", "second", "first"]);
  expect(Object.fromEntries(asked[0]!.body)).toMatchObject({
    limit: "50",
    direction: "backward",
    start: "1700000000000000000",
  });
  await run(
    panel({
      datasource: "Loki",
      targets: [{ refId: "A", expr: 'sum(count_over_time({a="b"}[$__auto]))', queryType: "instant" }],
    }),
  );
  expect(asked[1]!.body.get("query")).toBe('sum(count_over_time({a="b"}[900s]))');
});

const hits = [
  {
    traceID: "abc",
    rootServiceName: "gateway",
    rootTraceName: "POST /v1",
    startTimeUnixNano: "1700000000123456789",
    durationMs: 12,
    spanSets: [
      {
        spans: [
          {
            spanID: "s1",
            name: "n",
            startTimeUnixNano: "1700000000123456789",
            durationNanos: "5000",
            attributes: [{ key: "http.status_code", value: { intValue: "200" } }],
          },
        ],
      },
    ],
  },
];

test("Tempo: search as traces or spans, newest first", async () => {
  const asked = stub(() => ({
    traces: [hits[0], { ...hits[0], traceID: "def", startTimeUnixNano: "1700000000999999999" }],
  }));
  const traces = await run(
    panel({
      datasource: "Tempo",
      targets: [{ refId: "A", query: "{ duration > 1s }", queryType: "traceql", limit: 5 }],
    }),
  );
  expect(Object.fromEntries(asked[0]!.body)).toEqual({
    q: "{ duration > 1s }",
    limit: "5",
    spss: "3",
    start: "1700000000",
    end: "1700000900",
  });
  expect(traces.frames[0]!.fields[0]!.values).toEqual(["def".padStart(32, "0"), "abc".padStart(32, "0")]);
  const spans = await run(panel({ datasource: "Tempo", targets: [{ refId: "A", query: "{}", tableType: "spans" }] }));
  expect(spans.frames[0]!.fields.map((field) => field.name)).toEqual([
    "traceIdHidden",
    "spanID",
    "time",
    "traceService",
    "name",
    "http.status_code",
    "duration",
  ]);
});

test("Tempo: a trace id opens the trace, metrics functions ask for series", async () => {
  const trace = {
    batches: [
      {
        resource: { attributes: [] },
        scopeSpans: [
          {
            spans: [
              {
                traceId: "0af7651916cd43dd8448eb211c80319c",
                spanId: "00f067aa0ba902b7",
                name: "x",
                startTimeUnixNano: "1",
                endTimeUnixNano: "2",
              },
            ],
          },
        ],
      },
    ],
  };
  const asked = stub(({ url }) =>
    url.includes("/metrics/")
      ? {
          series: [
            { labels: [{ key: "s", value: { stringValue: "ok" } }], samples: [{ timestampMs: "1000", value: 2 }] },
          ],
        }
      : trace,
  );
  const one = await run(
    panel({ datasource: "Tempo", targets: [{ refId: "A", query: "0af7651916cd43dd8448eb211c80319c" }] }),
  );
  expect(one.frames[0]!.name).toBe("Trace");
  const metrics = await run(
    panel({ datasource: "Tempo", targets: [{ refId: "A", query: "{} | rate() by (span.s)" }] }),
  );
  expect(metrics.frames[0]!.fields[1]!.labels).toEqual({ s: "ok" });
  expect(asked.map(({ url }) => url.replace("/api/datasources/proxy/uid/tempo", ""))).toEqual([
    "/api/traces/0af7651916cd43dd8448eb211c80319c",
    "/api/metrics/query_range",
  ]);
});

test("Tempo: the service graph is read from metrics", async () => {
  const value = (query: string) => (query.includes("failed") ? "1" : query.includes("seconds") ? "2" : "4");
  const asked = stub(({ body }) => ({
    data: {
      resultType: "vector",
      result: [{ metric: { client: "user", server: "gateway" }, value: [1, value(body.get("query") ?? "")] }],
    },
  }));
  const { frames } = await run(
    panel({ type: "nodeGraph", datasource: "Tempo", targets: [{ refId: "A", queryType: "serviceMap" }] }),
  );
  expect(asked).toHaveLength(3);
  const [nodes, edges] = frames;
  expect(nodes!.fields.find((field) => field.name === "mainstat")!.values).toEqual([Number.NaN, 500]);
  expect(nodes!.fields.find((field) => field.name === "arc__failed")!.values).toEqual([0, 0.25]);
  expect(edges!.fields.map((field) => field.values[0])).toEqual(["user_gateway", "user", "gateway", 500, 4]);
});

test("a panel's own range, its notice, and its source", async () => {
  const asked = stub(() => matrix);
  const one = panel({ timeFrom: "5m", timeShift: "1h", targets: [{ refId: "A", expr: "up" }] });
  await run(one);
  expect(Number(asked[0]!.body.get("end"))).toBe(1_700_000_900 - 3_600);
  expect(Number(asked[0]!.body.get("end")) - Number(asked[0]!.body.get("start"))).toBe(300);
  expect(rangeNotice(one)).toBe("Last 5m, shifted by 1h");
  expect(rangeNotice(panel({}))).toBeUndefined();
  expect(panelSource(one, directory, scope)?.uid).toBe("prom");
  expect(panelSource(panel({ datasource: "gone", targets: [{ refId: "A" }] }), directory, scope)).toBeUndefined();
});

test("a cancelled panel rejects", async () => {
  stub(() => matrix);
  const controller = new AbortController();
  controller.abort();
  await expect(
    runPanelQueries({
      panel: panel({ targets: [{ refId: "A", expr: "up" }] }),
      directory,
      scope,
      pointsMax: 100,
      signal: controller.signal,
      findPanel: () => undefined,
    }),
  ).rejects.toThrow();
});
