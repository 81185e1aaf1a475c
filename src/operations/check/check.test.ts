import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Finding, type Installation, runChecks } from "./index.ts";
import { panelQueries } from "./panel-queries.ts";

/** One server that plays all six roles; each test changes what it answers. */
type Answer = { status?: number; body: unknown };
let answers: Record<string, Answer | ((url: string) => Answer)>;
let server: Server;
let installation: Installation;

const vector = (value: number): Answer => ({
  body: { status: "success", data: { resultType: "vector", result: [{ metric: {}, value: [0, String(value)] }] } },
});
const healthLines = (up: number, ageSeconds = 5): string =>
  [
    ...Array.from({ length: 14 }, (_, index) => `gatewayz_health_x${index} 1`),
    `gatewayz_health_service_up ${up}`,
    `gatewayz_health_service_last_successful_scrape ${Date.now() / 1000 - ageSeconds}`,
  ].join("\n");

beforeEach(async () => {
  answers = {
    "/gateway/metrics": () => ({ body: healthLines(1) }),
    "/health/health": { body: { status: "healthy" } },
    "/metrics/api/v1/targets": {
      body: {
        data: {
          activeTargets: [
            {
              labels: { job: "gatewayz_staging" },
              scrapeUrl: "http://g/metrics",
              health: "up",
              lastError: "",
              lastScrapeDuration: 0.01,
            },
          ],
        },
      },
    },
    "/metrics/api/v1/query": vector(0),
    "/logs/loki/api/v1/status/ready": { body: "ready" },
    "/logs/loki/api/v1/query": vector(7),
    "/traces/status/ready": { body: "ready" },
    "/traces/api/search": { body: { traces: [{ traceID: "a".repeat(32) }] } },
    [`/traces/api/traces/${"a".repeat(32)}`]: { body: { batches: [] } },
    "/dashboards/api/health": { body: { database: "ok" } },
    "/dashboards/api/datasources": { body: [{ uid: "p", name: "Prometheus" }] },
    "/dashboards/api/datasources/uid/p/health": { body: { status: "OK", message: "fine" } },
  };
  for (const uid of [
    "gatewayz-request-metrics",
    "gatewayz-health-status",
    "gatewayz-trace-analysis",
    "gatewayz-log-aggregation",
  ]) {
    answers[`/dashboards/api/dashboards/uid/${uid}`] = {
      body: { dashboard: { title: uid, panels: [{ title: "P", targets: [{ expr: "up" }] }] } },
    };
  }
  answers["/dashboards/api/datasources/proxy/uid/grafana_prometheus/api/v1/query"] = vector(1);
  server = createServer((request, response) => {
    const known = answers[request.url!.split("?")[0]!];
    const { status = 200, body } =
      typeof known === "function" ? known(request.url!) : (known ?? { status: 404, body: "nothing here" });
    response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  installation = {
    gateway: `${base}/gateway`,
    health: `${base}/health`,
    metrics: `${base}/metrics`,
    logs: `${base}/logs`,
    traces: `${base}/traces`,
    dashboards: `${base}/dashboards`,
    adminApiKey: "k",
    engineKey: undefined,
    dashboardsUser: "admin",
    dashboardsPassword: "p",
    dataDir: undefined,
  };
});
afterEach(() => server.close());

const failures = async (): Promise<Finding[]> =>
  (await runChecks(installation)).filter(({ verdict }) => verdict === "fail");

test("a sound installation has no failure; a young one is pending on uptime only", async () => {
  const findings = await runChecks(installation);
  expect(
    findings.filter(({ verdict }) => verdict !== "ok").map(({ criterion, verdict }) => [criterion, verdict]),
  ).toEqual([["99.9% uptime over 24 hours", "pending"]]);
});

const cases: { name: string; change: () => void; criterion: RegExp; cause: RegExp }[] = [
  {
    name: "gateway's key wrong",
    change: () => {
      answers["/gateway/metrics"] = { status: 401, body: "" };
    },
    criterion: /15\+ health metrics/,
    cause: /refuses the key/,
  },
  {
    name: "no health metrics",
    change: () => {
      answers["/gateway/metrics"] = { body: "up 1" };
    },
    criterion: /15\+ health metrics/,
    cause: /does not export/,
  },
  {
    name: "rounds stopped, health service fine",
    change: () => {
      answers["/gateway/metrics"] = { body: healthLines(1, 500) };
    },
    criterion: /15\+ health metrics/,
    cause: /rounds do not succeed/,
  },
  {
    name: "health service down for the gateway only",
    change: () => {
      answers["/gateway/metrics"] = { body: healthLines(0) };
    },
    criterion: /Health service is reachable/,
    cause: /but not to the gateway/,
  },
  {
    name: "no scrape job",
    change: () => {
      answers["/metrics/api/v1/targets"] = { body: { data: { activeTargets: [] } } };
    },
    criterion: /UP status/,
    cause: /no such job/,
  },
  {
    name: "logs empty",
    change: () => {
      answers["/logs/loki/api/v1/query"] = { body: { data: { result: [] } } };
    },
    criterion: /Aggregates logs/,
    cause: /no log lines/,
  },
  {
    name: "logs gone",
    change: () => {
      answers["/logs/loki/api/v1/status/ready"] = { status: 503, body: "Ingester not ready" };
    },
    criterion: /Answers ready/,
    cause: /Loki does not answer/,
  },
  {
    name: "logs refuse the key",
    change: () => {
      answers["/logs/loki/api/v1/query"] = { status: 401, body: "missing or wrong key" };
    },
    criterion: /Aggregates logs/,
    cause: /Loki refuses the key/,
  },
  {
    name: "traces refuse the key",
    change: () => {
      answers["/traces/api/search"] = { status: 401, body: "missing or wrong key" };
    },
    criterion: /Receives traces/,
    cause: /Tempo refuses the key/,
  },
  {
    name: "another program at the address of metrics",
    change: () => {
      answers["/metrics/api/v1/targets"] = { body: "<html>" };
    },
    criterion: /Answers as expected/,
    cause: /something else answers/,
  },
  {
    name: "no traces",
    change: () => {
      answers["/traces/api/search"] = { body: { traces: [] } };
    },
    criterion: /Receives traces/,
    cause: /no spans/,
  },
  {
    name: "restarts",
    change: () => {
      answers["/metrics/api/v1/query"] = vector(3);
    },
    criterion: /No crashes/,
    cause: /started again/,
  },
  {
    name: "data source broken",
    change: () => {
      answers["/dashboards/api/datasources/uid/p/health"] = { status: 400, body: { status: "ERROR", message: "boom" } };
    },
    criterion: /Data sources healthy/,
    cause: /Prometheus: boom/,
  },
  {
    name: "panel empty",
    change: () => {
      answers["/metrics/api/v1/query"] = (url) => vector(url.includes("min_over_time") ? 600 : 0);
      answers["/dashboards/api/datasources/proxy/uid/grafana_prometheus/api/v1/query"] = {
        body: { data: { result: [] } },
      };
    },
    criterion: /Displays all data/,
    cause: /no data: gatewayz-request-metrics › P/,
  },
];
for (const { name, change, criterion, cause } of cases) {
  test(`names the cause: ${name}`, async () => {
    change();
    const found = await failures();
    const finding = found.find((one) => criterion.test(one.criterion));
    expect(finding?.cause).toMatch(cause);
    expect(finding?.fix).toBeTruthy();
  });
}

test("an empty panel of a stack that has just started is pending", async () => {
  answers["/metrics/api/v1/query"] = (url) => vector(url.includes("min_over_time") ? 20 : 0);
  answers["/dashboards/api/datasources/proxy/uid/grafana_prometheus/api/v1/query"] = { body: { data: { result: [] } } };
  const finding = (await runChecks(installation)).find(({ criterion }) => /Displays all data/.test(criterion));
  expect(finding).toMatchObject({ verdict: "pending", measured: "0 of 4 panels have data after 20 s" });
});

test("a down target's error decides the fix", async () => {
  for (const [error, fix] of [
    ["server returned HTTP status 401 Unauthorized", /bearer credentials/],
    ["connect ECONNREFUSED 127.0.0.1:1", /start the gateway/],
    ["context deadline exceeded", /scrape_timeout/],
    ["getaddrinfo ENOTFOUND gw", /host name/],
  ] as const) {
    answers["/metrics/api/v1/targets"] = {
      body: {
        data: {
          activeTargets: [
            {
              labels: { job: "gatewayz_staging" },
              scrapeUrl: "u",
              health: "down",
              lastError: error,
              lastScrapeDuration: 0,
            },
          ],
        },
      },
    };
    expect((await failures())[0]?.fix).toMatch(fix);
  }
});

test("nothing at the address: the step that failed is named", async () => {
  const found = (
    await runChecks({ ...installation, gateway: "http://127.0.0.1:9", logs: "http://no-such-host.invalid" })
  ).filter(({ verdict }) => verdict === "fail");
  expect(found.map(({ measured }) => measured)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^connect: ECONNREFUSED/),
      expect.stringMatching(/^dns: (ENOTFOUND|EAI_AGAIN)/),
    ]),
  );
});

