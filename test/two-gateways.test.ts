import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RealServer, startPostgres, startRedis } from "./support/real-servers.ts";
import { Stack } from "./support/stack.ts";

// Only where neither the machine nor Debian has them; the reason is on stderr.
const postgres = await startPostgres();
const redis = await startRedis();
afterAll(async () => {
  await postgres?.stop();
  await redis?.stop();
});

interface MadeKey {
  readonly id: string;
  readonly key: string;
}

describe.skipIf(postgres === undefined || redis === undefined)("two gateways, one Postgres, one Redis", () => {
  const database = postgres as RealServer;
  const cache = redis as RealServer;
  let stacks: Stack[] = [];
  beforeAll(async () => {
    const environment = { DATABASE_URL: database.url, REDIS_URL: cache.url, GATEWAYZ_LOG_LEVEL: "info" };
    const start = (): Promise<Stack> => Stack.start({ roles: ["gateway"], environment });
    stacks = [await start(), await start()];
  });
  afterAll(async () => {
    for (const stack of stacks) await stack.dispose();
  });

  const admin = async <T>(stack: Stack, path: string, body?: object, method = "POST"): Promise<T> => {
    const reply = await fetch(`${stack.url("gateway")}${path}`, {
      method: body === undefined && method === "POST" ? "GET" : method,
      headers: { authorization: `Bearer ${stack.adminKey}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
    return (await reply.json()) as T;
  };
  const chat = (stack: Stack, key: string): Promise<Response> =>
    fetch(`${stack.url("gateway")}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({
        model: "gpt-4o-mini",
        max_tokens: 20,
        user: "ann",
        messages: [{ role: "user", content: "Hi." }],
      }),
    });
  const metric = async (stack: Stack, name: string): Promise<number> => {
    const reply = await fetch(`${stack.url("gateway")}/metrics`, {
      headers: { authorization: `Bearer ${stack.adminKey}` },
    });
    return Number(new RegExp(`^${name}(?:{[^}]*})? (\\S+)`, "m").exec(await reply.text())?.[1]);
  };

  test("a key of one is known to the other, its limit holds for both, and both usages are one", async () => {
    const [first, second] = stacks as [Stack, Stack];
    const made = await admin<MadeKey>(first, "/admin/keys", {
      name: "shared",
      limits: { requestsPerHour: 7 },
      budget: { dayUsd: 5 },
    });
    expect((await chat(first, made.key)).status).toBe(200);
    await expect.poll(async () => (await chat(second, made.key)).status, { timeout: 8_000, interval: 500 }).toBe(200);
    const statuses: number[] = [];
    for (let count = 0; count < 8; count++) statuses.push((await chat(stacks[count % 2]!, made.key)).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(3);
    const requests = async (): Promise<number> => {
      const report = await admin<{ data: { requests: number }[] }>(second, `/admin/usage?key=${made.id}`);
      return report.data.reduce((sum, row) => sum + row.requests, 0);
    };
    await expect.poll(requests, { timeout: 10_000, interval: 500 }).toBe(7);
    await admin(second, `/admin/keys/${made.id}`, undefined, "DELETE");
    await expect.poll(async () => (await chat(first, made.key)).status, { timeout: 8_000, interval: 500 }).toBe(401);
  });

  test("the servers' own numbers are on the page of metrics, and their loss is survived and seen", async () => {
    const [first] = stacks as [Stack];
    await expect.poll(() => metric(first, "redis_up"), { timeout: 15_000, interval: 500 }).toBe(1);
    expect(await metric(first, "redis_memory_used_bytes")).toBeGreaterThan(100_000);
    expect(await metric(first, "connection_pool_size")).toBeGreaterThan(0);
    const { key } = await admin<MadeKey>(first, "/admin/keys", { name: "robust" });
    await cache.kill();
    await database.kill();
    try {
      for (let count = 0; count < 3; count++) expect((await chat(first, key)).status).toBe(200);
      await expect.poll(() => metric(first, "redis_up"), { timeout: 25_000, interval: 500 }).toBe(0);
      expect(first.lines.some(({ msg }) => String(msg).includes("redis cannot be used"))).toBe(true);
    } finally {
      await cache.start();
      await database.start();
    }
    const requests = async (): Promise<number> => {
      const report = await admin<{ data: { requests: number }[] }>(first, "/admin/usage").catch(() => ({ data: [] }));
      return report.data.reduce((sum, row) => sum + row.requests, 0);
    };
    await expect.poll(() => metric(first, "redis_up"), { timeout: 25_000, interval: 500 }).toBe(1);
    await expect.poll(requests, { timeout: 30_000, interval: 500 }).toBeGreaterThanOrEqual(10);
  });
});
