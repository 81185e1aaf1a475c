import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import Database from "libsql";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Role } from "../runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../runtime/testing.ts";
import { start } from "./index.ts";

/** A gateway with three models that chat and one that does not, of which `broken` fails while the test says so. */
let gateway: Server;
let gatewayUrl: string;
let broken = true;
/** Every probe is refused for want of room while this is true. */
let busy = false;
let probes: { headers: IncomingMessage["headers"]; body: Record<string, unknown> }[];
let context: TestContext;
let role: Role;

beforeEach(async () => {
  broken = true;
  busy = false;
  probes = [];
  gateway = createServer(async (request, reply) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    reply.setHeader("content-type", "application/json");
    if (request.url === "/v1/models") {
      const ids = ["good", "fine", "broken"];
      const models = ids.map((id) => ({ id, object: "model", owned_by: `provider-${id}`, kind: "chat" }));
      reply.end(JSON.stringify({ data: [...models, { id: "vectors", owned_by: "provider-good", kind: "embedding" }] }));
      return;
    }
    const body = JSON.parse(Buffer.concat(parts).toString("utf8")) as Record<string, unknown>;
    probes.push({ headers: request.headers, body });
    if (busy) {
      reply.statusCode = 503;
      reply.end(JSON.stringify({ error: { code: "concurrency_queue_full", message: "busy" } }));
    } else if (body["model"] === "broken" && broken) {
      reply.statusCode = 502;
      reply.end(JSON.stringify({ error: { code: "provider_error", message: "it broke" } }));
    } else reply.end(JSON.stringify({ choices: [], usage: { total_tokens: 6 } }));
  });
  await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
  gatewayUrl = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await role?.close();
  await context.dispose();
  gateway.closeAllConnections();
  await new Promise((resolve) => gateway.close(resolve));
});

async function startRole(url: string | undefined = gatewayUrl, dir?: string): Promise<void> {
  context = await testContext("health", { peers: { gateway: url } }, dir);
  role = await start(context);
}

async function get(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const reply = await fetch(`${role.urls["main"]}${path}`);
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> };
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${role.urls["main"]}${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
}

/** Until so many models have been checked; tracked are all of them from the first answer of the gateway on. */
const untilChecked = (count: number): Promise<void> =>
  vi.waitFor(
    async () => {
      const { status_distribution } = (await get("/metrics")).body;
      const counts = Object.values(status_distribution as Record<string, number>);
      expect(counts.reduce((sum, each) => sum + each, 0)).toBe(count);
    },
    { timeout: 10_000, interval: 50 },
  );

const result = (status: string, changes: object = {}): object => ({
  provider: "provider-broken",
  model: "broken",
  gateway: "provider-broken",
  status,
  response_time_ms: 120,
  tokens: 10,
  at: Date.now(),
  ...changes,
});

test("probes the gateway's models at once and answers in the contract's shapes", async () => {
  await startRole();
  await untilChecked(3);
  expect(probes[0]!.headers["x-gatewayz-probe"]).toBe("1");
  expect(probes[0]!.headers.authorization).toBe(`Bearer ${TEST_ADMIN_KEY}`);
  expect(probes[0]!.body).toMatchObject({ max_tokens: 5, provider: expect.stringMatching(/^provider-/) });
  expect(probes[0]!.body["messages"]).toEqual([{ role: "user", content: "test" }]);
  const status = await get("/status");
  expect(status.status).toBe(200);
  expect(status.body).toMatchObject({
    status: "running",
    service: "health-monitor",
    monitor_type: "intelligent",
    health_monitoring_active: true,
    availability_monitoring_active: true,
    models_tracked: 3,
    providers_tracked: 3,
    gateways_tracked: 3,
    availability_cache_size: 3,
    health_check_interval: 300,
  });
  const metrics = (await get("/metrics")).body;
  expect(metrics).toMatchObject({
    monitoring_active: true,
    total_models: 3,
    total_providers: 3,
    total_gateways: 3,
    tracked_models: 3,
    status_distribution: { success: 2, error: 1 },
    active_incidents: 1,
  });
  expect(Object.keys((metrics["models_sample"] as object[])[0]!)).toEqual([
    "model",
    "provider",
    "gateway",
    "last_status",
    "last_called_at",
    "last_response_time_ms",
  ]);
  expect((await get("/health")).body).toMatchObject({ status: "healthy", service: "health-monitor" });
  expect((await get("/cache/stats")).body).toMatchObject({
    cache_available: true,
    system_health_cached: true,
    providers_health_cached: true,
    models_health_cached: true,
  });
  expect((await get("/")).body).toMatchObject({ service: "health-monitor", status: "running" });
  expect((await get("/ready")).status).toBe(200);
  const text = await (await fetch(`${role.urls["main"]}/prometheus/metrics`)).text();
  expect(text).toContain('model_availability{provider="provider-broken",model="broken"} 0');
  expect(text).toContain('gatewayz_detected_anomalies{type="outage"} 1');
});

