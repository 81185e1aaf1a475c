import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { compressSync } from "snappy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Role } from "../runtime/role.ts";
import { type TestContext, testContext } from "../runtime/testing.ts";
import { start } from "./index.ts";
import { writeRequest } from "./ingest/testing-write.ts";

/** First second of the written series: recent, because a store with newer samples refuses old ones. */
const BASE = Math.floor(Date.now() / 10_000) * 10 - 600;

/** A second of the written series as a parameter. */
function at(second: number): string {
  return String(BASE + second);
}

let gateway: Server;
let context: TestContext;
let role: Role;

interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: { status: string; data: unknown; error?: string; errorType?: string; warnings?: string[] };
}

async function call(path: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(role.urls.main + path, init);
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

/** `path` with a query string. */
function url(path: string, params: Record<string, string | string[]>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) for (const one of [value].flat()) query.append(name, one);
  return `${path}?${query}`;
}

beforeAll(async () => {
  gateway = createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${context.config.adminApiKey}`) {
      response.writeHead(401).end();
      return;
    }
    response.setHeader("content-type", "application/openmetrics-text; version=1.0.0");
    response.end(
      '# TYPE d histogram\n# HELP d Duration.\nd_bucket{le="1"} 2 # {trace_id="0123456789abcdef"} 0.5\nd_bucket{le="+Inf"} 3\nd_sum 3\nd_count 3\n# EOF\n',
    );
  });
  await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
  const { port } = gateway.address() as AddressInfo;
  context = await testContext("metrics", { peers: { gateway: `http://127.0.0.1:${port}` } });
  role = await start(context);
  const timestampsMs = Array.from({ length: 13 }, (_, index) => (BASE + index * 10) * 1_000);
  const written = writeRequest(
    ["a", "b"].map((instance, series) => ({
      labels: [
        ["__name__", "requests_total"],
        ["instance", instance],
      ] as [string, string][],
      samples: timestampsMs.map((ms, index): [number, number] => [index * 10 * (series + 1), ms]),
    })),
  );
  const answer = await call("/api/v1/write", {
    method: "POST",
    headers: { "content-type": "application/x-protobuf", "content-encoding": "snappy" },
    body: compressSync(written) as Buffer<ArrayBuffer>,
  });
  expect([answer.status, answer.text]).toEqual([204, ""]);
});

afterAll(async () => {
  await role.close();
  gateway.closeAllConnections();
  gateway.close();
  await context.dispose();
});

