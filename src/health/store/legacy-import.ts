import { existsSync, renameSync } from "node:fs";
import type { Tables } from "../../database/database.ts";
import { HOUR_MS } from "./periods.ts";
import type { HealthTables } from "./tables.ts";

/** The one version that the file ever had. */
const VERSION = 1;
/** Rows of one statement; the widest has 23 columns. */
const STATEMENT_ROWS_MAX = 500;

type Row = Record<string, string | number | null>;

/**
 * Takes over what the first release kept in `health.db` of the data folder, once: everything in one transaction, then
 * the file is renamed to `health.db.imported`. Rows that are there already (an import whose renaming failed) are kept.
 * @returns Models imported, or undefined where there is no such file.
 * @throws Error when the file is of a version that this program does not know; it is left as it is.
 */
export async function importLegacy(file: string, tables: Tables<HealthTables>): Promise<number | undefined> {
  if (!existsSync(file)) return undefined;
  const old = await readLegacy(file);
  await tables.transaction(async (db) => {
    const known = await db.selectFrom("health_models").select("model").limit(1).execute();
    if (known.length > 0) return;
    for (const rows of chunks(old.models)) {
      await db
        .insertInto("health_models")
        .values(rows.map((row) => ({ ...row, hard_failures: 0 }) as never))
        .execute();
    }
    for (const rows of chunks(old.history)) {
      const values = rows.map(({ id: _id, ...row }) => row as never);
      await db.insertInto("health_history").values(values).execute();
    }
    for (const rows of chunks(old.aggregates)) {
      const values = rows.map(({ hour, ...row }) => {
        return { ...row, period: "hour", period_start: Number(hour) * HOUR_MS, tokens: 0 } as never;
      });
      await db.insertInto("health_aggregates").values(values).execute();
    }
    for (const rows of chunks(old.incidents)) {
      const metadata = JSON.stringify({ statuses: {}, severity_changes: [], consecutive_failures: 0 });
      await db
        .insertInto("health_incidents")
        .values(rows.map((row) => ({ ...row, metadata }) as never))
        .execute();
    }
  });
  renameSync(file, `${file}.imported`);
  return old.models.length;
}

async function readLegacy(file: string): Promise<Record<"models" | "history" | "aggregates" | "incidents", Row[]>> {
  const { default: Libsql } = await import("libsql");
  const database = new Libsql(file);
  try {
    const [version] = database.prepare("PRAGMA user_version").all() as { user_version: number }[];
    if (version?.user_version !== VERSION) {
      throw new Error(`${file} has schema version ${version?.user_version}; this program knows ${VERSION}`);
    }
    const read = (table: string): Row[] => database.prepare(`SELECT * FROM ${table}`).all() as Row[];
    return {
      models: read("models"),
      history: read("history"),
      aggregates: read("aggregates"),
      incidents: read("incidents"),
    };
  } finally {
    database.close();
  }
}

function* chunks<T>(items: readonly T[]): Generator<T[]> {
  for (let start = 0; start < items.length; start += STATEMENT_ROWS_MAX) {
    yield items.slice(start, start + STATEMENT_ROWS_MAX);
  }
}
