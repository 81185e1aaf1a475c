import Database from "libsql";
import type { Check, Target } from "./check.ts";
import { keyOf } from "./check.ts";
import type { Incident } from "./incidents.ts";
import { HISTORY_ROWS_MAX, RESOLVED_INCIDENTS_MAX, RETENTION_MS } from "./limits.ts";
import type { ModelState } from "./model-state.ts";
import {
  INCIDENT_COLUMNS,
  incidentOf,
  incidentValues,
  MODEL_COLUMNS,
  modelOf,
  modelValues,
  type Row,
} from "./store-rows.ts";
import { MIGRATIONS, SCHEMA_VERSION } from "./store-schema.ts";
import { percentile } from "./tiers.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long a statement waits for another process that reads the file. */
const BUSY_TIMEOUT_MS = 2_000;

/** What one transaction writes. */
export interface Changes {
  readonly models: readonly ModelState[];
  readonly incidents: readonly Incident[];
  readonly checks: readonly Check[];
}

export interface Uptimes {
  readonly uptime24h: number;
  readonly uptime7d: number;
  readonly uptime30d: number;
}

/** The tables of the health service in one SQLite file. Every call throws SQLite's error when the disk refuses. */
export class HealthStore {
  readonly #database: Database.Database;

  /** @param file Path, or `:memory:` where nothing can be kept. */
  constructor(file: string) {
    this.#database = new Database(file);
    try {
      this.#database.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`,
      );
      this.#migrate(file);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  #migrate(file: string): void {
    const version = Number(this.#rows("PRAGMA user_version")[0]!["user_version"]);
    if (version > SCHEMA_VERSION) {
      throw new Error(
        `${file} has schema version ${version}; this program knows ${SCHEMA_VERSION}. Start the newer program, or give another data folder`,
      );
    }
    for (let next = version; next < SCHEMA_VERSION; next++) {
      this.#transaction(() => {
        this.#database.exec(MIGRATIONS[next]!);
        this.#database.exec(`PRAGMA user_version = ${next + 1}`);
      });
    }
  }

  #transaction(work: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  #rows(sql: string, ...values: (string | number)[]): Row[] {
    return this.#database.prepare(sql).all(...values) as Row[];
  }

  loadModels(): ModelState[] {
    return this.#rows("SELECT * FROM models").map(modelOf);
  }

  loadOpenIncidents(): Incident[] {
    return this.#rows("SELECT * FROM incidents WHERE status != 'resolved'").map(incidentOf);
  }

  /** Newest first; all states, or one. */
  incidents(status: Incident["status"] | undefined, limit: number): Incident[] {
    const rows =
      status === undefined
        ? this.#rows("SELECT * FROM incidents ORDER BY started_at DESC LIMIT ?", limit)
        : this.#rows("SELECT * FROM incidents WHERE status = ? ORDER BY started_at DESC LIMIT ?", status, limit);
    return rows.map(incidentOf);
  }

  /** All or nothing; written to disk when it returns. */
  write(changes: Changes): void {
    this.#transaction(() => {
      const model = this.#database.prepare(upsert("models", MODEL_COLUMNS));
      for (const state of changes.models) model.run(...modelValues(state));
      const incident = this.#database.prepare(upsert("incidents", INCIDENT_COLUMNS));
      for (const entry of changes.incidents) incident.run(...incidentValues(entry));
      this.#writeChecks(changes.checks);
    });
  }

  #writeChecks(checks: readonly Check[]): void {
    if (checks.length === 0) return;
    const history = this.#database.prepare(
      `INSERT INTO history (provider, model, gateway, kind, status, response_time_ms, error, tokens, checked_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const aggregate = this.#database.prepare(
      `INSERT INTO aggregates (provider, model, gateway, hour, checks, successes, passive_calls, response_time_sum_ms)
       VALUES (?, ?, ?, ?, 1, ?, ?, ?)
       ON CONFLICT DO UPDATE SET checks = checks + 1, successes = successes + excluded.successes,
         passive_calls = passive_calls + excluded.passive_calls,
         response_time_sum_ms = response_time_sum_ms + excluded.response_time_sum_ms`,
    );
    for (const check of checks) {
      const { provider, model, gateway, kind, status, responseTimeMs, error, tokens, atMs } = check;
      history.run(provider, model, gateway, kind, status, responseTimeMs, error ?? null, tokens, atMs);
      const hour = Math.floor(atMs / HOUR_MS);
      const success = status === "success" ? 1 : 0;
      aggregate.run(provider, model, gateway, hour, success, kind === "passive" ? 1 : 0, responseTimeMs);
    }
  }

  /** Customers' calls by target since `sinceMs`, in whole hours. */
  callsSince(sinceMs: number): Map<string, number> {
    const rows = this.#rows(
      `SELECT provider, model, gateway, SUM(passive_calls) AS calls FROM aggregates WHERE hour >= ?
       GROUP BY provider, model, gateway`,
      Math.floor(sinceMs / HOUR_MS),
    );
    return new Map(rows.map((row) => [keyOf(targetOf(row)), Number(row["calls"])]));
  }

  /** Uptimes by target, in percent of checks; a target without checks is absent. */
  uptimes(nowMs: number): Map<string, Uptimes> {
    const since = (days: number): number => Math.floor((nowMs - days * DAY_MS) / HOUR_MS);
    const rows = this.#rows(
      `SELECT provider, model, gateway,
         100.0 * SUM(successes) / SUM(checks) AS days30,
         100.0 * SUM(successes) FILTER (WHERE hour >= ?1) / SUM(checks) FILTER (WHERE hour >= ?1) AS days7,
         100.0 * SUM(successes) FILTER (WHERE hour >= ?2) / SUM(checks) FILTER (WHERE hour >= ?2) AS day
       FROM aggregates WHERE hour >= ?3 GROUP BY provider, model, gateway`,
      since(7),
      since(1),
      since(30),
    );
    return new Map(
      rows.map((row) => [
        keyOf(targetOf(row)),
        {
          uptime24h: Number(row["day"] ?? 100),
          uptime7d: Number(row["days7"] ?? 100),
          uptime30d: Number(row["days30"] ?? 100),
        },
      ]),
    );
  }

  /** Fills the percentiles of the hour that contains `atMs` from the history. */
  computePercentiles(atMs: number): void {
    const hour = Math.floor(atMs / HOUR_MS);
    const rows = this.#rows(
      `SELECT provider, model, gateway, response_time_ms FROM history
       WHERE checked_at >= ? AND checked_at < ? AND status = 'success' ORDER BY response_time_ms`,
      hour * HOUR_MS,
      (hour + 1) * HOUR_MS,
    );
    const times = new Map<string, { target: Target; valuesMs: number[] }>();
    for (const row of rows) {
      const target = targetOf(row);
      const entry = times.get(keyOf(target)) ?? { target, valuesMs: [] };
      entry.valuesMs.push(Number(row["response_time_ms"]));
      times.set(keyOf(target), entry);
    }
    this.#transaction(() => {
      const update = this.#database.prepare(
        `UPDATE aggregates SET p50_ms = ?, p95_ms = ?, p99_ms = ?
         WHERE provider = ? AND model = ? AND gateway = ? AND hour = ?`,
      );
      for (const { target, valuesMs } of times.values()) {
        const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(valuesMs, share));
        update.run(p50, p95, p99, target.provider, target.model, target.gateway, hour);
      }
    });
  }

  /** Removes what is past its time or its number. */
  prune(nowMs: number): void {
    this.#transaction(() => {
      const oldestMs = nowMs - RETENTION_MS;
      this.#database.prepare("DELETE FROM history WHERE checked_at < ?").run(oldestMs);
      this.#database.prepare("DELETE FROM history WHERE id <= (SELECT MAX(id) FROM history) - ?").run(HISTORY_ROWS_MAX);
      this.#database.prepare("DELETE FROM aggregates WHERE hour < ?").run(Math.floor(oldestMs / HOUR_MS));
      this.#database
        .prepare(
          `DELETE FROM incidents WHERE status = 'resolved' AND id NOT IN
             (SELECT id FROM incidents WHERE status = 'resolved' ORDER BY started_at DESC LIMIT ?)`,
        )
        .run(RESOLVED_INCIDENTS_MAX);
    });
  }

  /** Rows of the tables that grow. */
  counts(): { history: number; incidents: number } {
    const count = (table: string): number => Number(this.#rows(`SELECT COUNT(*) AS n FROM ${table}`)[0]!["n"]);
    return { history: count("history"), incidents: count("incidents") };
  }

  /** Folds the write-ahead log into the file. Where the disk refuses, the log stays and is read at the next start. */
  close(): void {
    try {
      this.#database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
    } finally {
      this.#database.close();
    }
  }
}

function upsert(table: string, columns: readonly string[]): string {
  return `INSERT OR REPLACE INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
}

function targetOf(row: Row): Target {
  return { provider: String(row["provider"]), model: String(row["model"]), gateway: String(row["gateway"]) };
}
