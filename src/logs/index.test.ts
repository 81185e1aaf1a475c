import { gzipSync } from "node:zlib";
import { compressSync } from "snappy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Role } from "../runtime/role.ts";
import { type TestContext, testContext } from "../runtime/testing.ts";
import { start } from "./index.ts";

let context: TestContext;
let role: Role;
const nowMs = Date.now();
const ns = (ms: number): string => `${ms}000000`;

beforeAll(async () => {
  context = await testContext("logs");
  role = await start(context);
  const values = Array.from({ length: 20 }, (_, index) => [
    ns(nowMs - 20_000 + index * 1_000),
    JSON.stringify({ message: `request ${index}`, status: index % 5 === 0 ? 500 : 200, took: `${index * 10}ms` }),
    { trace_id: `trace${index}` },
  ]);
  const streams = [
    { stream: { app: "gatewayz", level: "INFO" }, values },
    { stream: { app: "gatewayz", level: "ERROR" }, values: [[ns(nowMs - 5_000), "boom"]] },
  ];
  expect((await push(JSON.stringify({ streams }))).status).toBe(204);
});
afterAll(async () => {
  await role.close();
  await context.dispose();
});

function push(body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${role.urls["main"]}/loki/api/v1/push`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

async function get(path: string, params: Record<string, string> = {}, headers: Record<string, string> = {}) {
  const response = await fetch(`${role.urls["main"]}${path}?${new URLSearchParams(params)}`, { headers });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  return { status: response.status, text, json: isJson ? JSON.parse(text) : undefined };
}

test("says exactly what the guide waits for, after it listens", () => {
  expect(context.lines.map(({ msg }) => msg)).toContain("Loki started");
});

describe("push", () => {
  test("takes gzip", async () => {
    const body = JSON.stringify({ streams: [{ stream: { app: "gz" }, values: [[ns(nowMs), "zipped"]] }] });
    expect((await push(gzipSync(body), { "content-encoding": "gzip" })).status).toBe(204);
    expect((await get("/loki/api/v1/query_range", { query: '{app="gz"}' })).text).toContain("zipped");
  });

  test("takes snappy protobuf", async () => {
    // { streams: [{ labels: '{a="pb"}', entries: [{ timestamp: { seconds }, line: "hi" }] }] }
    const seconds = Math.floor(nowMs / 1_000);
    const varint = (value: number): number[] =>
      value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
    const time = [0x08, ...varint(seconds)];
    const one = [0x0a, time.length, ...time, 0x12, 2, 0x68, 0x69];
    const labels = [...Buffer.from('{a="pb"}')];
    const stream = [0x0a, labels.length, ...labels, 0x12, one.length, ...one];
    const body = compressSync(Buffer.from([0x0a, stream.length, ...stream]));
    expect((await push(body, { "content-type": "application/x-protobuf" })).status).toBe(204);
    const found = await get("/loki/api/v1/query_range", { query: '{a="pb"}', end: ns(nowMs + 1_000) });
    expect(found.json.data.result[0].values).toEqual([[ns(seconds * 1_000), "hi"]]);
  });

  const refused = [
    {
      name: "an old entry, with the reason",
      body: { streams: [{ stream: { app: "old" }, values: [[ns(nowMs - 30 * 86_400_000), "x"]] }] },
      status: 400,
      text: "has timestamp too old",
    },
    {
      name: "a push without streams",
      body: { streams: [] },
      status: 422,
      text: "error at least one valid stream is required for ingestion",
    },
    { name: "broken JSON", body: "{", status: 400, text: "invalid JSON" },
  ];
  for (const { name, body, status, text } of refused) {
    test(`refuses ${name}`, async () => {
      const response = await push(typeof body === "string" ? body : JSON.stringify(body));
      expect(response.status).toBe(status);
      expect(await response.text()).toContain(text);
    });
  }

  test("refuses a zip bomb before it is unpacked", async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    expect((await push(bomb, { "content-encoding": "gzip" })).status).toBe(413);
  });

  test("refuses another content type", async () => {
    expect((await push("x", { "content-type": "text/plain" })).status).toBe(415);
  });
});

describe("log queries", () => {
  test("give streams with structured metadata among the labels, newest first", async () => {
    const { json } = await get("/loki/api/v1/query_range", { query: '{app="gatewayz", level="INFO"}', limit: "2" });
    expect(json.data.resultType).toBe("streams");
    expect(json.data.result).toEqual([
      {
        stream: { app: "gatewayz", level: "INFO", trace_id: "trace18" },
        values: [[ns(nowMs - 2_000), expect.stringContaining("request 18")]],
      },
      {
        stream: { app: "gatewayz", level: "INFO", trace_id: "trace19" },
        values: [[ns(nowMs - 1_000), expect.stringContaining("request 19")]],
      },
    ]);
    expect(json.data.stats.summary.totalEntriesReturned).toBe(2);
  });

  test("keep them apart where the client asks for it", async () => {
    const headers = { "x-loki-response-encoding-flags": "categorize-labels" };
    const query = '{app="gatewayz"} |= "request 7\\"" | json';
    const { json } = await get("/loki/api/v1/query_range", { query }, headers);
    expect(json.data.encodingFlags).toEqual(["categorize-labels"]);
    expect(json.data.result).toEqual([
      {
        stream: { app: "gatewayz", level: "INFO" },
        values: [
          [
            ns(nowMs - 13_000),
            expect.any(String),
            {
              structuredMetadata: { trace_id: "trace7" },
              parsed: { message: "request 7", status: "200", took: "70ms" },
            },
          ],
        ],
      },
    ]);
  });

  test("go forward, and respect both ends of the range", async () => {
    const { json } = await get("/loki/api/v1/query_range", {
      query: '{app="gatewayz", level="INFO"} | drop trace_id',
      direction: "forward",
      start: ns(nowMs - 20_000),
      end: ns(nowMs - 18_000),
    });
    expect(json.data.result[0].values.map(([time]: [string]) => time)).toEqual([
      ns(nowMs - 20_000),
      ns(nowMs - 19_000),
    ]);
  });

  test("work by form POST too", async () => {
    const response = await fetch(`${role.urls["main"]}/loki/api/v1/query_range`, {
      method: "POST",
      body: new URLSearchParams({ query: '{level="ERROR"}' }),
    });
    expect(await response.text()).toContain("boom");
  });
});

describe("metric queries", () => {
  test("give a matrix over a range", async () => {
    const { json } = await get("/loki/api/v1/query_range", {
      query: 'sum by (level) (count_over_time({app="gatewayz"}[10s]))',
      start: String((nowMs - 10_000) / 1_000),
      end: String(nowMs / 1_000),
      step: "5",
    });
    expect(json.data.resultType).toBe("matrix");
    expect(json.data.result).toEqual([
      {
        metric: { level: "ERROR" },
        values: [
          [(nowMs - 5_000) / 1_000, "1"],
          [nowMs / 1_000, "1"],
        ],
      },
      {
        metric: { level: "INFO" },
        values: [
          [(nowMs - 10_000) / 1_000, "10"],
          [(nowMs - 5_000) / 1_000, "10"],
          [nowMs / 1_000, "9"],
        ],
      },
    ]);
  });

  test("give a vector at an instant, scalars as scalars", async () => {
    const query = 'max_over_time({app="gatewayz"} | json | unwrap duration(took) | __error__="" [1m]) by (app)';
    const { json } = await get("/loki/api/v1/query", { query, time: ns(nowMs) });
    expect(json.data).toMatchObject({
      resultType: "vector",
      result: [{ metric: { app: "gatewayz" }, value: [nowMs / 1_000, "0.19"] }],
    });
    expect((await get("/loki/api/v1/query", { query: "1 + 2 * 3", time: "1" })).json.data).toMatchObject({
      resultType: "scalar",
      result: [1, "7"],
    });
  });
});

describe("refusals in Loki's words", () => {
  const range = { start: "1", end: "1000000" };
  const cases: { params: Record<string, string>; text: string | RegExp }[] = [
    {
      params: { query: '{app="x"' },
      text: "parse error at line 1, col 9: syntax error: unexpected $end, expecting } or ,\n",
    },
    {
      params: { query: '{app="x"}', limit: "5001" },
      text: "max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)\n",
    },
    {
      params: { query: 'rate({app="x"}[1m])', ...range, step: "1" },
      text: "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter\n",
    },
    {
      params: { query: '{app="x"}', start: "1", end: "1000000000" },
      text: /^the query time range exceeds the limit \(query length: 277777h/,
    },
    { params: { query: '{app=~".*"}' }, text: /queries require at least one regexp or equality matcher/ },
    {
      params: { query: 'sum(count_over_time({app="gatewayz"} | json [1m]))' },
      text: /^pipeline error: 'JSONParserErr' for series/,
    },
    { params: { query: '{app="x"}', start: "yesterday" }, text: /could not parse "yesterday" as a timestamp/ },
  ];
  for (const { params, text } of cases) {
    test(`query_range ${JSON.stringify(params)}`, async () => {
      const result = await get("/loki/api/v1/query_range", params);
      expect(result.status).toBe(400);
      if (typeof text === "string") expect(result.text).toBe(text);
      else expect(result.text).toMatch(text);
    });
  }

  test("a log query is no instant query", async () => {
    const result = await get("/loki/api/v1/query", { query: '{app="x"}' });
    expect(result).toMatchObject({
      status: 400,
      text: expect.stringContaining("log queries are not supported as an instant query type"),
    });
  });
});

test("labels, values and series, whole or of a selector", async () => {
  expect((await get("/loki/api/v1/labels")).json.data).toEqual(expect.arrayContaining(["app", "level"]));
  expect((await get("/loki/api/v1/label/level/values", { query: '{app="gatewayz"}' })).json).toEqual({
    status: "success",
    data: ["ERROR", "INFO"],
  });
  expect((await get("/loki/api/v1/label/none/values")).json).toEqual({ status: "success" });
  const series = await get("/loki/api/v1/series", { "match[]": '{level="ERROR"}' });
  expect(series.json.data).toEqual([{ app: "gatewayz", level: "ERROR" }]);
});

test("index statistics and volumes", async () => {
  const stats = (await get("/loki/api/v1/index/stats", { query: '{app="gatewayz"}' })).json;
  expect(stats).toMatchObject({ streams: 2, chunks: 2, entries: 21 });
  const volume = (await get("/loki/api/v1/index/volume", { query: '{app="gatewayz"}', targetLabels: "level" })).json;
  expect(volume.data.result.map(({ metric }: { metric: object }) => metric)).toEqual([
    { level: "INFO" },
    { level: "ERROR" },
  ]);
  const range = (await get("/loki/api/v1/index/volume_range", { query: '{app="gatewayz"}', step: "60" })).json;
  expect(range.data.resultType).toBe("matrix");
  expect((await get("/loki/api/v1/index/stats", { query: "{}" })).json.streams).toBeGreaterThanOrEqual(2);
});

test("readiness, build information, rules and self-metrics answer", async () => {
  for (const path of ["/ready", "/loki/api/v1/status/ready"])
    expect(await get(path)).toMatchObject({ status: 200, text: "ready\n" });
  expect((await get("/loki/api/v1/status/buildinfo")).json.version).toMatch(/^3\./);
  expect((await get("/loki/api/v1/rules")).text).toContain("loki:errors:count_per_minute");
  const groups = (await get("/prometheus/api/v1/rules")).json.data.groups as { rules: object[] }[];
  expect(groups.flatMap(({ rules }) => rules)).toHaveLength(31);
  const metrics = (await get("/metrics")).text;
  expect(metrics).toMatch(/loki_distributor_lines_received_total\{tenant="fake"\} \d+/);
  expect(metrics).toMatch(/loki_discarded_samples_total\{reason="greater_than_max_sample_age",tenant="fake"\} 1/);
  expect(metrics).toMatch(
    /loki_request_duration_seconds_count\{method="POST",route="loki_api_v1_push",status_code="204",ws="false"\}/,
  );
  expect(metrics).toMatch(/loki_ingester_memory_streams\{tenant="fake"\} \d+/);
});

test("a path that Loki does not have is 404 in its words", async () => {
  expect(await get("/loki/api/v1/nothing")).toMatchObject({ status: 404, text: "404 page not found\n" });
  expect(await get("/loki/api/v1/../../../../etc/passwd")).toMatchObject({ status: 404 });
});

test("format_query prints a query in its one form", async () => {
  const { json } = await get("/loki/api/v1/format_query", { query: '{a="b"}|="c"|json|d>5' });
  expect(json.data).toBe('{a="b"} |= "c" | json | d>5');
});