describe("the shipped configuration", () => {
  test("scrapes the gateway with its key, and the page says so", async () => {
    await expect
      .poll(async () => (await call("/api/v1/targets?state=active")).text, { timeout: 15_000 })
      .toMatch(/"job":"gatewayz_staging".*"health":"up"/);
    const { text } = await call("/targets");
    expect(text).toMatch(/data-job="gatewayz_staging" data-health="up"/);
    expect(text).toContain("UP");
  });

  test("targets have Prometheus' shape", async () => {
    const { body } = await call("/api/v1/targets");
    const data = body.data as { activeTargets: Record<string, unknown>[]; droppedTargets: unknown[] };
    const target = data.activeTargets.find(({ scrapePool }) => scrapePool === "gatewayz_staging")!;
    expect(Object.keys(target)).toEqual([
      "discoveredLabels",
      "labels",
      "scrapePool",
      "scrapeUrl",
      "globalUrl",
      "lastError",
      "lastScrape",
      "lastScrapeDuration",
      "health",
      "scrapeInterval",
      "scrapeTimeout",
    ]);
    expect(target).toMatchObject({
      labels: { app: "gatewayz", job: "gatewayz_staging" },
      discoveredLabels: { __metrics_path__: "/metrics", __scheme__: "http", __scrape_interval__: "5s" },
      scrapeInterval: "5s",
      scrapeTimeout: "4s",
    });
    expect(data.droppedTargets).toEqual([]);
  });

  test("never shows the key", async () => {
    for (const path of ["/api/v1/status/config", "/config", "/api/v1/targets", "/status", "/metrics"]) {
      expect((await call(path)).text).not.toContain(context.config.adminApiKey);
    }
    expect((await call("/api/v1/status/config")).text).toContain("credentials: <secret>");
    expect(JSON.stringify(context.lines)).not.toContain(context.config.adminApiKey);
  });

  test("rules are loaded and listed", async () => {
    const { body } = await call("/api/v1/rules?type=alert");
    const { groups } = body.data as { groups: { name: string; rules: { type: string; name: string }[] }[] };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.map(({ name }) => name)).toContain("GatewayZAPIDown");
    expect(new Set(rules.map(({ type }) => type))).toEqual(new Set(["alerting"]));
    expect((await call("/api/v1/alerts")).body).toEqual({ status: "success", data: { alerts: [] } });
    for (const path of ["/rules", "/alerts"]) expect((await call(path)).text).toContain("GatewayZAPIDown");
  });

  test("metadata and exemplars of the target", async () => {
    expect((await call("/api/v1/metadata?metric=d")).body.data).toEqual({
      d: [{ type: "histogram", help: "Duration.", unit: "" }],
    });
    const nowSeconds = Date.now() / 1_000;
    const path = url("/api/v1/query_exemplars", {
      query: "rate(d_bucket[5m])",
      start: String(nowSeconds - 60),
      end: String(nowSeconds),
    });
    const [first] = (await call(path)).body.data as { seriesLabels: object; exemplars: object[] }[];
    expect(first!.seriesLabels).toMatchObject({ __name__: "d_bucket", le: "1.0", job: "gatewayz_staging" });
    expect(first!.exemplars[0]).toMatchObject({ labels: { trace_id: "0123456789abcdef" }, value: "0.5" });
    const targets = await call(url("/api/v1/targets/metadata", { match_target: '{job="gatewayz_staging"}' }));
    expect(targets.body.data).toMatchObject([{ metric: "d", type: "histogram", target: { app: "gatewayz" } }]);
  });
});

