import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { debianTool, type UnpackedTool } from "./support/debian-tools.ts";
import { freePorts, Stack, temporaryDir } from "./support/stack.ts";
import { until } from "./support/until.ts";

let stack: Stack;
let promtool: UnpackedTool;
let prometheus: UnpackedTool;
beforeAll(async () => {
  promtool = await debianTool("promtool");
  prometheus = await debianTool("prometheus");
  stack = await Stack.start();
  for (let index = 0; index < 3; index++) await stack.chat({ stream: index === 1 });
});
afterAll(() => stack?.dispose());

describe("the real Prometheus", () => {
  let real: ChildProcess;
  let dir: string;
  let url: string;
  beforeAll(async () => {
    dir = temporaryDir("prometheus");
    const { metrics: port } = await freePorts();
    url = `http://127.0.0.1:${port}`;
    const config = [
      "global: {scrape_interval: 1s}",
      "scrape_configs:",
      "  - job_name: gatewayz_staging",
      `    authorization: {credentials: ${stack.adminKey}}`,
      `    static_configs: [{targets: ["127.0.0.1:${stack.ports.gateway}"]}]`,
    ].join("\n");
    writeFileSync(join(dir, "prometheus.yml"), config);
    real = spawn(
      prometheus.path,
      [
        `--config.file=${join(dir, "prometheus.yml")}`,
        `--storage.tsdb.path=${join(dir, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--enable-feature=exemplar-storage",
      ],
      { env: prometheus.env, stdio: "ignore" },
    );
    await until(
      "Prometheus is ready",
      async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.status === 200,
      30_000,
    );
  });
  afterAll(() => {
    real?.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  });

  const ask = async (base: string, query: string): Promise<Record<string, number>> => {
    const reply = (await (await fetch(`${base}/api/v1/query?query=${encodeURIComponent(query)}`)).json()) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    return Object.fromEntries(
      reply.data.result.map(({ metric: { job: _job, instance: _instance, app: _app, ...rest }, value }) => [
        JSON.stringify(Object.entries(rest).sort()),
        Number(value[1]),
      ]),
    );
  };

  test("scrapes our gateway and sees it up", async () => {
    await expect
      .poll(() => ask(url, 'up{job="gatewayz_staging"}'), { timeout: 20_000 })
      .toEqual({ '[["__name__","up"]]': 1 });
  });

  test("sees the same values as our metrics role", async () => {
    const queries = [
      "gatewayz_health_tracked_models",
      "gatewayz_health_service_up",
      "gatewayz_health_total_models",
      'circuit_breaker_current_state{state="closed"}',
      "gatewayz_build_info",
    ];
    for (const query of queries) {
      const selector = query.includes("{")
        ? query.replace("{", '{job="gatewayz_staging",')
        : `${query}{job="gatewayz_staging"}`;
      // Both sides move on with their next scrapes; what must come is a moment in which they agree.
      const bothSides = async (): Promise<string[]> =>
        [await ask(url, query), await ask(stack.url("metrics"), selector)].map((side) =>
          JSON.stringify(Object.entries(side).sort()),
        );
      await until(`${query} is the same on both sides`, async () => new Set(await bothSides()).size === 1, 20_000);
      expect((await bothSides())[0]).not.toBe("[]");
    }
  });

  test("keeps our exemplars", async () => {
    const { traceId } = await stack.chat();
    const exemplars = async (): Promise<string> => {
      const range = `start=${Date.now() / 1000 - 120}&end=${Date.now() / 1000 + 60}`;
      return (
        await fetch(`${url}/api/v1/query_exemplars?query=model_inference_duration_seconds_bucket&${range}`)
      ).text();
    };
    await expect.poll(exemplars, { timeout: 15_000 }).toContain(traceId);
  });

  test("its own query language and ours agree on what both scraped", async () => {
    await expect
      .poll(async () => Object.keys(await ask(url, "sum by (token_type) (tokens_used_total) > 0")).length, {
        timeout: 20_000,
      })
      .toBeGreaterThan(0);
    for (const query of [
      'count(count by (provider) (model_inference_requests_total{job="gatewayz_staging"}))',
      'group by (le) (model_inference_duration_seconds_bucket{job="gatewayz_staging"})',
    ]) {
      const bothSides = async (): Promise<string[]> =>
        [await ask(url, query), await ask(stack.url("metrics"), query)].map((side) =>
          JSON.stringify(Object.entries(side).sort()),
        );
      await until(`${query} agrees`, async () => new Set(await bothSides()).size === 1, 20_000);
    }
  });
});

/** Complaints that the contract's own names force: these names are fixed by what existing dashboards query. */
const FORCED_BY_CONTRACT: readonly RegExp[] = [
  /^pricing_staleness_hours use base unit "seconds" instead of "hours"/,
  /^gateway_model_count non-histogram and non-summary metrics should not have "_count" suffix/,
  /^gatewayz_health_tracked_models_count non-histogram and non-summary metrics should not have "_count" suffix/,
];

describe("promtool check metrics", () => {
  for (const role of ["gateway", "health", "metrics", "logs", "traces", "dashboards"] as const) {
    test(`${role}: no complaint but those that the contract's names force`, async () => {
      const path = role === "health" ? "/prometheus/metrics" : "/metrics";
      const reply = await fetch(stack.url(role) + path, {
        headers: role === "gateway" ? { authorization: `Bearer ${stack.adminKey}` } : {},
      });
      expect(reply.status).toBe(200);
      const result = spawnSync(promtool.path, ["check", "metrics"], {
        input: await reply.text(),
        env: promtool.env,
        encoding: "utf8",
      });
      const complaints = `${result.stdout}${result.stderr}`.split("\n").filter((line) => line.trim() !== "");
      expect(complaints.filter((line) => !FORCED_BY_CONTRACT.some((forced) => forced.test(line)))).toEqual([]);
    });
  }
});

test("promtool tsdb list reads our metrics role's data folder", () => {
  const result = spawnSync(promtool.path, ["tsdb", "list", join(stack.dataDir, "metrics")], {
    env: promtool.env,
    encoding: "utf8",
  });
  expect([result.status, result.stderr]).toEqual([0, ""]);
});
