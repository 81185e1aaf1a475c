import type { Database, Tables } from "../../database/database.ts";
import type { Migration } from "../../database/migrations.ts";

export type SettingKind = "provider" | "alias" | "limits" | "price";

/** Entries that the admin API may make, all kinds together. */
export const SETTINGS_MAX = 2_000;

interface SettingTables {
  gateway_settings: { kind: string; name: string; value: string; updated_at_ms: number };
  /** One row: counts changes, so that other gateways see that there is one. */
  gateway_settings_changes: { id: number; seq: number };
}

const MIGRATIONS: readonly Migration[] = [
  async (db) => {
    await db.schema
      .createTable("gateway_settings")
      .addColumn("kind", "text", (column) => column.notNull())
      .addColumn("name", "text", (column) => column.notNull())
      .addColumn("value", "text", (column) => column.notNull())
      .addColumn("updated_at_ms", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("gateway_settings_key", ["kind", "name"])
      .execute();
    await db.schema
      .createTable("gateway_settings_changes")
      .addColumn("id", "integer", (column) => column.primaryKey())
      .addColumn("seq", "bigint", (column) => column.notNull())
      .execute();
    const { sql } = await import("kysely");
    await sql`insert into gateway_settings_changes (id, seq) values (1, 0)`.execute(db);
  },
];

export interface Setting {
  readonly kind: SettingKind;
  readonly name: string;
  /** JSON. */
  readonly value: string;
}

/** What the admin API changed, in the database that all gateways of an installation share. */
export class SettingsStore {
  readonly #tables: Tables<SettingTables>;

  constructor(database: Database) {
    this.#tables = database.component<SettingTables>("gateway_settings", MIGRATIONS);
  }

  /** Number of the last change; another one than before means that something is new. */
  async seq(): Promise<number> {
    const { seq } = await this.#tables.run((db) =>
      db.selectFrom("gateway_settings_changes").select("seq").executeTakeFirstOrThrow(),
    );
    return seq;
  }

  async all(): Promise<Setting[]> {
    const rows = await this.#tables.run((db) =>
      db.selectFrom("gateway_settings").select(["kind", "name", "value"]).orderBy("name").limit(SETTINGS_MAX).execute(),
    );
    return rows.map(({ kind, name, value }) => ({ kind: kind as SettingKind, name, value }));
  }

  /** @returns false when there are SETTINGS_MAX already. */
  async put({ kind, name, value }: Setting, nowMs = Date.now()): Promise<boolean> {
    return this.#tables.transaction(async (db) => {
      await db
        .updateTable("gateway_settings_changes")
        .set((eb) => ({ seq: eb("seq", "+", 1) }))
        .execute();
      const { entries } = await db
        .selectFrom("gateway_settings")
        .select((eb) => eb.fn.countAll<number>().as("entries"))
        .executeTakeFirstOrThrow();
      if (entries >= SETTINGS_MAX) return false;
      const values = { value, updated_at_ms: nowMs };
      await db
        .insertInto("gateway_settings")
        .values({ kind, name, ...values })
        .onConflict((conflict) => conflict.columns(["kind", "name"]).doUpdateSet(values))
        .execute();
      return true;
    });
  }

  /** @returns false when there was none. */
  async delete(kind: SettingKind, name: string): Promise<boolean> {
    return this.#tables.transaction(async (db) => {
      await db
        .updateTable("gateway_settings_changes")
        .set((eb) => ({ seq: eb("seq", "+", 1) }))
        .execute();
      const { numDeletedRows } = await db
        .deleteFrom("gateway_settings")
        .where("kind", "=", kind)
        .where("name", "=", name)
        .executeTakeFirst();
      return numDeletedRows > 0n;
    });
  }
}
