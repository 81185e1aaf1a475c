import Database from "libsql";

/** The tables of the first release's `health.db`, as it made them. */
const LEGACY_SCHEMA = `
  CREATE TABLE models (provider TEXT NOT NULL, model TEXT NOT NULL, gateway TEXT NOT NULL, enabled INTEGER NOT NULL,
    tier TEXT NOT NULL, priority INTEGER NOT NULL, last_status TEXT, last_called_at INTEGER, last_response_time_ms REAL,
    average_response_time_ms REAL, call_count INTEGER NOT NULL, success_count INTEGER NOT NULL,
    error_count INTEGER NOT NULL, consecutive_failures INTEGER NOT NULL, consecutive_successes INTEGER NOT NULL,
    circuit_state TEXT NOT NULL, last_error TEXT, last_success_at INTEGER, last_failure_at INTEGER,
    next_check_at INTEGER NOT NULL, uptime_24h REAL NOT NULL, uptime_7d REAL NOT NULL, uptime_30d REAL NOT NULL,
    PRIMARY KEY (provider, model, gateway)) WITHOUT ROWID;
  CREATE TABLE history (id INTEGER PRIMARY KEY, provider TEXT NOT NULL, model TEXT NOT NULL, gateway TEXT NOT NULL,
    kind TEXT NOT NULL, status TEXT NOT NULL, response_time_ms REAL NOT NULL, error TEXT, tokens INTEGER NOT NULL,
    checked_at INTEGER NOT NULL);
  CREATE INDEX history_checked_at ON history (checked_at);
  CREATE TABLE aggregates (provider TEXT NOT NULL, model TEXT NOT NULL, gateway TEXT NOT NULL, hour INTEGER NOT NULL,
    checks INTEGER NOT NULL, successes INTEGER NOT NULL, passive_calls INTEGER NOT NULL,
    response_time_sum_ms REAL NOT NULL, p50_ms REAL, p95_ms REAL, p99_ms REAL,
    PRIMARY KEY (provider, model, gateway, hour)) WITHOUT ROWID;
  CREATE INDEX aggregates_hour ON aggregates (hour);
  CREATE TABLE incidents (id TEXT PRIMARY KEY, provider TEXT NOT NULL, model TEXT NOT NULL, gateway TEXT NOT NULL,
    incident_type TEXT NOT NULL, severity TEXT NOT NULL, started_at INTEGER NOT NULL, resolved_at INTEGER,
    error_message TEXT, error_count INTEGER NOT NULL, affected_requests INTEGER NOT NULL, status TEXT NOT NULL,
    resolution_notes TEXT) WITHOUT ROWID;
  CREATE INDEX incidents_status ON incidents (status, started_at);
`;

/** Writes a `health.db` as the first release left it: two models, one check, one hour, an open and a resolved incident. */
export function writeLegacyFile(file: string, nowMs: number): void {
  const database = new Database(file);
  database.exec(LEGACY_SCHEMA);
  const insert = (table: string, values: (string | number | null)[]): void => {
    database.prepare(`INSERT INTO ${table} VALUES (${values.map(() => "?").join(", ")})`).run(...values);
  };
  const target = (model: string): string[] => ["openai", model, "openai"];
  const counts = [12, 11, 1, 0, 4, "closed", null, nowMs, nowMs - 5_000, nowMs + 9_000, 91.7, 99.5, 99.9];
  insert("models", [...target("gpt-4o"), 1, "critical", 3, "success", nowMs, 90, 100.5, ...counts]);
  const failing = [3, 0, 3, 3, 0, "closed", "no answer", null, nowMs, nowMs, 0, 0, 0];
  insert("models", [...target("gpt-4o-mini"), 0, "on_demand", 0, "timeout", nowMs, 60_000, null, ...failing]);
  insert("history", [1, ...target("gpt-4o"), "probe", "success", 90, null, 4, nowMs]);
  insert("aggregates", [...target("gpt-4o"), Math.floor(nowMs / 3_600_000), 12, 11, 10, 1_200, 95, 200, 300]);
  insert("incidents", [
    "i0",
    ...target("gpt-4o"),
    "outage",
    "low",
    1_000,
    2_000,
    "boom",
    1,
    1,
    "resolved",
    "3 successes",
  ]);
  insert("incidents", ["i1", ...target("gpt-4o-mini"), "timeout", "medium", nowMs, null, "late", 3, 0, "active", null]);
  database.exec("PRAGMA user_version = 1");
  database.close();
}
