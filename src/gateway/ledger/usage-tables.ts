import type { CreateTableBuilder } from "kysely";
import type { Migration } from "../../database/migrations.ts";
import type { BudgetRow, EndUserRow, HourRow, TagRow, UsageSums } from "./usage-sums.ts";

export interface UsageTables {
  usage_hours: HourRow;
  usage_end_users: EndUserRow;
  usage_tags: TagRow;
  /** What counts against budgets, by gateway, so that each can tell its own from the others'. */
  budget_spend: BudgetRow & { gateway_id: string };
  /** How far each gateway's log has been added to the sums: the position that comes after the last entry. */
  usage_ledgers: { ledger_id: string; segment: number; record: number };
}

export const SUM_COLUMNS = [
  "requests",
  "errors",
  "interrupted",
  "input_tokens",
  "output_tokens",
  "cached_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
  "cost_nano_usd",
] as const satisfies readonly (keyof UsageSums)[];

export const HOUR_KEYS = ["hour", "key_id", "team", "provider", "model"] as const;
export const END_USER_KEYS = ["hour", "key_id", "end_user", "model"] as const;
export const TAG_KEYS = ["hour", "key_id", "tag", "model"] as const;

export const USAGE_MIGRATIONS: readonly Migration[] = [
  async (db) => {
    const sums = async (table: string, keys: readonly string[]): Promise<void> => {
      let builder: CreateTableBuilder<string, string> = db.schema.createTable(table);
      for (const key of keys) {
        builder = builder.addColumn(key, key === "hour" ? "integer" : "text", (column) => column.notNull());
      }
      for (const column of SUM_COLUMNS) builder = builder.addColumn(column, "bigint", (sum) => sum.notNull());
      await builder.addPrimaryKeyConstraint(`${table}_pk`, keys as string[] as [string]).execute();
    };
    await sums("usage_hours", HOUR_KEYS);
    await sums("usage_end_users", END_USER_KEYS);
    await sums("usage_tags", TAG_KEYS);
    await db.schema
      .createTable("budget_spend")
      .addColumn("scope", "text", (column) => column.notNull())
      .addColumn("period", "text", (column) => column.notNull())
      .addColumn("start_ms", "bigint", (column) => column.notNull())
      .addColumn("gateway_id", "text", (column) => column.notNull())
      .addColumn("nano_usd", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("budget_spend_pk", ["period", "start_ms", "scope", "gateway_id"])
      .execute();
    await db.schema
      .createTable("usage_ledgers")
      .addColumn("ledger_id", "text", (column) => column.primaryKey())
      .addColumn("segment", "integer", (column) => column.notNull())
      .addColumn("record", "integer", (column) => column.notNull())
      .execute();
  },
];