describe("queries", () => {
  test("instant, by GET and by form", async () => {
    const expected = {
      status: "success",
      data: {
        resultType: "vector",
        result: [
          { metric: { __name__: "requests_total", instance: "a" }, value: [BASE + 60.5, "60"] },
          { metric: { __name__: "requests_total", instance: "b" }, value: [BASE + 60.5, "120"] },
        ],
      },
    };
    const params = { query: "requests_total", time: at(60.5) };
    expect((await call(url("/api/v1/query", params))).body).toEqual(expected);
    const form = await call("/api/v1/query", { method: "POST", body: new URLSearchParams(params) });
    expect(form.body).toEqual(expected);
    const iso = await call(url("/api/v1/query", { ...params, time: new Date((BASE + 60.5) * 1_000).toISOString() }));
    expect(iso.body).toEqual(expected);
  });

  test("range", async () => {
    const path = url("/api/v1/query_range", {
      query: "sum(rate(requests_total[1m]))",
      start: at(60),
      end: at(80),
      step: "10s",
    });
    expect((await call(path)).body.data).toEqual({
      resultType: "matrix",
      result: [
        {
          metric: {},
          values: [
            [BASE + 60, "3"],
            [BASE + 70, "3"],
            [BASE + 80, "3"],
          ],
        },
      ],
    });
  });

  test("scalar, string, special values, and statistics", async () => {
    expect((await call(url("/api/v1/query", { query: "1/0", time: "1" }))).body.data).toEqual({
      resultType: "scalar",
      result: [1, "+Inf"],
    });
    expect((await call(url("/api/v1/query", { query: '"x"', time: "1" }))).body.data).toEqual({
      resultType: "string",
      result: [1, "x"],
    });
    const { data } = (await call(url("/api/v1/query", { query: "requests_total", time: at(60), stats: "all" }))).body;
    expect(data).toMatchObject({ stats: { samples: { totalQueryableSamples: 2 }, timings: {} } });
  });

  const bad: { path: string; status?: number; type?: string; error: string }[] = [
    { path: url("/api/v1/query", { query: "up{" }), error: 'invalid parameter "query": 1:4: parse error: ' },
    { path: url("/api/v1/query", { query: "" }), error: 'invalid parameter "query": ' },
    {
      path: url("/api/v1/query", { query: "up", time: "noon" }),
      error: 'invalid parameter "time": invalid time value for \'time\': cannot parse "noon" to a valid timestamp',
    },
    {
      path: url("/api/v1/query", { query: "up", timeout: "x" }),
      error: 'invalid parameter "timeout": cannot parse "x" to a valid duration',
    },
    {
      path: url("/api/v1/query", { query: "up", limit: "-1" }),
      error: 'invalid parameter "limit": limit must be non-negative',
    },
    {
      path: url("/api/v1/query", { query: "requests_total + on() group_left requests_total", time: at(60) }),
      status: 422,
      type: "execution",
      error: "found duplicate series for the match group",
    },
    {
      path: url("/api/v1/query_range", { query: "up" }),
      error: 'invalid parameter "start": cannot parse "" to a valid timestamp',
    },
    {
      path: url("/api/v1/query_range", { query: "up", start: "2", end: "1", step: "1" }),
      error: 'invalid parameter "end": end timestamp must not be before start time',
    },
    {
      path: url("/api/v1/query_range", { query: "up", start: "1", end: "2", step: "0" }),
      error:
        'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
    },
    {
      path: url("/api/v1/query_range", { query: "up", start: "0", end: "11001", step: "1" }),
      error:
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    },
    { path: "/api/v1/series", error: "no match[] parameter provided" },
    { path: url("/api/v1/series", { "match[]": "{" }), error: 'invalid parameter "match[]": ' },
    { path: "/api/v1/rules?type=x", error: 'invalid parameter "type": not supported value "x"' },
    { path: url("/api/v1/query_exemplars", { query: "up", start: "2", end: "1" }), error: 'invalid parameter "end": ' },
  ];
  for (const { path, status = 400, type = "bad_data", error } of bad) {
    test(`${path}: ${status}`, async () => {
      const answer = await call(path);
      expect(answer.status).toBe(status);
      expect(answer.body).toMatchObject({ status: "error", errorType: type });
      expect(answer.body.error).toContain(error);
    });
  }

  test("a client that goes away cancels its query", async () => {
    const leaving = new AbortController();
    const expression = `sum(${Array(200).fill("sum_over_time(requests_total[10m:1s])").join(" + ")})`;
    const params = { query: expression, start: at(0), end: at(10_000), step: "1" };
    const query = call(url("/api/v1/query_range", params), { signal: leaving.signal });
    await new Promise((resolve) => setTimeout(resolve, 200));
    leaving.abort();
    await expect(query).rejects.toThrow();
    await expect
      .poll(async () => (await call("/metrics")).text, { timeout: 15_000 })
      .toMatch(/^prometheus_engine_queries 0$/m);
  });

  test("formatting", async () => {
    const { body } = await call(url("/api/v1/format_query", { query: "sum(up)by(job)" }));
    expect(body).toEqual({ status: "success", data: "sum by (job) (up)" });
    expect((await call(url("/api/v1/format_query", { query: "sum(" }))).status).toBe(400);
  });

  test("a large reply is compressed, and is the same", async () => {
    const path = url("/api/v1/query_range", { query: "requests_total", start: at(0), end: at(120), step: "0.05" });
    const plain = await call(path, { headers: { "accept-encoding": "identity" } });
    const { request } = await import("undici");
    const zipped = await request(role.urls.main + path, { headers: { "accept-encoding": "gzip" } });
    expect(zipped.headers["content-encoding"]).toBe("gzip");
    const bytes = Buffer.from(await zipped.body.arrayBuffer());
    expect(bytes.length).toBeLessThan(plain.text.length / 3);
    expect(gunzipSync(bytes).toString()).toBe(plain.text);
  });
});

