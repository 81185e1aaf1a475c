import type { Transaction } from "kysely";
import { afterEach, expect, test } from "vitest";
import type { Database, DatabaseOptions } from "./database.ts";
import type { Migration } from "./migrations.ts";
import type { QueryObservation } from "./observer.ts";
import { testDatabase } from "./testing.ts";

interface NoteTables {
  notes: { id: string; amount: number; at_ms: number; ratio: number; done: number };
}

const makeNotes: Migration = async (db) => {
  await db.schema
    .createTable("notes")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("amount", "bigint", (column) => column.notNull())
    .addColumn("at_ms", "bigint", (column) => column.notNull())
    .addColumn("ratio", "double precision", (column) => column.notNull())
    .addColumn("done", "integer", (column) => column.notNull())
    .execute();
};
const addIndex: Migration = async (db) => {
  await db.schema.createIndex("notes_at").on("notes").column("at_ms").execute();
};
const fails: Migration = async (db) => {
  await db.schema.createTable("half_made").addColumn("id", "text").execute();
  throw new Error("step fails");
};

/**
 * What every kind of database must do; run on SQLite and on Postgres.
 * @param fresh Options of a database without tables; asked before each test.
 */
export function databaseSuite(fresh: () => Promise<Partial<DatabaseOptions>>): void {
  const open: Database[] = [];
  const opened = (options: Partial<DatabaseOptions>): Database => {
    const database = testDatabase(options);
    open.push(database);
    return database;
  };
  afterEach(async () => {
    for (const database of open.splice(0)) await database.close();
  });
  const note = (id: string, amount = 1): NoteTables["notes"] => ({ id, amount, at_ms: 5, ratio: 0.25, done: 0 });

  test("values come back as numbers, sums of large ones too, and every statement is observed", async () => {
    const seen: QueryObservation[] = [];
    const database = opened({ ...(await fresh()), observer: { query: (observation) => seen.push(observation) } });
    const notes = database.component<NoteTables>("notes", [makeNotes]);
    const row = { id: "a", amount: 2 ** 52, at_ms: 1_764_000_000_123, ratio: 0.1, done: 1 };
    await notes.run((db) => db.insertInto("notes").values(row).execute());
    expect(await notes.run((db) => db.selectFrom("notes").selectAll().execute())).toEqual([row]);
    const sums = await notes.run((db) =>
      db
        .selectFrom("notes")
        .select((eb) => eb.fn.sum<number>("amount").as("sum"))
        .execute(),
    );
    expect(sums).toEqual([{ sum: 2 ** 52 }]);
    await notes.run((db) => db.updateTable("notes").set({ amount: 1 }).where("id", "=", "a").execute());
    await expect(notes.run((db) => db.insertInto("notes").values(row).execute())).rejects.toThrow(/unique/i);
    await notes.run((db) => db.deleteFrom("notes as n").where("n.id", "=", "a").execute());
    expect(seen.slice(-5).map(({ table, operation, error }) => [table, operation, error === undefined])).toEqual([
      ["notes", "select", true],
      ["notes", "select", true],
      ["notes", "update", true],
      ["notes", "insert", false],
      ["notes", "delete", true],
    ]);
    expect(database.available).toBe(true);
    expect(database.pool()).toMatchObject({ active: 0, waiting: 0 });
  });

  test("a transaction is all or nothing; those that come together take turns or run beside each other", async () => {
    const notes = opened(await fresh()).component<NoteTables>("notes", [makeNotes]);
    const broken = notes.transaction(async (db) => {
      await db.insertInto("notes").values(note("lost")).execute();
      throw new Error("changed my mind");
    });
    await expect(broken).rejects.toThrow("changed my mind");
    await notes.run((db) => db.insertInto("notes").values(note("sum", 0)).execute());
    const add = (): Promise<void> =>
      notes.transaction(async (db: Transaction<NoteTables>) => {
        await db
          .updateTable("notes")
          .set((eb) => ({ amount: eb("amount", "+", 1) }))
          .where("id", "=", "sum")
          .execute();
      });
    await Promise.all(Array.from({ length: 20 }, add));
    const rows = await notes.run((db) => db.selectFrom("notes").select(["id", "amount"]).execute());
    expect(rows).toEqual([{ id: "sum", amount: 20 }]);
  });

  test("components have versions of their own; steps run once, in order, all or none, by many processes at once", async () => {
    const options = await fresh();
    const first = opened(options);
    await first
      .component<NoteTables>("notes", [makeNotes])
      .run((db) => db.insertInto("notes").values(note("a")).execute());
    const failing = first.component<NoteTables>("notes", [makeNotes, fails]);
    await expect(failing.run((db) => db.selectFrom("notes").selectAll().execute())).rejects.toThrow("step fails");
    const others = options.file === ":memory:" ? [first] : [opened(options), opened(options), opened(options)];
    const reads = others.map((database) =>
      database
        .component<NoteTables>("notes", [makeNotes, addIndex])
        .run((db) => db.selectFrom("notes").select("id").execute()),
    );
    for (const read of await Promise.all(reads)) expect(read).toEqual([{ id: "a" }]);
    const older = first.component<NoteTables>("notes", [makeNotes]);
    await expect(older.run((db) => db.selectFrom("notes").selectAll().execute())).rejects.toMatchObject({
      code: "DATABASE_TOO_NEW",
    });
    await expect(first.component("other", []).run(async () => "made")).resolves.toBe("made");
    expect(first.available).toBe(true);
  });

  test("what is committed can be synced", async () => {
    const notes = opened(await fresh()).component<NoteTables>("notes", [makeNotes]);
    await notes.synced(); // Nothing is there yet.
    await notes.run((db) => db.insertInto("notes").values(note("a")).execute());
    await expect(notes.synced()).resolves.toBeUndefined();
  });

  test("a closed database refuses", async () => {
    const database = opened(await fresh());
    await database.close();
    const refused = database.component("notes", [makeNotes]).run(async () => undefined);
    await expect(refused).rejects.toMatchObject({ code: "DATABASE_CLOSED" });
    expect(database.available).toBe(false);
  });
}
