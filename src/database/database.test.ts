import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { testDatabase } from "./testing.ts";
import { databaseSuite } from "./testing-suite.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "database-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("SQLite file", () => databaseSuite(async () => ({ file: join(folder, "test.db") })));
describe("SQLite in memory", () => databaseSuite(async () => ({ file: ":memory:" })));

test("a file that cannot be opened is tried again until it can", async () => {
  const errors: string[] = [];
  const database = testDatabase({
    file: join(folder, "later", "test.db"),
    observer: { poolError: (type) => errors.push(type) },
  });
  const tables = database.component("none", []);
  await expect(tables.run(async () => 1)).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
  expect(database.available).toBe(false);
  await mkdir(join(folder, "later"));
  await expect.poll(() => database.available, { timeout: 3_000 }).toBe(true);
  expect(await tables.run(async () => 1)).toBe(1);
  expect(errors).not.toEqual([]);
  await database.close();
});

test("booleans are bound as SQLite knows them, objects are refused", async () => {
  const database = testDatabase();
  const tables = database.component<{ bits: { flag: unknown } }>("bits", [
    async (db) => {
      await db.schema.createTable("bits").addColumn("flag", "integer").execute();
    },
  ]);
  await tables.run((db) => db.insertInto("bits").values({ flag: true }).execute());
  expect(await tables.run((db) => db.selectFrom("bits").selectAll().execute())).toEqual([{ flag: 1 }]);
  const refused = tables.run((db) => db.insertInto("bits").values({ flag: new Date() }).execute());
  await expect(refused).rejects.toThrow("Unix ms");
  await database.close();
});
