import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "redis";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { start } from "../src/health/index.ts";
import { FixtureGateway } from "../src/health/testing/fixture-gateway.ts";
import { healthStoreSuite } from "../src/health/testing/store-suite.ts";
import type { Role } from "../src/runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../src/runtime/testing.ts";
import { dropAllTables, type RealServer, startPostgres, startRedis } from "./support/real-servers.ts";

// Only where neither the machine nor Debian has them; the reason is on stderr.
const postgres = await startPostgres();
const redis = await startRedis();
afterAll(async () => {
  await postgres?.stop();
  await redis?.stop();
});

describe.skipIf(postgres === undefined)("the health service's store on Postgres", () => {
  healthStoreSuite(async () => {
    const { url } = postgres as RealServer;
    await dropAllTables(url);
    return { url, file: "unused" };
  });
});

type Json = Record<string, unknown>;
interface Service {
  readonly role: Role;
  readonly context: TestContext;
  get(path: string): Promise<{ status: number; body: Json }>;
}

const MODELS = 20;
let gateway: FixtureGateway;
let services: Service[];
beforeEach(async () => {
  services = [];
  gateway = await FixtureGateway.start(
    Array.from({ length: MODELS }, (_, index) => ({ id: `m${index}`, providers: ["p"] })),
  );
  if (postgres !== undefined) await dropAllTables(postgres.url);
});
afterEach(async () => {
  for (const { role, context } of services) {
    await role.close();
    await context.dispose();
  }
  await gateway.close();
});

async function service(overrides: Parameters<typeof testContext>[1] = {}): Promise<Service> {
  const context = await testContext("health", { peers: { gateway: gateway.url }, ...overrides });
  const role = await start(context);
  const get = async (path: string): Promise<{ status: number; body: Json }> => {
    const reply = await fetch(`${role.urls["main"]}${path}`);
    return { status: reply.status, body: (await reply.json()) as Json };
  };
  const made = { role, context, get };
  services.push(made);
  return made;
}
const healthy = async ({ get }: Service): Promise<unknown> => (await get("/health/system")).body["healthy_models"];
const report = ({ role }: Service, status: string): Promise<Response> =>
  fetch(`${role.urls["main"]}/internal/results`, {
    method: "POST",
    headers: { authorization: `Bearer ${TEST_ADMIN_KEY}`, "content-type": "application/json" },
    body: JSON.stringify([
      { provider: "p", model: "m0", gateway: "p", status, response_time_ms: 5, tokens: 1, at: Date.now() },
    ]),
  });
const patience = { timeout: 30_000, interval: 100 };

describe.skipIf(postgres === undefined || redis === undefined)("two services that share Postgres and Redis", () => {
  test("probe each model once between them, know the same, and tell an alert once", async () => {
    const alerts: Json[] = [];
    const hook = createServer(async (request, reply) => {
      let text = "";
      for await (const part of request) text += String(part);
      alerts.push(JSON.parse(text) as Json);
      reply.end();
    });
    await new Promise<void>((resolve) => hook.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
    gateway.answer = async ({ body }) => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return Number(String(body["model"]).slice(1)) < 10 ? { status: 502, message: "down" } : undefined;
    };
    const shared = {
      database: { url: postgres!.url },
      redis: { url: redis!.url, keyPrefix: `test-${Date.now()}:` },
      health: { alerts: { webhook: { url }, allowPrivateAddresses: true } },
    };
    const both = await Promise.all([service(shared), service(shared)]);
    for (const each of both) await expect.poll(() => healthy(each), patience).toBe(10);
    const asked = gateway.probes.map(({ body }) => body["model"]);
    expect(new Set(asked).size).toBe(MODELS);
    expect(asked).toHaveLength(MODELS);

    // What one is told, the other counts too.
    expect((await report(both[0]!, "success")).status).toBe(200);
    const calls = async (each: Service): Promise<unknown> => (await each.get("/health/model/m0")).body["call_count"];
    await expect.poll(() => calls(both[1]!), { timeout: 15_000, interval: 500 }).toBe(2);

    await expect.poll(() => alerts.length, { timeout: 90_000, interval: 500 }).toBeGreaterThan(0);
    const keys = alerts.map(({ key }) => key);
    expect(keys).toContain("system_health//");
    expect(new Set(keys).size).toBe(keys.length);

    const client = createClient({ url: redis!.url });
    await client.connect();
    const ttl = async (name: string): Promise<number> => client.ttl(`${shared.redis.keyPrefix}health:${name}`);
    for (const name of ["system", "providers", "models", "gateways", "summary"]) {
      await expect.poll(() => ttl(name), patience).toBeGreaterThan(300);
    }
    expect(await ttl("dashboard")).toBeLessThanOrEqual(90);
    expect(JSON.parse((await client.get(`${shared.redis.keyPrefix}health:system`))!)).toMatchObject({
      total_models: MODELS,
    });
    await client.close();
    expect((await both[0]!.get("/cache/stats")).body).toMatchObject({
      cache_available: true,
      system_health_cached: true,
      models_health_cached: true,
    });
    hook.close();
  });
});

