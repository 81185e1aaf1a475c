import { isCheckStatus } from "./check.ts";
import type { Incident } from "./incidents.ts";
import type { CircuitState, ModelState } from "./model-state.ts";
import { isTier, TIERS } from "./tiers.ts";

/** A row as SQLite gives it. */
export type Row = Readonly<Record<string, string | number | null>>;

export const MODEL_COLUMNS = [
  "provider",
  "model",
  "gateway",
  "enabled",
  "tier",
  "priority",
  "last_status",
  "last_called_at",
  "last_response_time_ms",
  "average_response_time_ms",
  "call_count",
  "success_count",
  "error_count",
  "consecutive_failures",
  "consecutive_successes",
  "circuit_state",
  "last_error",
  "last_success_at",
  "last_failure_at",
  "next_check_at",
  "uptime_24h",
  "uptime_7d",
  "uptime_30d",
] as const;

/** Values in the order of MODEL_COLUMNS. */
export function modelValues(state: ModelState): (string | number | null)[] {
  return [
    state.provider,
    state.model,
    state.gateway,
    state.enabled ? 1 : 0,
    state.tier,
    TIERS[state.tier].priority,
    state.lastStatus ?? null,
    state.lastCalledAtMs ?? null,
    state.lastResponseTimeMs ?? null,
    state.averageResponseTimeMs ?? null,
    state.callCount,
    state.successCount,
    state.errorCount,
    state.consecutiveFailures,
    state.consecutiveSuccesses,
    state.circuitState,
    state.lastError ?? null,
    state.lastSuccessAtMs ?? null,
    state.lastFailureAtMs ?? null,
    state.nextCheckAtMs,
    state.uptime24h,
    state.uptime7d,
    state.uptime30d,
  ];
}

export function modelOf(row: Row): ModelState {
  const tier = String(row["tier"]);
  return {
    provider: String(row["provider"]),
    model: String(row["model"]),
    gateway: String(row["gateway"]),
    enabled: row["enabled"] === 1,
    tier: isTier(tier) ? tier : "on_demand",
    lastStatus: isCheckStatus(row["last_status"]) ? row["last_status"] : undefined,
    lastCalledAtMs: numberAt(row, "last_called_at"),
    lastResponseTimeMs: numberAt(row, "last_response_time_ms"),
    averageResponseTimeMs: numberAt(row, "average_response_time_ms"),
    callCount: Number(row["call_count"]),
    successCount: Number(row["success_count"]),
    errorCount: Number(row["error_count"]),
    consecutiveFailures: Number(row["consecutive_failures"]),
    consecutiveSuccesses: Number(row["consecutive_successes"]),
    circuitState: row["circuit_state"] as CircuitState,
    lastError: textAt(row, "last_error"),
    lastSuccessAtMs: numberAt(row, "last_success_at"),
    lastFailureAtMs: numberAt(row, "last_failure_at"),
    nextCheckAtMs: Number(row["next_check_at"]),
    uptime24h: Number(row["uptime_24h"]),
    uptime7d: Number(row["uptime_7d"]),
    uptime30d: Number(row["uptime_30d"]),
  };
}

export const INCIDENT_COLUMNS = [
  "id",
  "provider",
  "model",
  "gateway",
  "incident_type",
  "severity",
  "started_at",
  "resolved_at",
  "error_message",
  "error_count",
  "affected_requests",
  "status",
  "resolution_notes",
] as const;

/** Values in the order of INCIDENT_COLUMNS. */
export function incidentValues(incident: Incident): (string | number | null)[] {
  return [
    incident.id,
    incident.provider,
    incident.model,
    incident.gateway,
    incident.incidentType,
    incident.severity,
    incident.startedAtMs,
    incident.resolvedAtMs ?? null,
    incident.errorMessage ?? null,
    incident.errorCount,
    incident.affectedRequests,
    incident.status,
    incident.resolutionNotes ?? null,
  ];
}

export function incidentOf(row: Row): Incident {
  return {
    id: String(row["id"]),
    provider: String(row["provider"]),
    model: String(row["model"]),
    gateway: String(row["gateway"]),
    incidentType: row["incident_type"] as Incident["incidentType"],
    severity: row["severity"] as Incident["severity"],
    startedAtMs: Number(row["started_at"]),
    resolvedAtMs: numberAt(row, "resolved_at"),
    errorMessage: textAt(row, "error_message"),
    errorCount: Number(row["error_count"]),
    affectedRequests: Number(row["affected_requests"]),
    status: row["status"] as Incident["status"],
    resolutionNotes: textAt(row, "resolution_notes"),
  };
}

function numberAt(row: Row, column: string): number | undefined {
  const value = row[column];
  return typeof value === "number" ? value : undefined;
}

function textAt(row: Row, column: string): string | undefined {
  const value = row[column];
  return typeof value === "string" ? value : undefined;
}
