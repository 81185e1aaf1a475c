import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseOptions } from "../src/database/database.ts";
import { testDatabase } from "../src/database/testing.ts";
import { databaseSuite } from "../src/database/testing-suite.ts";
import type { Admitted } from "../src/gateway/access/admission.ts";
import { SharedAdmission } from "../src/gateway/access/shared-admission.ts";
import { keyStoreSuite } from "../src/gateway/access/store/testing-suite.ts";
import { type AdmissionParts, admissionParts, admissionSuite } from "../src/gateway/access/testing-suite.ts";
import { RedisStore } from "../src/gateway/cache/redis-store.ts";
import { answerStoreSuite } from "../src/gateway/cache/testing-suite.ts";
import { usageSuite } from "../src/gateway/ledger/testing-suite.ts";
import { captureStoreSuite } from "../src/gateway/safety/testing-suite.ts";
import type { Redis } from "../src/redis/redis.ts";
import { redisSuite, testRedis } from "../src/redis/testing-suite.ts";
import { dropAllTables, type RealServer, startPostgres, startRedis } from "./support/real-servers.ts";

// Only where neither the machine nor Debian has them; the reason is on stderr.
const postgres = await startPostgres();
const redis = await startRedis();
afterAll(async () => {
  await postgres?.stop();
  await redis?.stop();
});

describe.skipIf(postgres === undefined)("Postgres", () => {
  const server = postgres as RealServer;
  const fresh = async (): Promise<Partial<DatabaseOptions>> => {
    await dropAllTables(server.url);
    return { url: server.url, file: "unused" };
  };
  databaseSuite(fresh);
  describe("keys", () => keyStoreSuite(fresh));
  describe("usage", () => usageSuite(fresh));
  describe("captured texts", () => captureStoreSuite(fresh));

  test("a server that dies is reported, refused at once, and used again when it is back", async () => {
    const errors: string[] = [];
    const database = testDatabase({ url: server.url, observer: { poolError: (type) => errors.push(type) } });
    const tables = database.component("none", []);
    expect(await tables.run(async () => 1)).toBe(1);
    await server.kill();
    const { sql } = await import("kysely");
    const ask = (): Promise<unknown> => tables.run((db) => sql`select 1`.execute(db));
    await expect(ask()).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    const startedAt = performance.now();
    await expect(ask()).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    expect(performance.now() - startedAt).toBeLessThan(50);
    await server.start();
    await expect.poll(() => database.available, { timeout: 10_000 }).toBe(true);
    await ask();
    expect(errors.length).toBeGreaterThan(0);
    await database.close();
  });

  test("a server that dies between two statements of a transaction fails that transaction, not the process", async () => {
    const database = testDatabase({ url: server.url });
    const tables = database.component("none", []);
    const { sql } = await import("kysely");
    const broken = tables.transaction(async (db) => {
      await sql`select 1`.execute(db);
      await server.kill();
      // Nobody waits for an answer while the connection breaks.
      await new Promise((resolve) => setTimeout(resolve, 200));
      await sql`select 2`.execute(db);
    });
    await expect(broken).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    await server.start();
    await expect.poll(() => database.available, { timeout: 10_000 }).toBe(true);
    await database.close();
  });

  test("the pool is bounded", async () => {
    const database = testDatabase({ url: server.url, poolMax: 2 });
    const tables = database.component("none", []);
    const { sql } = await import("kysely");
    const sleeps = Array.from({ length: 6 }, () => tables.run((db) => sql`select pg_sleep(0.1)`.execute(db)));
    await expect.poll(() => database.pool().active).toBe(2);
    expect(database.pool()).toMatchObject({ size: 2, waiting: 4, max: 2 });
    await Promise.all(sleeps);
    expect(database.pool()).toMatchObject({ size: 2, active: 0, idle: 2, waiting: 0 });
    await database.close();
  });
});

