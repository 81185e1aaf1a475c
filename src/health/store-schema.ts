/** Version of the tables below, kept in SQLite's `user_version`. */
export const SCHEMA_VERSION = 1;

/** One entry per version: the statements that lead from the version before to it. Only ever append. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE models (
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    gateway TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    tier TEXT NOT NULL,
    priority INTEGER NOT NULL,
    last_status TEXT,
    last_called_at INTEGER,
    last_response_time_ms REAL,
    average_response_time_ms REAL,
    call_count INTEGER NOT NULL,
    success_count INTEGER NOT NULL,
    error_count INTEGER NOT NULL,
    consecutive_failures INTEGER NOT NULL,
    consecutive_successes INTEGER NOT NULL,
    circuit_state TEXT NOT NULL,
    last_error TEXT,
    last_success_at INTEGER,
    last_failure_at INTEGER,
    next_check_at INTEGER NOT NULL,
    uptime_24h REAL NOT NULL,
    uptime_7d REAL NOT NULL,
    uptime_30d REAL NOT NULL,
    PRIMARY KEY (provider, model, gateway)
  ) WITHOUT ROWID;

  CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    gateway TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    response_time_ms REAL NOT NULL,
    error TEXT,
    tokens INTEGER NOT NULL,
    checked_at INTEGER NOT NULL
  );
  CREATE INDEX history_checked_at ON history (checked_at);

  CREATE TABLE aggregates (
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    gateway TEXT NOT NULL,
    hour INTEGER NOT NULL,
    checks INTEGER NOT NULL,
    successes INTEGER NOT NULL,
    passive_calls INTEGER NOT NULL,
    response_time_sum_ms REAL NOT NULL,
    p50_ms REAL,
    p95_ms REAL,
    p99_ms REAL,
    PRIMARY KEY (provider, model, gateway, hour)
  ) WITHOUT ROWID;
  CREATE INDEX aggregates_hour ON aggregates (hour);

  CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    gateway TEXT NOT NULL,
    incident_type TEXT NOT NULL,
    severity TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    resolved_at INTEGER,
    error_message TEXT,
    error_count INTEGER NOT NULL,
    affected_requests INTEGER NOT NULL,
    status TEXT NOT NULL,
    resolution_notes TEXT
  ) WITHOUT ROWID;
  CREATE INDEX incidents_status ON incidents (status, started_at);
  `,
];
