import type { Migration } from "../../../database/migrations.ts";
import type { KeyRow } from "./key-record.ts";

export interface KeyTables {
  gateway_keys: KeyRow;
  gateway_teams: { name: string; budget: string; deleted: number; change_seq: number };
  /** One row: the number of the last change of a key or team. Its lock puts changes into one order for all gateways. */
  gateway_key_changes: { id: number; seq: number };
  /** Beside the keys, so that use does not count as a change of a key. */
  gateway_key_use: { key_id: string; last_used_at_ms: number };
}

export const KEY_MIGRATIONS: readonly Migration[] = [
  async (db) => {
    await db.schema
      .createTable("gateway_keys")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("secret_hash", "text", (column) => column.notNull().unique())
      .addColumn("hint", "text", (column) => column.notNull())
      .addColumn("name", "text", (column) => column.notNull())
      .addColumn("kind", "text", (column) => column.notNull())
      .addColumn("status", "text", (column) => column.notNull())
      .addColumn("tier", "text", (column) => column.notNull())
      .addColumn("owner", "text")
      .addColumn("team", "text")
      .addColumn("rights", "text", (column) => column.notNull())
      .addColumn("expires_at_ms", "bigint")
      .addColumn("created_at_ms", "bigint", (column) => column.notNull())
      .addColumn("updated_at_ms", "bigint", (column) => column.notNull())
      .addColumn("change_seq", "bigint", (column) => column.notNull())
      .execute();
    await db.schema.createIndex("gateway_keys_change").on("gateway_keys").column("change_seq").execute();
    await db.schema.createIndex("gateway_keys_team").on("gateway_keys").column("team").execute();
    await db.schema
      .createTable("gateway_teams")
      .addColumn("name", "text", (column) => column.primaryKey())
      .addColumn("budget", "text", (column) => column.notNull())
      .addColumn("deleted", "integer", (column) => column.notNull())
      .addColumn("change_seq", "bigint", (column) => column.notNull())
      .execute();
    await db.schema
      .createTable("gateway_key_changes")
      .addColumn("id", "integer", (column) => column.primaryKey())
      .addColumn("seq", "bigint", (column) => column.notNull())
      .execute();
    await db.schema
      .createTable("gateway_key_use")
      .addColumn("key_id", "text", (column) => column.primaryKey())
      .addColumn("last_used_at_ms", "bigint", (column) => column.notNull())
      .execute();
    const { sql } = await import("kysely");
    await sql`insert into gateway_key_changes (id, seq) values (1, 0)`.execute(db);
  },
];
