import { expect, test } from "vitest";
import type { QueryObservation } from "./observer.ts";
import { testDatabase } from "./testing.ts";

interface NoteTables {
  notes: { id: string; amount: number; at_ms: number; done: number | boolean };
}
const makeNotes = async (db: import("kysely").Transaction<unknown>): Promise<void> => {
  await db.schema
    .createTable("notes")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("amount", "bigint", (column) => column.notNull())
    .addColumn("at_ms", "bigint", (column) => column.notNull())
    .addColumn("done", "integer", (column) => column.notNull())
    .execute();
};

test("values written come back as numbers, and every statement is observed", async () => {
  const seen: QueryObservation[] = [];
  const database = testDatabase({ observer: { query: (observation) => seen.push(observation) } });
  const notes = database.component<NoteTables>("notes", [makeNotes]);
  const atMs = 1_764_000_000_123;
  await notes.run((db) =>
    db
      .insertInto("notes")
      .values({ id: "a", amount: 2 ** 52, at_ms: atMs, done: true })
      .execute(),
  );
  expect(await notes.run((db) => db.selectFrom("notes").selectAll().execute())).toEqual([
    { id: "a", amount: 2 ** 52, at_ms: atMs, done: 1 },
  ]);
  expect(seen.at(-1)).toMatchObject({ table: "notes", operation: "select", error: undefined });
  await database.close();
});