test("a panel's queries go to its source's API, variables filled in, hidden ones left out", () => {
  const dashboard = {
    templating: {
      list: [
        { name: "search", type: "textbox", current: { value: "" } },
        { name: "level", type: "custom", current: { value: ["$__all"] } },
      ],
    },
    panels: [
      {
        title: "row",
        type: "row",
        panels: [{ title: "in", targets: [{ expr: "rate(x[$__rate_interval])" }, { expr: "y", hide: true }] }],
      },
      {
        title: "logs",
        datasource: { uid: "grafana_loki" },
        targets: [{ expr: '{app="$app", level=~"$level"} |= "$search"' }],
      },
      { title: "search", datasource: { uid: "grafana_tempo" }, targets: [{ query: "{ }" }] },
      { title: "series", datasource: "grafana_tempo", targets: [{ query: "{ } | rate()" }] },
      { title: "text", type: "text" },
    ],
  };
  const found = panelQueries(dashboard);
  expect(found.map(({ title, paths }) => [title, paths.length])).toEqual([
    ["in", 1],
    ["logs", 1],
    ["search", 1],
    ["series", 1],
  ]);
  expect(decodeURIComponent(found[0]!.paths[0]!)).toBe(
    "/api/datasources/proxy/uid/grafana_prometheus/api/v1/query?query=rate(x[1m])",
  );
  expect(decodeURIComponent(found[1]!.paths[0]!)).toContain(
    '/loki/api/v1/query_range?query={app=".*", level=~".*"} |= ""',
  );
  expect(found[2]!.paths[0]).toContain("/api/search?");
  expect(found[3]!.paths[0]).toContain("/api/metrics/query_range?");
});