describe.skipIf(postgres === undefined)("two services that share Postgres only", () => {
  test("keep to rows of it instead of locks in Redis", async () => {
    gateway.answer = () => new Promise((resolve) => setTimeout(() => resolve(undefined), 30));
    const shared = { database: { url: postgres!.url } };
    const both = await Promise.all([service(shared), service(shared)]);
    for (const each of both) await expect.poll(() => healthy(each), patience).toBe(MODELS);
    expect(gateway.probes).toHaveLength(MODELS);
    const taken = await Promise.all(
      both.map(async ({ role }) => {
        const text = await (await fetch(`${role.urls["main"]}/prometheus/metrics`)).text();
        return Number(/^health_probe_locks_total\{kind="database",result="taken"\} (\d+)$/m.exec(text)?.[1] ?? 0);
      }),
    );
    expect(taken[0]! + taken[1]!).toBeGreaterThanOrEqual(MODELS);
  });
});

describe.skipIf(postgres === undefined)("when Postgres is away", () => {
  test("the service answers on, refuses what it could not keep, and goes on when it is back", async () => {
    const one = await service({ database: { url: postgres!.url } });
    await expect.poll(() => healthy(one), patience).toBe(MODELS);
    expect((await one.get("/health")).body).toMatchObject({ status: "healthy", database: "connected" });
    await postgres!.kill();
    await expect
      .poll(async () => (await one.get("/health")).body, patience)
      .toMatchObject({
        status: "healthy",
        mode: "degraded",
        database: "unavailable",
        database_error: expect.any(String),
      });
    expect((await one.get("/health")).status).toBe(200);
    expect((await one.get("/status")).body).toMatchObject({ status: "running", models_tracked: MODELS });
    expect(await one.get("/metrics")).toMatchObject({
      status: 200,
      body: { monitoring_active: false, error: expect.any(String) },
    });
    expect(await healthy(one)).toBe(MODELS);
    const refused = await report(one, "success");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
    await postgres!.start();
    await expect.poll(async () => (await one.get("/health")).body["database"], patience).toBe("connected");
    expect((await report(one, "success")).status).toBe(200);
    expect((await one.get("/health/model/m0")).body).toMatchObject({ call_count: 2 });
  });

  test("a service that starts without it learns in memory, and takes that along when it comes", async () => {
    await postgres!.kill();
    const one = await service({ database: { url: postgres!.url } });
    expect((await one.get("/status")).body).toMatchObject({ monitor_type: "simple" });
    expect((await one.get("/health")).body).toMatchObject({ mode: "degraded", database: "unavailable" });
    await expect.poll(() => healthy(one), patience).toBe(MODELS);
    await postgres!.start();
    await expect.poll(async () => (await one.get("/status")).body["monitor_type"], patience).toBe("intelligent");
    expect((await one.get("/health")).body).toMatchObject({ database: "connected" });
    expect(gateway.probes).toHaveLength(MODELS);
    const other = await service({ database: { url: postgres!.url }, peers: { gateway: "http://127.0.0.1:9" } });
    expect(await healthy(other)).toBe(MODELS);
  });
});

test("USE_INTELLIGENT_MONITOR=false keeps everything in memory", async () => {
  const one = await service({ health: { intelligentMonitor: false } });
  await expect.poll(() => healthy(one), patience).toBe(MODELS);
  expect((await one.get("/status")).body).toMatchObject({ monitor_type: "simple" });
  expect((await one.get("/health")).body).toMatchObject({ database: "not_initialized" });
});
