import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { start as startGateway } from "../src/gateway/index.ts";
import { start as startHealth } from "../src/health/index.ts";
import type { Role } from "../src/runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../src/runtime/testing.ts";
import { until } from "./support/until.ts";

/** A gateway with its simulator, and a health service that watches it: what one passes on, the other answers. */
let contexts: TestContext[];
let roles: Role[];
let gatewayUrl: string;

beforeAll(async () => {
  const [gatewayPort, healthPort] = [await freePort(), await freePort()];
  const peers = { gateway: `http://127.0.0.1:${gatewayPort}`, health: `http://127.0.0.1:${healthPort}` };
  const demo = { enabled: false };
  contexts = [
    await testContext("health", { peers, ports: { health: healthPort } }),
    await testContext("gateway", {
      peers,
      demo,
      ports: { gateway: gatewayPort },
      gateway: { collectorInterval: "1s" },
    }),
  ];
  roles = [await startHealth(contexts[0]!), await startGateway(contexts[1]!)];
  gatewayUrl = roles[1]!.urls["main"]!;
  const known = async (): Promise<boolean> => {
    const { total_models: total, healthy_models: healthy } = (await ask("/health/system")).body;
    return Number(total) > 10 && Number(healthy) > 10;
  };
  await until("the health service has checked the models", known, 60_000);
});
afterAll(async () => {
  for (const role of [...roles].reverse()) await role.close();
  for (const context of contexts) await context.dispose();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function ask(path: string, init: RequestInit = {}): Promise<{ status: number; body: Record<string, unknown> }> {
  const headers = { authorization: `Bearer ${TEST_ADMIN_KEY}`, "content-type": "application/json" };
  const reply = await fetch(`${gatewayUrl}${path}`, { headers, ...init });
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> };
}

test.each([
  ["/health/system", { overall_status: expect.any(String) }],
  ["/health/status", { status: expect.any(String), monitoring_active: true }],
  ["/health/providers", { total_providers: expect.any(Number), data: expect.any(Array) }],
  ["/health/models?limit=2", { data: [{}, {}] }],
  ["/health/model/gpt-4o-mini", { model_id: "gpt-4o-mini", recent_checks: expect.any(Array) }],
  ["/health/provider/openai", { provider: "openai" }],
  ["/health/openai", { gateway: "openai", status: "healthy" }],
  ["/health/summary", { system: {}, providers: expect.any(Array) }],
  ["/health/uptime", { uptime_percentage: expect.any(Number) }],
  ["/health/insights", { insights: expect.any(Array) }],
  ["/health/gateways", { gateways: expect.any(Array) }],
  ["/health/monitoring/status", { health_monitoring_active: true }],
  ["/health/all", { health_service: "reachable" }],
  ["/availability/models", { models: expect.any(Array) }],
  ["/availability/model/gpt-4o-mini", { status: "available" }],
  ["/availability/check/gpt-4o-mini", { available: true, status: "available" }],
  ["/availability/fallback/gpt-4o-mini?provider=openai", { primary_model: "gpt-4o-mini" }],
  ["/availability/best/gpt-4o-mini", { best_available: { status: "available" } }],
  ["/availability/summary", { total_models: expect.any(Number) }],
  ["/availability/status", { monitoring_active: true }],
  ["/availability/maintenance", { windows: [] }],
  ["/availability/monitoring/status", { monitoring_active: true }],
  ["/v1/status", { status: expect.any(String), gateway_health_percentage: expect.any(Number) }],
  ["/v1/status/providers", { providers: expect.any(Array) }],
  ["/v1/status/models?provider=openai", { models: expect.any(Array) }],
  ["/v1/status/models/openai/gpt-4o-mini", { model: "gpt-4o-mini", tier: expect.any(String) }],
  ["/v1/status/incidents?status=active", { incidents: expect.any(Array) }],
  ["/v1/status/uptime", { days: expect.any(Array) }],
  ["/v1/status/uptime/openai/gpt-4o-mini?period=7d", { period: "7d", points: expect.any(Array) }],
  ["/v1/status/search?q=gpt", { models: expect.any(Array) }],
  ["/v1/status/stats", { checks_kept: expect.any(Number) }],
  ["/v1/model-health", { models: expect.any(Array) }],
  ["/v1/model-health/unhealthy?error_threshold=0.5", { models: expect.any(Array) }],
  ["/v1/model-health/stats", { total_calls: expect.any(Number) }],
  ["/v1/model-health/providers", { providers: expect.any(Array) }],
  ["/v1/model-health/provider/openai/summary", { provider: "openai" }],
  ["/v1/model-health/openai/gpt-4o-mini", { model_id: "gpt-4o-mini" }],
])("the gateway answers %s", async (path, expected) => {
  expect(await ask(path)).toMatchObject({ status: 200, body: expected });
});

test("a customer's call is counted with its tokens, and maintenance moves routing elsewhere", async () => {
  const body = { model: "gpt-4o-mini", messages: [{ role: "user", content: "hello" }] };
  const send = async (): Promise<number> =>
    (await ask("/v1/chat/completions", { method: "POST", body: JSON.stringify(body) })).status;
  expect(await send()).toBe(200);
  const passive = async (): Promise<unknown> => {
    const checks = (await ask("/health/model/gpt-4o-mini")).body["recent_checks"] as Record<string, unknown>[];
    return checks.find(({ kind }) => kind === "passive");
  };
  await expect.poll(passive, { timeout: 15_000 }).toMatchObject({ status: "success", error: null });
  expect(Number(((await passive()) as Record<string, unknown>)["tokens"])).toBeGreaterThan(0);
  const made = await ask("/availability/maintenance", {
    method: "POST",
    body: JSON.stringify({ provider: "openai", duration_minutes: 5, reason: "test" }),
  });
  expect(made.body).toMatchObject({ provider: "openai", active: true });
  const available = async (): Promise<unknown> =>
    (await ask("/availability/check/gpt-4o-mini?provider=openai")).body["status"];
  await expect.poll(available, { timeout: 10_000 }).toBe("maintenance");
  const ended = await ask(`/availability/maintenance/${made.body["id"]}`, { method: "DELETE" });
  expect(ended.status).toBe(200);
});

test("monitoring is stopped and started through the gateway", async () => {
  for (const [action, active] of [
    ["stop", false],
    ["start", true],
  ] as const) {
    expect((await ask(`/health/monitoring/${action}`, { method: "POST" })).status).toBe(200);
    const body = async (): Promise<unknown> => (await ask("/health/monitoring/status")).body["monitoring_active"];
    await expect.poll(body, { timeout: 10_000 }).toBe(active);
  }
});