describe.skipIf(redis === undefined)("Redis", () => {
  const server = redis as RealServer;
  redisSuite(server);
  describe("answers", () =>
    answerStoreSuite(async () => {
      const client = testRedis(server.url);
      await client.started();
      return { store: new RedisStore(client), close: () => client.close() };
    }));

  describe("limits and budgets of several gateways", () => {
    // Of three gateways that share one Redis.
    const clients: Redis[] = [];
    beforeAll(async () => {
      for (let count = 0; count < 3; count++) clients.push(testRedis(server.url, [], { keyPrefix: "limits:" }));
      await Promise.all(clients.map((client) => client.started()));
    });
    afterAll(async () => {
      await Promise.all(clients.map((client) => client.close()));
    });
    const shared = (part: AdmissionParts, index: number): SharedAdmission =>
      new SharedAdmission({ redis: clients[index]!, ipRequestsPerMinute: () => 12, ...part });
    admissionSuite((parts) => parts.map(shared));

    const client = { keyName: "k", keyHash: "0", keyId: `key_${Date.now()}`, tier: "basic", unlimited: false } as const;
    const ask = { client, tokens: 10, nanoUsd: 100_000_000, address: undefined, model: "m" };

    test("without Redis each gateway goes on with its own counts, which knew of what it let in before", async () => {
      const part = admissionParts({ requestsPerMinute: 6 });
      const admission = shared(part, 2);
      for (let count = 0; count < 3; count++) (await admission.admit(ask)).settle(10, 100_000_000);
      server.freeze();
      try {
        for (let count = 0; count < 3; count++) await admission.admit(ask);
        const refused = Promise.resolve(admission.admit(ask));
        await expect(refused).rejects.toMatchObject({ code: "RATE_LIMIT_EXCEEDED" });
        expect(part.telemetry.events).toContainEqual({ name: "failedOpen", part: "limits" });
      } finally {
        server.thaw();
      }
      await expect.poll(() => clients.every(({ available }) => available), { timeout: 10_000 }).toBe(true);
    });

    test("an answer that came too late holds nothing for good, and what was let in meanwhile is counted", async () => {
      const redis = clients[0]!;
      const late = {
        key: (name: string) => redis.key(name),
        async script(...question: Parameters<Redis["script"]>) {
          const answer = await redis.script(...question); // It did arrive.
          return question[0].name === "limits_admit" ? undefined : answer;
        },
      } as unknown as Redis;
      const one = { ...client, keyId: `key_late_${Date.now()}`, budget: { dayUsd: 1 } };
      const question = { ...ask, client: one, tokens: 100 };
      const limits = { concurrent: 2, tokensPerMinute: 250 };
      const part = admissionParts(limits);
      const cutOff = new SharedAdmission({ redis: late, ipRequestsPerMinute: () => 12, ...part });
      const other = shared(admissionParts(limits), 1);
      const first = await cutOff.admit(question);
      const second = await cutOff.admit(question);
      await expect(Promise.resolve(cutOff.admit(question))).rejects.toMatchObject({ code: "CONCURRENT_REQUEST_LIMIT" });
      first.settle(10, 400_000_000);
      second.settle(10, 400_000_000);
      await redis.command("PING"); // Behind what was told.
      // The other gateway knows of 20 tokens and $0.80, and of no open request.
      const small = { ...question, nanoUsd: 100_000_000 };
      const open = [await other.admit(small), await other.admit(small)];
      await expect(Promise.resolve(other.admit(small))).rejects.toMatchObject({ code: "CONCURRENT_REQUEST_LIMIT" });
      for (const admitted of open) admitted.settle(90, 50_000_000);
      await redis.command("PING");
      await clients[1]!.command("PING");
      // 200 of 250 tokens and $0.90 of $1 are used: held amounts that stayed would refuse this.
      (await other.admit({ ...small, tokens: 50 })).settle(0, 0);
      await expect(Promise.resolve(other.admit({ ...small, nanoUsd: 100_000_001 }))).rejects.toMatchObject({
        code: "BUDGET_QUOTA_EXCEEDED",
      });
    });

    test("what Redis was not told, as it was away, is counted as soon as its gateway asks again", async () => {
      const redis = clients[0]!;
      const deaf = { key: (name: string) => redis.key(name), script: async () => undefined } as unknown as Redis;
      const one = { ...client, keyId: `key_deaf_${Date.now()}`, budget: { dayUsd: 1 } };
      const question = { ...ask, client: one };
      const part = admissionParts();
      (await shared(part, 0).admit(question)).settle(10, 100_000_000);
      const cutOff = new SharedAdmission({ redis: deaf, ipRequestsPerMinute: () => 12, ...part });
      (await cutOff.admit(question)).settle(10, 500_000_000);
      (await shared(part, 0).admit(question)).settle(10, 100_000_000);
      await redis.command("PING");
      const other = shared(admissionParts(), 1); // $0.70 of $1 are spent.
      await expect(Promise.resolve(other.admit({ ...question, nanoUsd: 300_000_001 }))).rejects.toMatchObject({
        code: "BUDGET_QUOTA_EXCEEDED",
      });
      (await other.admit({ ...question, nanoUsd: 300_000_000 })).settle(0, 0);
    });

    test("an address is counted by all of them together", async () => {
      const all = [shared(admissionParts(), 0), shared(admissionParts(), 1)];
      const from = (index: number, address: string): Promise<Admitted> =>
        Promise.resolve(
          all[index % 2]!.admit({ ...ask, nanoUsd: 0, address, client: { ...client, keyId: `key_ip_${index}` } }),
        );
      const results = await Promise.allSettled(Array.from({ length: 30 }, (_, index) => from(index, "9.9.9.9")));
      const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
      expect(refused).toHaveLength(18);
      expect(refused[0]).toMatchObject({ code: "IP_RATE_LIMIT_EXCEEDED", headers: { "x-ratelimit-scope": "ip" } });
      await expect(from(0, "9.9.9.8")).resolves.toBeDefined();
    });

    test("a Redis that lost everything begins with what the gateway knows", async () => {
      const part = admissionParts();
      const admission = shared(part, 1);
      const spender = { ...client, keyId: `${client.keyId}-2` };
      const cost = (nanoUsd: number): Promise<Admitted> =>
        Promise.resolve(admission.admit({ ...ask, client: spender, nanoUsd }));
      (await cost(9e8)).settle(10, 8e8);
      const open = await cost(1e8);
      await clients[1]!.command("FLUSHALL");
      await expect(cost(1.1e8)).rejects.toMatchObject({ code: "DAILY_SPEND_QUOTA_EXCEEDED" });
      open.settle(10, 0);
      await expect(cost(2e8)).resolves.toBeDefined();
      await expect(cost(1)).rejects.toMatchObject({ code: "DAILY_SPEND_QUOTA_EXCEEDED" });
    });
  });
});
