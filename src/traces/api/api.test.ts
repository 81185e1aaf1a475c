import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Role } from "../../runtime/role.ts";
import { type TestContext, testContext } from "../../runtime/testing.ts";
import { start } from "../index.ts";
import { exportRequest, spanIdOf, TEST_START_NS, type TestSpan, traceIdOf } from "../testing.ts";

let context: TestContext;
let role: Role;

const START_S = Number(TEST_START_NS / 1_000_000_000n);

/** Ten traces a second apart: a server span, a client span below it, a database span below that. */
const SPANS: TestSpan[] = Array.from({ length: 10 }, (_none, trace) => {
  const startNs = TEST_START_NS + BigInt(trace) * 1_000_000_000n;
  const root: TestSpan = {
    traceId: traceIdOf(trace),
    spanId: spanIdOf(trace * 3),
    name: "POST /v1/chat/completions",
    kind: 2,
    service: "gatewayz-api",
    startNs,
    durationNs: BigInt(trace + 1) * 100_000_000n,
    status: trace === 9 ? 2 : 0,
    attributes: { "http.status_code": trace === 9 ? 500 : 200, "http.route": "/v1/chat/completions" },
  };
  const client: TestSpan = {
    ...root,
    spanId: spanIdOf(trace * 3 + 1),
    parentSpanId: spanIdOf(trace * 3),
    name: "openai/gpt-4o-mini",
    kind: 3,
    attributes: { "ai.provider": trace % 2 === 0 ? "openai" : "anthropic", "gen_ai.usage.input_tokens": trace * 10 },
  };
  const database: TestSpan = {
    ...root,
    spanId: spanIdOf(trace * 3 + 2),
    parentSpanId: spanIdOf(trace * 3 + 1),
    name: "SELECT",
    kind: 3,
    service: "orders",
    attributes: { "db.system": "postgresql" },
  };
  return [root, client, database];
}).flat();

beforeAll(async () => {
  context = await testContext("traces");
  role = await start(context);
  const response = await post("/v1/traces", exportRequest(SPANS), { "content-type": "application/x-protobuf" });
  expect(response.status).toBe(200);
});

afterAll(async () => {
  await role.close();
  await context.dispose();
});

