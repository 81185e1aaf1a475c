import type { Generated, Transaction } from "kysely";
import type { DatabaseKind, Migration } from "../../database/migrations.ts";

/** A target's columns, in every table that is kept by it. */
interface TargetColumns {
  provider: string;
  model: string;
  gateway: string;
}

export interface ModelRow extends TargetColumns {
  enabled: number;
  tier: string;
  priority: number;
  last_status: string | null;
  last_called_at: number | null;
  last_response_time_ms: number | null;
  average_response_time_ms: number | null;
  call_count: number;
  success_count: number;
  error_count: number;
  consecutive_failures: number;
  consecutive_successes: number;
  hard_failures: number;
  circuit_state: string;
  last_error: string | null;
  last_success_at: number | null;
  last_failure_at: number | null;
  next_check_at: number;
  uptime_24h: number;
  uptime_7d: number;
  uptime_30d: number;
}

export interface IncidentRow extends TargetColumns {
  id: string;
  incident_type: string;
  severity: string;
  started_at: number;
  resolved_at: number | null;
  error_message: string | null;
  error_count: number;
  affected_requests: number;
  status: string;
  resolution_notes: string | null;
  metadata: string;
}

/** Calls and checks of one target in one period; `period_start` is Unix ms in UTC. */
export interface AggregateRow extends TargetColumns {
  period: string;
  period_start: number;
  checks: number;
  successes: number;
  passive_calls: number;
  tokens: number;
  response_time_sum_ms: number;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
}

interface HistoryRow extends TargetColumns {
  id: Generated<number>;
  kind: string;
  status: string;
  response_time_ms: number;
  error: string | null;
  tokens: number;
  checked_at: number;
}

interface MaintenanceRow {
  id: string;
  /** Null: whatever provider, gateway or model. */
  provider: string | null;
  model: string | null;
  gateway: string | null;
  starts_at: number;
  ends_at: number;
  reason: string;
}

/** One alert by its key; kept over restarts, so that a cooldown holds and an end is told. */
export interface AlertRow {
  key: string;
  type: string;
  severity: string;
  firing: number;
  fired_at: number;
  last_sent_at: number;
  /** The alert as it was sent last, JSON. */
  body: string;
}

interface LockRow {
  name: string;
  owner: string;
  expires_at: number;
}

export interface HealthTables {
  health_models: ModelRow;
  health_history: HistoryRow;
  health_aggregates: AggregateRow;
  health_incidents: IncidentRow;
  health_maintenance: MaintenanceRow;
  health_alerts: AlertRow;
  health_locks: LockRow;
}

/** The component's name in the database's list of schemas. */
export const COMPONENT = "health";

/** One entry per version. Only ever append. */
export const MIGRATIONS: readonly Migration[] = [version1];

