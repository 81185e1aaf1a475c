import type { Kysely, Transaction } from "kysely";
import { DatabaseError } from "./database-error.ts";
import { inTransaction } from "./transaction.ts";

export type DatabaseKind = "sqlite" | "postgres";

/** One step of a component's schema. Steps are only ever appended; what has been released is not changed. */
export type Migration = (db: Transaction<unknown>, kind: DatabaseKind) => Promise<void>;

interface VersionTables {
  gatewayz_schema: { component: string; version: number };
}

/** Any number, the same in every release: who holds it changes the schema. */
const ADVISORY_LOCK = 7_361_508;

/**
 * Brings one component's tables to the newest version, all steps or none. Several processes may start at once.
 * @param component Names the owner of the tables, such as `keys`; its version is counted on its own.
 * @throws DatabaseError DATABASE_TOO_NEW when a newer program has been here.
 */
export async function migrate(
  db: Kysely<unknown>,
  kind: DatabaseKind,
  component: string,
  migrations: readonly Migration[],
): Promise<void> {
  const { sql } = await import("kysely");
  await inTransaction(db, async (transaction) => {
    if (kind === "postgres") await sql`select pg_advisory_xact_lock(${sql.lit(ADVISORY_LOCK)})`.execute(transaction);
    await sql`create table if not exists gatewayz_schema (component text primary key, version integer not null)`.execute(
      transaction,
    );
    const versions = transaction as unknown as Transaction<VersionTables>;
    const row = await versions
      .selectFrom("gatewayz_schema")
      .select("version")
      .where("component", "=", component)
      .executeTakeFirst();
    const version = row?.version ?? 0;
    if (version > migrations.length) {
      const text = `the tables of ${component} have version ${version}; this program knows ${migrations.length}. Start the newer program, or give another database`;
      throw new DatabaseError("DATABASE_TOO_NEW", text);
    }
    if (version === migrations.length) return;
    for (const step of migrations.slice(version)) await step(transaction, kind);
    await versions
      .insertInto("gatewayz_schema")
      .values({ component, version: migrations.length })
      .onConflict((conflict) => conflict.column("component").doUpdateSet({ version: migrations.length }))
      .execute();
  });
}
