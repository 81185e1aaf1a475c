import { afterAll, describe, expect, test } from "vitest";
import type { DatabaseOptions } from "../src/database/database.ts";
import { testDatabase } from "../src/database/testing.ts";
import { databaseSuite } from "../src/database/testing-suite.ts";
import { keyStoreSuite } from "../src/gateway/access/store/testing-suite.ts";
import { RedisStore } from "../src/gateway/cache/redis-store.ts";
import { answerStoreSuite } from "../src/gateway/cache/testing-suite.ts";
import { usageSuite } from "../src/gateway/ledger/testing-suite.ts";
import { captureStoreSuite } from "../src/gateway/safety/testing-suite.ts";
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
  redisSuite(redis as RealServer);
  describe("answers", () =>
    answerStoreSuite(async () => {
      const client = testRedis((redis as RealServer).url);
      await client.started();
      return { store: new RedisStore(client), close: () => client.close() };
    }));
});