async function version1(db: Transaction<unknown>, kind: DatabaseKind): Promise<void> {
  await createModels(db);
  await createHistory(db, kind);
  await createIncidents(db);
  await db.schema
    .createTable("health_maintenance")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("provider", "text")
    .addColumn("model", "text")
    .addColumn("gateway", "text")
    .addColumn("starts_at", "bigint", (column) => column.notNull())
    .addColumn("ends_at", "bigint", (column) => column.notNull())
    .addColumn("reason", "text", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("health_alerts")
    .addColumn("key", "text", (column) => column.primaryKey())
    .addColumn("type", "text", (column) => column.notNull())
    .addColumn("severity", "text", (column) => column.notNull())
    .addColumn("firing", "integer", (column) => column.notNull())
    .addColumn("fired_at", "bigint", (column) => column.notNull())
    .addColumn("last_sent_at", "bigint", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("health_locks")
    .addColumn("name", "text", (column) => column.primaryKey())
    .addColumn("owner", "text", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .execute();
}

async function createModels(db: Transaction<unknown>): Promise<void> {
  await db.schema
    .createTable("health_models")
    .addColumn("provider", "text", (column) => column.notNull())
    .addColumn("model", "text", (column) => column.notNull())
    .addColumn("gateway", "text", (column) => column.notNull())
    .addColumn("enabled", "integer", (column) => column.notNull())
    .addColumn("tier", "text", (column) => column.notNull())
    .addColumn("priority", "integer", (column) => column.notNull())
    .addColumn("last_status", "text")
    .addColumn("last_called_at", "bigint")
    .addColumn("last_response_time_ms", "double precision")
    .addColumn("average_response_time_ms", "double precision")
    .addColumn("call_count", "bigint", (column) => column.notNull())
    .addColumn("success_count", "bigint", (column) => column.notNull())
    .addColumn("error_count", "bigint", (column) => column.notNull())
    .addColumn("consecutive_failures", "integer", (column) => column.notNull())
    .addColumn("consecutive_successes", "integer", (column) => column.notNull())
    .addColumn("hard_failures", "integer", (column) => column.notNull())
    .addColumn("circuit_state", "text", (column) => column.notNull())
    .addColumn("last_error", "text")
    .addColumn("last_success_at", "bigint")
    .addColumn("last_failure_at", "bigint")
    .addColumn("next_check_at", "bigint", (column) => column.notNull())
    .addColumn("uptime_24h", "double precision", (column) => column.notNull())
    .addColumn("uptime_7d", "double precision", (column) => column.notNull())
    .addColumn("uptime_30d", "double precision", (column) => column.notNull())
    .addPrimaryKeyConstraint("health_models_key", ["provider", "model", "gateway"])
    .execute();
}

async function createHistory(db: Transaction<unknown>, kind: DatabaseKind): Promise<void> {
  await db.schema
    .createTable("health_history")
    .addColumn("id", kind === "postgres" ? "bigserial" : "integer", (column) => column.primaryKey())
    .addColumn("provider", "text", (column) => column.notNull())
    .addColumn("model", "text", (column) => column.notNull())
    .addColumn("gateway", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("status", "text", (column) => column.notNull())
    .addColumn("response_time_ms", "double precision", (column) => column.notNull())
    .addColumn("error", "text")
    .addColumn("tokens", "bigint", (column) => column.notNull())
    .addColumn("checked_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("health_history_time").on("health_history").column("checked_at").execute();
  await db.schema.createIndex("health_history_model").on("health_history").columns(["model", "checked_at"]).execute();
  await db.schema
    .createTable("health_aggregates")
    .addColumn("provider", "text", (column) => column.notNull())
    .addColumn("model", "text", (column) => column.notNull())
    .addColumn("gateway", "text", (column) => column.notNull())
    .addColumn("period", "text", (column) => column.notNull())
    .addColumn("period_start", "bigint", (column) => column.notNull())
    .addColumn("checks", "bigint", (column) => column.notNull())
    .addColumn("successes", "bigint", (column) => column.notNull())
    .addColumn("passive_calls", "bigint", (column) => column.notNull())
    .addColumn("tokens", "bigint", (column) => column.notNull())
    .addColumn("response_time_sum_ms", "double precision", (column) => column.notNull())
    .addColumn("p50_ms", "double precision")
    .addColumn("p95_ms", "double precision")
    .addColumn("p99_ms", "double precision")
    .addPrimaryKeyConstraint("health_aggregates_key", ["period", "period_start", "provider", "model", "gateway"])
    .execute();
}

async function createIncidents(db: Transaction<unknown>): Promise<void> {
  await db.schema
    .createTable("health_incidents")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("provider", "text", (column) => column.notNull())
    .addColumn("model", "text", (column) => column.notNull())
    .addColumn("gateway", "text", (column) => column.notNull())
    .addColumn("incident_type", "text", (column) => column.notNull())
    .addColumn("severity", "text", (column) => column.notNull())
    .addColumn("started_at", "bigint", (column) => column.notNull())
    .addColumn("resolved_at", "bigint")
    .addColumn("error_message", "text")
    .addColumn("error_count", "bigint", (column) => column.notNull())
    .addColumn("affected_requests", "bigint", (column) => column.notNull())
    .addColumn("status", "text", (column) => column.notNull())
    .addColumn("resolution_notes", "text")
    .addColumn("metadata", "text", (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex("health_incidents_status")
    .on("health_incidents")
    .columns(["status", "started_at"])
    .execute();
  // At most one open incident per target, whoever writes.
  const { sql } = await import("kysely");
  await sql`create unique index health_incidents_open on health_incidents (provider, model, gateway)
    where status <> 'resolved'`.execute(db);
}