describe("series and labels", () => {
  const window = { start: at(0), end: at(120) };

  test("series", async () => {
    const path = url("/api/v1/series", { "match[]": ["requests_total", '{instance="a"}'], ...window });
    expect((await call(path)).body.data).toEqual([
      { __name__: "requests_total", instance: "a" },
      { __name__: "requests_total", instance: "b" },
    ]);
    const limited = await call(url("/api/v1/series", { "match[]": "requests_total", limit: "1", ...window }));
    expect(limited.body).toMatchObject({ data: [{ instance: "a" }], warnings: ["results truncated due to limit"] });
  });

  test("label names and values", async () => {
    const selector = { "match[]": "requests_total", ...window };
    expect((await call(url("/api/v1/labels", selector))).body.data).toEqual(["__name__", "instance"]);
    expect((await call(url("/api/v1/label/instance/values", selector))).body.data).toEqual(["a", "b"]);
    expect((await call(url("/api/v1/label/nothing/values", {}))).body.data).toEqual([]);
    const post = await call("/api/v1/labels", { method: "POST", body: new URLSearchParams(selector) });
    expect(post.body.data).toEqual(["__name__", "instance"]);
  });
});

describe("management", () => {
  test("readiness, liveness, reload, quit, federation, unknown paths", async () => {
    expect((await call("/-/ready")).text).toBe("Prometheus Server is Ready.\n");
    expect((await call("/-/healthy")).text).toBe("Prometheus Server is Healthy.\n");
    expect((await call("/-/reload", { method: "POST" })).status).toBe(200);
    expect((await call("/-/quit", { method: "POST" })).status).toBe(403);
    expect((await call("/api/v1/nothing")).status).toBe(404);
    const { text } = await call(url("/federate", { "match[]": '{job="gatewayz_staging",__name__=~"d_.*"}' }));
    expect(text).toMatch(
      /# TYPE d_count untyped\nd_count\{app="gatewayz",instance="[^"]+",job="gatewayz_staging"\} 3 \d+\n/,
    );
  });

  test("what changes something is closed to web pages", async () => {
    const headers = { origin: "http://evil.example" };
    for (const path of ["/api/v1/write", "/-/reload", "/-/quit"]) {
      expect((await call(path, { method: "POST", headers })).status).toBe(403);
    }
    expect((await call("/api/v1/query?query=1", { method: "POST", headers })).status).toBe(200);
  });

  test("status endpoints", async () => {
    expect((await call("/api/v1/status/buildinfo")).body.data).toMatchObject({
      version: expect.stringMatching(/^3\./),
    });
    expect((await call("/api/v1/status/runtimeinfo")).body.data).toMatchObject({
      reloadConfigSuccess: true,
      storageRetention: "15d",
    });
    expect((await call("/api/v1/status/flags")).body.data).toMatchObject({
      "web.enable-remote-write-receiver": "true",
    });
    expect((await call("/api/v1/status/walreplay")).body.data).toEqual({ min: 0, max: 0, current: 0 });
    const { data } = (await call("/api/v1/status/tsdb?limit=3")).body as {
      data: { seriesCountByMetricName: unknown[] };
    };
    expect(data).toMatchObject({ headStats: { numSeries: expect.any(Number) } });
    expect(data.seriesCountByMetricName).toHaveLength(3);
    expect((await call("/status")).status).toBe(200);
  });

  test("the query page shows results and errors, escaped", async () => {
    expect((await call(url("/query", { query: "vector(3)" }))).text).toContain("<code>3</code>");
    const broken = (await call(url("/query", { query: 'up{x="<script>"' }))).text;
    expect(broken).toContain("parse error");
    expect(broken).not.toContain("<script>");
  });

  test("its own metrics have Prometheus' names", async () => {
    const { text } = await call("/metrics");
    for (const name of [
      'prometheus_http_requests_total{handler="/api/v1/query",code="200"}',
      "prometheus_target_interval_length_seconds",
      "prometheus_engine_queries ",
      "prometheus_config_last_reload_successful 1",
      "prometheus_rule_group_rules",
      'gatewayz_machine_cpu_seconds_total{mode="idle"}',
    ]) {
      expect(text).toContain(name);
    }
  });
});
