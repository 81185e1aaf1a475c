import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type TestContext, testContext } from "../../runtime/testing.ts";
import { type HealthCollector, startHealthCollector } from "./index.ts";

/** A health service that answers what the test put there. */
let answers: Record<string, { status?: number; body: unknown }>;
let server: Server | undefined;
let port = 0;
let context: TestContext;
let collector: HealthCollector | undefined;

async function listen(): Promise<void> {
  server = createServer((request, reply) => {
    const answer = answers[request.url ?? ""];
    reply.writeHead(answer === undefined ? 404 : (answer.status ?? 200), { "content-type": "application/json" });
    reply.end(typeof answer?.body === "string" ? answer.body : JSON.stringify(answer?.body ?? {}));
  });
  await new Promise<void>((resolve) => server!.listen(port, "127.0.0.1", resolve));
  port = (server!.address() as AddressInfo).port;
}

async function stop(): Promise<void> {
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(0) : server.close(resolve)));
  server = undefined;
}

async function start(url: string | undefined, interval = "50ms"): Promise<void> {
  context = await testContext("gateway", { peers: { health: url }, gateway: { collectorInterval: interval } });
  collector = startHealthCollector({ context });
}

beforeEach(() => {
  port = 0;
  answers = {
    "/health": { body: { status: "healthy" } },
    "/status": {
      body: {
        health_monitoring_active: true,
        availability_monitoring_active: true,
        models_tracked: 42,
        providers_tracked: 3,
        gateways_tracked: 2,
        availability_cache_size: 7,
        health_check_interval: 120,
      },
    },
    "/metrics": {
      body: {
        total_models: 50,
        total_providers: 4,
        total_gateways: 3,
        tracked_models: 42,
        active_incidents: 1,
        status_distribution: { success: 41, error: 1 },
      },
    },
    "/cache/stats": { body: { cache_available: true, system_health_cached: true, providers_health_cached: false } },
  };
});
afterEach(async () => {
  collector?.close();
  await stop();
  await context.dispose();
});

const page = (): Promise<string> => context.registry.metrics();
const untilPage = (line: string): Promise<void> =>
  vi.waitFor(async () => expect((await page()).split("\n")).toContain(line), { timeout: 5_000, interval: 20 });
const messages = (): unknown[] => context.lines.map((line) => line.msg);

test("exports the 17 names with the service's numbers, the first time at once", async () => {
  await listen();
  await start(`http://127.0.0.1:${port}`, "30s");
  await untilPage("gatewayz_health_service_up 1");
  const lines = (await page()).split("\n");
  const names = lines.filter((line) => line.startsWith("# TYPE")).map((line) => line.split(" ")[2]);
  expect(names).toHaveLength(17);
  for (const line of [
    "gatewayz_health_tracked_models 42",
    "gatewayz_health_monitoring_active 1",
    "gatewayz_health_check_interval_seconds 120",
    "gatewayz_availability_cache_size 7",
    "gatewayz_health_total_gateways 3",
    "gatewayz_health_tracked_models_count 42",
    "gatewayz_health_active_incidents 1",
    'gatewayz_health_status_distribution{status="error"} 1',
    'gatewayz_health_cache_available{cache_type="redis"} 1',
    'gatewayz_health_cache_available{cache_type="models_health"} 0',
    "gatewayz_health_service_scrape_errors_total 0",
  ]) {
    expect(lines).toContain(line);
  }
});

test("says that it started and which address it uses, without the credentials", async () => {
  await listen();
  await start(`http://user:canary-secret@127.0.0.1:${port}`);
  await untilPage("gatewayz_health_service_up 1");
  const started = context.lines.find((line) => line.msg === "Health service metrics collector started");
  expect(started?.healthServiceUrl).toBe(`http://127.0.0.1:${port}`);
  expect(JSON.stringify(context.lines)).not.toContain("canary-secret");
});

test("a status that vanished is removed", async () => {
  await listen();
  await start(`http://127.0.0.1:${port}`);
  await untilPage('gatewayz_health_status_distribution{status="error"} 1');
  answers["/metrics"] = { body: { status_distribution: { success: 42 } } };
  await untilPage('gatewayz_health_status_distribution{status="success"} 42');
  expect(await page()).not.toContain('status="error"');
});

test("down and up again: one line per change, errors counted, up follows", async () => {
  await listen();
  await start(`http://127.0.0.1:${port}`, "30ms");
  await untilPage("gatewayz_health_service_up 1");
  await stop();
  await untilPage("gatewayz_health_service_up 0");
  await vi.waitFor(async () => expect(await page()).toMatch(/scrape_errors_total [3-9]/), { timeout: 5_000 });
  expect(await page()).toContain("gatewayz_health_monitoring_active 0");
  await listen();
  await untilPage("gatewayz_health_service_up 1");
  expect(messages().filter((text) => String(text).startsWith("Health service is down"))).toHaveLength(1);
  expect(messages().filter((text) => text === "Health service is up")).toHaveLength(2);
});

test("a service that starts a moment after the gateway is no line about a failure", async () => {
  await listen();
  await stop(); // The port is known, and nobody listens on it.
  await start(`http://127.0.0.1:${port}`, "30ms");
  await vi.waitFor(async () => expect(await page()).toMatch(/scrape_errors_total [2-9]/), { timeout: 5_000 });
  await listen();
  await untilPage("gatewayz_health_service_up 1");
  expect(messages()).toEqual(["Health service metrics collector started", "Health service is up"]);
});

test("a degraded service is up but not monitoring", async () => {
  await listen();
  answers["/status"] = {
    status: 503,
    body: { status: "degraded", health_monitoring_active: false, models_tracked: 0 },
  };
  await start(`http://127.0.0.1:${port}`);
  await untilPage("gatewayz_health_service_up 1");
  expect(await page()).toContain("gatewayz_health_monitoring_active 0");
});

test.each([
  ["no JSON", "<html>"],
  ["an array", []],
  ["a text where a number belongs", { models_tracked: "many" }],
  ["nested far too deep", "[".repeat(1_000)],
])("survives a /status that is %s", async (_name, body) => {
  await listen();
  answers["/status"] = { body };
  await start(`http://127.0.0.1:${port}`);
  await untilPage("gatewayz_health_service_up 1");
  expect(await page()).toContain("gatewayz_health_tracked_models 0");
  expect(await page()).toContain("gatewayz_health_total_models 50");
});

test("without an address it is off, says so, and exports the family with up 0", async () => {
  await start(undefined);
  const lines = (await page()).split("\n");
  expect(lines).toContain("gatewayz_health_service_up 0");
  expect(messages()).toEqual(["Health service metrics collector is off: set HEALTH_SERVICE_URL to switch it on"]);
});