test("reported results need the key, count as calls, and resolve the incident after three successes", async () => {
  await startRole();
  await untilChecked(3);
  expect((await post("/internal/results", [result("success")])).status).toBe(401);
  const auth = { authorization: `Bearer ${TEST_ADMIN_KEY}` };
  const reply = await post("/internal/results", [result("success"), { provider: 7 }, result("success")], auth);
  expect(await reply.json()).toEqual({ accepted: 2, rejected: 1 });
  expect((await get("/incidents?status=active")).body["incidents"]).toHaveLength(1);
  await post("/internal/results", [result("success")], auth);
  const [incident] = (await get("/incidents")).body["incidents"] as Record<string, unknown>[];
  expect(incident).toMatchObject({
    status: "resolved",
    incident_type: "outage",
    severity: "low",
    error_message: "502: it broke",
  });
  expect((await get("/metrics")).body["active_incidents"]).toBe(0);
});

test("a restart finds what was known, without asking the gateway", async () => {
  await startRole();
  await untilChecked(3);
  await role.close();
  await startRole("http://127.0.0.1:9", context.dataDir);
  const { body } = await get("/status");
  expect(body).toMatchObject({ models_tracked: 3, health_monitoring_active: false, status: "running" });
});

test("a busy gateway says nothing about its models, and is not asked again at once", async () => {
  busy = true;
  await startRole();
  await vi.waitFor(() => expect(probes).toHaveLength(3), { timeout: 5_000 });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(probes).toHaveLength(3);
  expect((await get("/metrics")).body).toMatchObject({ total_models: 3, tracked_models: 3, active_incidents: 0 });
});

test("a database that cannot be used is left alone; results are kept in memory", async () => {
  await startRole("http://127.0.0.1:9");
  await role.close();
  const file = join(context.dataDir, "state.db");
  const database = new Database(file);
  database.exec("UPDATE gatewayz_schema SET version = 99");
  database.close();
  await startRole(gatewayUrl, context.dataDir);
  await untilChecked(3);
  expect((await get("/status")).body).toMatchObject({ monitor_type: "simple", health_monitoring_active: true });
  expect(context.lines.map(({ error }) => error)).toContainEqual(expect.stringContaining("have version 99"));
  await role.close();
  const after = new Database(file);
  expect(after.prepare("SELECT version FROM gatewayz_schema").all()).toEqual([{ version: 99 }]);
  after.close();
});

test("serves on while the gateway is down", async () => {
  await startRole("http://127.0.0.1:9");
  expect((await get("/status")).status).toBe(200);
  expect((await get("/metrics")).body).toMatchObject({ monitoring_active: false, total_models: 0 });
  expect((await post("/check/trigger", {})).status).toBe(200);
});

test("without a gateway it is degraded, with 503 in the contract's shape", async () => {
  context = await testContext("health", {});
  role = await start(context);
  const status = await get("/status");
  expect(status.status).toBe(503);
  expect(status.body).toMatchObject({ status: "degraded", monitor_type: "none", models_tracked: 0 });
  expect(status.body["message"]).toContain("GATEWAYZ_GATEWAY_URL");
  expect(await get("/metrics")).toMatchObject({
    status: 503,
    body: { monitoring_active: false, monitor_type: "none" },
  });
  expect((await post("/check/trigger", {})).status).toBe(503);
  expect((await get("/health")).status).toBe(200);
});

test("refuses triggers from foreign pages, oversized and deep bodies", async () => {
  await startRole();
  expect((await post("/check/trigger", {}, { origin: "https://evil.example" })).status).toBe(403);
  const auth = { authorization: `Bearer ${TEST_ADMIN_KEY}`, "content-type": "application/json" };
  const send = (body: string): Promise<Response> =>
    fetch(`${role.urls["main"]}/internal/results`, { method: "POST", body, headers: auth });
  expect((await send("[".repeat(100_000))).status).toBe(400);
  expect((await send(`["${"x".repeat(2_000_000)}"]`)).status).toBe(413);
});