function post(path: string, body: Uint8Array | string, headers: Record<string, string>): Promise<Response> {
  return fetch(`${role.urls["otlpHttp"]}${path}`, { method: "POST", body: body as string, headers });
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely here
async function get(path: string, parameters: Record<string, string> = {}): Promise<any> {
  const response = await fetch(`${role.urls["main"]}${path}?${new URLSearchParams(parameters)}`);
  const text = await response.text();
  return response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : { status: response.status, text };
}

async function matched(q: string): Promise<number[]> {
  const { traces } = await get("/api/search", { q, limit: "100" });
  return traces
    .map(({ traceID }: { traceID: string }) => Number.parseInt(traceID, 16) - 1)
    .sort((a: number, b: number) => a - b);
}

describe("search", () => {
  const all = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const cases: [string, number[]][] = [
    ["{}", all],
    ["{ status = error }", [9]],
    ["{ span.http.status_code >= 500 }", [9]],
    ["{ duration > 800ms && kind = server }", [8, 9]],
    ['{ .ai.provider = "openai" }', [0, 2, 4, 6, 8]],
    ['{ span.ai.provider != "openai" }', [1, 3, 5, 7, 9]],
    ['{ name =~ "POST.*" } > { name =~ "openai/.*" }', all],
    ['{ kind = server } >> { span.db.system = "postgresql" }', all],
    ['{ kind = server } > { span.db.system = "postgresql" }', []],
    ['{ span.db.system = "postgresql" } << { kind = server }', all],
    ['{ span.db.system = "postgresql" } < { span.ai.provider = "anthropic" }', [1, 3, 5, 7, 9]],
    ['{ kind = server } !> { name = "SELECT" }', all],
    ["{ kind = client } ~ { kind = client }", []],
    ["{ kind = client } | count() = 2", all],
    ["{ kind = client } | count() > 2", []],
    ["{ .gen_ai.usage.input_tokens > 0 } | max(.gen_ai.usage.input_tokens) >= 80", [8, 9]],
    ["{ } | sum(duration) > 2s", [6, 7, 8, 9]],
    ['{ resource.service.name = "orders" } && { span.http.status_code = 500 }', [9]],
    ["{ traceDuration >= 1s }", [9]],
    ['{ rootServiceName = "gatewayz-api" && nestedSetParent = -1 }', all],
    ["{ span.gen_ai.usage.input_tokens / 10 + 1 = 4 }", [3]],
    ["{ parent.http.status_code = 500 }", [9]],
    ["{ span.nothing = nil && kind = server }", all],
    ["{ span.http.route != nil } | by(resource.service.name) | count() = 1", all],
    [`{ trace:id = "${traceIdOf(4)}" }`, [4]],
  ];
  for (const [query, expected] of cases) {
    test(query, async () => expect(await matched(query)).toEqual(expected));
  }

  test("answers the newest traces first, in Tempo's shape", async () => {
    const { traces, metrics } = await get("/api/search", {
      q: "{ span.http.status_code > 0 } | select(status)",
      limit: "2",
    });
    expect(traces).toHaveLength(2);
    expect(traces[0]).toEqual({
      traceID: traceIdOf(9),
      rootServiceName: "gatewayz-api",
      rootTraceName: "POST /v1/chat/completions",
      startTimeUnixNano: String(TEST_START_NS + 9_000_000_000n),
      durationMs: 1000,
      spanSet: traces[0].spanSets[0],
      spanSets: [
        {
          matched: 1,
          spans: [
            {
              spanID: spanIdOf(27),
              name: "POST /v1/chat/completions",
              startTimeUnixNano: String(TEST_START_NS + 9_000_000_000n),
              durationNanos: "1000000000",
              attributes: [
                { key: "http.status_code", value: { intValue: "500" } },
                { key: "status", value: { stringValue: "error" } },
              ],
            },
          ],
        },
      ],
      serviceStats: { "gatewayz-api": { spanCount: 2, errorCount: 2 }, orders: { spanCount: 1, errorCount: 1 } },
    });
    expect(metrics.inspectedTraces).toBeGreaterThanOrEqual(2);
  });

  test("obeys tags, durations, range and limits", async () => {
    const ids = async (parameters: Record<string, string>) => (await get("/api/search", parameters)).traces.length;
    expect(await ids({ tags: 'service.name="orders" http.status_code=500', limit: "50" })).toBe(0);
    expect(await ids({ tags: "http.status_code=500" })).toBe(1);
    expect(await ids({ minDuration: "500ms", maxDuration: "600ms" })).toBe(2);
    expect(await ids({ q: "{}", start: String(START_S + 5), end: String(START_S + 7) })).toBe(3);
    expect((await get("/api/search", { q: "{}", limit: "0" })).status).toBe(400);
    expect((await get("/api/search", { q: "{}", start: "20", end: "10" })).text).toContain("start must be before end");
  });
});

test("answers a path that is none as Tempo does", async () => {
  expect(await get("/api/nothing")).toEqual({ status: 404, text: "404 page not found\n" });
});

describe("tags", () => {
  test("names and values, by scope and type", async () => {
    expect((await get("/api/search/tags")).tagNames).toEqual(
      expect.arrayContaining(["service.name", "db.system", "duration"]),
    );
    const { scopes } = await get("/api/v2/search/tags");
    expect(scopes).toContainEqual({ name: "resource", tags: ["service.name"] });
    expect((await get("/api/v2/search/tags", { scope: "span" })).scopes).toHaveLength(1);
    expect((await get("/api/search/tag/service.name/values")).tagValues).toEqual(["gatewayz-api", "orders"]);
    expect((await get("/api/v2/search/tag/span.http.status_code/values")).tagValues).toEqual([
      { type: "int", value: "200" },
      { type: "int", value: "500" },
    ]);
    expect((await get("/api/v2/search/tag/status/values")).tagValues).toContainEqual({
      type: "keyword",
      value: "error",
    });
    expect(
      (await get("/api/v2/search/tag/name/values", { q: '{ resource.service.name = "orders" && span.x = }' }))
        .tagValues,
    ).toEqual([{ type: "string", value: "SELECT" }]);
    expect((await get("/api/v2/search/tag/foo/values")).status).toBe(400);
  });
});

describe("metrics", () => {
  const range = { start: String(START_S), end: String(START_S + 10), step: "5s" };

  test("rate by an attribute, as Tempo answers a range", async () => {
    const { series } = await get("/api/metrics/query_range", {
      ...range,
      q: "{ span.ai.provider != nil } | rate() by (span.ai.provider)",
    });
    expect(series).toContainEqual({
      labels: [{ key: "span.ai.provider", value: { stringValue: "openai" } }],
      promLabels: '{"span.ai.provider"="openai"}',
      samples: [
        { timestampMs: String(START_S * 1000), value: 3 / 5 },
        { timestampMs: String((START_S + 5) * 1000), value: 2 / 5 },
      ],
    });
  });

  const values: [string, (number | undefined)[]][] = [
    ["{ kind = server } | count_over_time()", [5, 5]],
    ["{ kind = server } | max_over_time(duration)", [0.5, 1]],
    ["{ kind = server } | min_over_time(duration)", [0.1, 0.6]],
    ["{ } | sum_over_time(span.gen_ai.usage.input_tokens)", [100, 350]],
    ["{ } | avg_over_time(span.gen_ai.usage.input_tokens)", [20, 70]],
    ["{ status = error } | count_over_time() | > 1", [undefined, 3]],
  ];
  for (const [q, expected] of values) {
    test(q, async () => {
      const { series } = await get("/api/metrics/query_range", { ...range, q });
      const byTime = new Map(
        series[0].samples.map(({ timestampMs, value }: { timestampMs: string; value: number }) => [timestampMs, value]),
      );
      expect([0, 5].map((offset) => byTime.get(String((START_S + offset) * 1000)))).toEqual(expected);
    });
  }

  test("quantiles, histograms, topk, compare and instant queries", async () => {
    const quantile = await get("/api/metrics/query_range", {
      ...range,
      step: "10s",
      q: "{ kind = server } | quantile_over_time(duration, .5, .9)",
    });
    expect(quantile.series.map(({ labels }: { labels: unknown[] }) => labels)).toEqual([
      [{ key: "p", value: { doubleValue: 0.5 } }],
      [{ key: "p", value: { doubleValue: 0.9 } }],
    ]);
    expect(quantile.series[0].samples[0].value).toBeCloseTo(0.5, 1);
    const histogram = await get("/api/metrics/query_range", {
      ...range,
      q: "{ kind = server } | histogram_over_time(duration)",
    });
    expect(histogram.series.map(({ labels }: { labels: { value: object }[] }) => labels[0]!.value)).toContainEqual({
      doubleValue: 0.25,
    });
    const top = await get("/api/metrics/query", { ...range, q: "{ } | count_over_time() by (name) | topk(1)" });
    expect(top.series).toHaveLength(1);
    expect(top.series[0].value).toBe(10);
    const compared = await get("/api/metrics/query_range", { ...range, q: "{ } | compare({ status = error })" });
    expect(
      compared.series.map(
        ({ labels }: { labels: { value: { stringValue: string } }[] }) => labels[0]!.value.stringValue,
      ),
    ).toContain("selection");
    expect((await get("/api/metrics/query_range", { ...range, q: "{ }" })).status).toBe(400);
    expect(
      (await get("/api/metrics/query_range", { ...range, step: "1ms", end: String(START_S + 99), q: "{ } | rate()" }))
        .text,
    ).toContain("11000 points");
  });
});

describe("OTLP/HTTP", () => {
  const protobuf = { "content-type": "application/x-protobuf" };

  test("answers errors as google.rpc.Status in the format of the request", async () => {
    const garbage = await post("/v1/traces", "garbage!", protobuf);
    expect(garbage.status).toBe(400);
    expect(garbage.headers.get("content-type")).toContain("application/x-protobuf");
    const broken = await post("/v1/traces", "{", { "content-type": "application/json" });
    expect(broken.status).toBe(400);
    expect(await broken.json()).toMatchObject({ code: 3, message: expect.stringContaining("invalid JSON") });
    const wrong = await post("/v1/traces", '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":5}]}]}]}', {
      "content-type": "application/json",
    });
    expect(await wrong.json()).toEqual({ code: 3, message: "malformed OTLP request: name is no string" });
    expect((await post("/v1/traces", "x", { "content-type": "text/plain" })).status).toBe(415);
    expect((await fetch(`${role.urls["otlpHttp"]}/v1/traces`)).status).toBe(405);
  });

  test("takes gzip, and refuses a bomb before it unfolds", async () => {
    const gzipped = { ...protobuf, "content-encoding": "gzip" };
    const spans: TestSpan[] = [{ traceId: "f".repeat(32), spanId: "a".repeat(16), startNs: 1n }];
    expect((await post("/v1/traces", gzipSync(exportRequest(spans)), gzipped)).status).toBe(200);
    expect((await post("/v1/traces", gzipSync(Buffer.alloc(64 * 1024 * 1024)), gzipped)).status).toBe(413);
  });

  test("rejects spans with bad ids and keeps the rest", async () => {
    const span = { name: "x", startTimeUnixNano: "1", endTimeUnixNano: "2" };
    const spans = [
      { ...span, traceId: "e".repeat(32), spanId: "b".repeat(16) },
      { ...span, traceId: "00", spanId: "b".repeat(16) },
      { ...span, traceId: "e".repeat(32), spanId: "0".repeat(16) },
    ];
    const response = await post("/v1/traces", JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }), {
      "content-type": "application/json",
    });
    expect(await response.json()).toMatchObject({ partialSuccess: { rejectedSpans: "2" } });
    expect((await get(`/api/v2/traces/${"e".repeat(32)}`)).trace.resourceSpans).toHaveLength(1);
    const text = await (await fetch(`${role.urls["main"]}/metrics`)).text();
    expect(text).toContain('tempo_discarded_spans_total{tenant="single-tenant",reason="invalid_trace_id"} 1');
    expect(text).toMatch(/tempo_distributor_spans_received_total\{tenant="single-tenant"\} 3\d/);
  });
});
