import { setImmediate } from "node:timers/promises";
import type { Transaction } from "kysely";
import type { Tables } from "../../database/database.ts";
import type { WalPosition } from "../../storage/sync-wal.ts";
import type { SpentRow } from "../access/budgets.ts";
import type { Periods } from "../access/periods.ts";
import { STATEMENT_ROWS_MAX } from "./limits.ts";
import type { UsageBatch, UsageSums } from "./usage-sums.ts";
import { END_USER_KEYS, HOUR_KEYS, SUM_COLUMNS, TAG_KEYS, type UsageTables } from "./usage-tables.ts";

const HOUR_MS = 3_600_000;
type SumTable = "usage_hours" | "usage_end_users" | "usage_tags";

export interface LedgerNames {
  /** One per log. */
  readonly ledgerId: string;
  /** One per gateway, whose processes may have several logs. */
  readonly gatewayId: string;
}

/** Usage in the database: adds batches, exactly once each, and says what budgets have been spent. */
export class UsageStore {
  readonly #tables: Tables<UsageTables>;
  readonly #names: LedgerNames;

  constructor(tables: Tables<UsageTables>, names: LedgerNames) {
    this.#tables = tables;
    this.#names = names;
  }

  /** The position up to which this log has been added; undefined for a new log. */
  async applied(): Promise<WalPosition | undefined> {
    const row = await this.#tables.run((db) =>
      db.selectFrom("usage_ledgers").selectAll().where("ledger_id", "=", this.#names.ledgerId).executeTakeFirst(),
    );
    return row && { segment: row.segment, index: row.record };
  }

  /**
   * Adds a batch and the position that it reaches, all or nothing. Where an earlier attempt was stored although its caller
   * heard of a failure, nothing is added again.
   */
  async add(batch: UsageBatch): Promise<void> {
    await this.#tables.transaction(async (db) => {
      if (batch.through !== undefined && !(await this.#advance(db, batch.through))) return;
      await addSums(db, "usage_hours", HOUR_KEYS, [...batch.hours.values()]);
      await addSums(db, "usage_end_users", END_USER_KEYS, [...batch.endUsers.values()]);
      await addSums(db, "usage_tags", TAG_KEYS, [...batch.tags.values()]);
      const budgets = [...batch.budgets.values()].map((row) => ({ ...row, gateway_id: this.#names.gatewayId }));
      const keys = ["period", "start_ms", "scope", "gateway_id"] as const;
      for await (const rows of portions(sorted(budgets, keys))) {
        await db
          .insertInto("budget_spend")
          .values(rows)
          .onConflict((conflict) =>
            conflict.columns([...keys]).doUpdateSet((eb) => ({
              nano_usd: eb("budget_spend.nano_usd", "+", eb.ref("excluded.nano_usd")),
            })),
          )
          .execute();
      }
    });
  }

  /** Moves the log's position on; false when it has already been there. */
  async #advance(db: Transaction<UsageTables>, through: WalPosition): Promise<boolean> {
    const { ledgerId } = this.#names;
    // Inserted first and then updated: the update locks the row, and so a second attempt waits for the first one's end.
    await db
      .insertInto("usage_ledgers")
      .values({ ledger_id: ledgerId, segment: -1, record: 0 })
      .onConflict((conflict) => conflict.column("ledger_id").doNothing())
      .execute();
    const { numUpdatedRows } = await db
      .updateTable("usage_ledgers")
      .set({ segment: through.segment, record: through.index })
      .where("ledger_id", "=", ledgerId)
      .where((eb) =>
        eb.or([
          eb("segment", "<", through.segment),
          eb.and([eb("segment", "=", through.segment), eb("record", "<", through.index)]),
        ]),
      )
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** What keys and teams have spent in the day and month of `nowMs`. */
  async spent(periods: Periods, nowMs: number): Promise<SpentRow[]> {
    const rows = await this.#tables.run((db) =>
      db
        .selectFrom("budget_spend")
        .select(["scope", "period", "start_ms", "gateway_id", "nano_usd"])
        .where((eb) =>
          eb.or([
            eb.and([eb("period", "=", "day"), eb("start_ms", "=", periods.day(nowMs).startMs)]),
            eb.and([eb("period", "=", "month"), eb("start_ms", "=", periods.month(nowMs).startMs)]),
          ]),
        )
        .execute(),
    );
    const spent = new Map<string, { -readonly [Field in keyof SpentRow]: SpentRow[Field] }>();
    for (const { scope, period, start_ms: startMs, gateway_id: gateway, nano_usd: nano } of rows) {
      const key = `${period}\n${scope}`;
      const row = spent.get(key) ?? { scope, period, startMs, ownNanoUsd: 0, othersNanoUsd: 0 };
      if (gateway === this.#names.gatewayId) row.ownNanoUsd += nano;
      else row.othersNanoUsd += nano;
      spent.set(key, row);
    }
    return [...spent.values()];
  }

  /** Deletes what is older than `oldestMs`. */
  async prune(oldestMs: number): Promise<void> {
    const hour = Math.floor(oldestMs / HOUR_MS);
    for (const table of ["usage_hours", "usage_end_users", "usage_tags"] as const) {
      await this.#tables.run((db) => db.deleteFrom(table).where("hour", "<", hour).execute());
    }
    await this.#tables.run((db) => db.deleteFrom("budget_spend").where("start_ms", "<", oldestMs).execute());
  }
}

async function addSums<Row extends UsageSums>(
  db: Transaction<UsageTables>,
  table: SumTable,
  keys: readonly (string & keyof Row)[],
  rows: readonly Row[],
): Promise<void> {
  for await (const portion of portions(sorted(rows, keys))) {
    await db
      .insertInto(table)
      .values(portion as never)
      .onConflict((conflict) =>
        conflict
          .columns([...keys] as never)
          .doUpdateSet((eb) =>
            Object.fromEntries(
              SUM_COLUMNS.map((column) => [
                column,
                eb(`${table}.${column}` as never, "+", eb.ref(`excluded.${column}` as never)),
              ]),
            ),
          ),
      )
      .execute();
  }
}

/** In one order for all gateways, so that two that write the same rows wait for each other instead of for ever. */
function sorted<Row>(rows: readonly Row[], keys: readonly (keyof Row)[]): Row[] {
  return [...rows].sort((left, right) => {
    for (const key of keys) {
      if (left[key] < right[key]) return -1;
      if (left[key] > right[key]) return 1;
    }
    return 0;
  });
}

/** Rows of one statement each. Between them others get the thread: SQLite works on it, and requests wait meanwhile. */
async function* portions<Row>(rows: readonly Row[]): AsyncGenerator<Row[]> {
  for (let start = 0; start < rows.length; start += STATEMENT_ROWS_MAX) {
    if (start > 0) await setImmediate();
    yield rows.slice(start, start + STATEMENT_ROWS_MAX);
  }
}
