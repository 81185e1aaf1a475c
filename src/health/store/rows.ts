import { isCheckStatus } from "../check.ts";
import type { Incident } from "../incidents/incidents.ts";
import type { CircuitState, ModelState } from "../model-state.ts";
import { isTier, TIERS } from "../probes/tiers.ts";
import type { IncidentRow, ModelRow } from "./tables.ts";

/** Every column that a later write replaces. */
export const MODEL_COLUMNS = [
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
  "hard_failures",
  "circuit_state",
  "last_error",
  "last_success_at",
  "last_failure_at",
  "next_check_at",
  "uptime_24h",
  "uptime_7d",
  "uptime_30d",
] as const satisfies readonly (keyof ModelRow)[];
export type ModelColumn = (typeof MODEL_COLUMNS)[number];

export function modelRow(state: ModelState): ModelRow {
  return {
    provider: state.provider,
    model: state.model,
    gateway: state.gateway,
    enabled: state.enabled ? 1 : 0,
    tier: state.tier,
    priority: TIERS[state.tier].priority,
    last_status: state.lastStatus ?? null,
    last_called_at: state.lastCalledAtMs ?? null,
    last_response_time_ms: state.lastResponseTimeMs ?? null,
    average_response_time_ms: state.averageResponseTimeMs ?? null,
    call_count: state.callCount,
    success_count: state.successCount,
    error_count: state.errorCount,
    consecutive_failures: state.consecutiveFailures,
    consecutive_successes: state.consecutiveSuccesses,
    hard_failures: state.hardFailures,
    circuit_state: state.circuitState,
    last_error: state.lastError ?? null,
    last_success_at: state.lastSuccessAtMs ?? null,
    last_failure_at: state.lastFailureAtMs ?? null,
    next_check_at: Math.round(state.nextCheckAtMs),
    uptime_24h: state.uptime24h,
    uptime_7d: state.uptime7d,
    uptime_30d: state.uptime30d,
  };
}

export function modelOf(row: ModelRow): ModelState {
  return {
    provider: row.provider,
    model: row.model,
    gateway: row.gateway,
    enabled: row.enabled === 1,
    tier: isTier(row.tier) ? row.tier : "on_demand",
    lastStatus: isCheckStatus(row.last_status) ? row.last_status : undefined,
    lastCalledAtMs: row.last_called_at ?? undefined,
    lastResponseTimeMs: row.last_response_time_ms ?? undefined,
    averageResponseTimeMs: row.average_response_time_ms ?? undefined,
    callCount: row.call_count,
    successCount: row.success_count,
    errorCount: row.error_count,
    consecutiveFailures: row.consecutive_failures,
    consecutiveSuccesses: row.consecutive_successes,
    hardFailures: row.hard_failures,
    circuitState: row.circuit_state as CircuitState,
    lastError: row.last_error ?? undefined,
    lastSuccessAtMs: row.last_success_at ?? undefined,
    lastFailureAtMs: row.last_failure_at ?? undefined,
    nextCheckAtMs: row.next_check_at,
    uptime24h: row.uptime_24h,
    uptime7d: row.uptime_7d,
    uptime30d: row.uptime_30d,
  };
}

export function incidentRow(incident: Incident): IncidentRow {
  return {
    id: incident.id,
    provider: incident.provider,
    model: incident.model,
    gateway: incident.gateway,
    incident_type: incident.incidentType,
    severity: incident.severity,
    started_at: incident.startedAtMs,
    resolved_at: incident.resolvedAtMs ?? null,
    error_message: incident.errorMessage ?? null,
    error_count: incident.errorCount,
    affected_requests: incident.affectedRequests,
    status: incident.status,
    resolution_notes: incident.resolutionNotes ?? null,
    metadata: JSON.stringify(incident.metadata),
  };
}

export function incidentOf(row: IncidentRow): Incident {
  return {
    id: row.id,
    provider: row.provider,
    model: row.model,
    gateway: row.gateway,
    incidentType: row.incident_type as Incident["incidentType"],
    severity: row.severity as Incident["severity"],
    startedAtMs: row.started_at,
    resolvedAtMs: row.resolved_at ?? undefined,
    errorMessage: row.error_message ?? undefined,
    errorCount: row.error_count,
    affectedRequests: row.affected_requests,
    status: row.status as Incident["status"],
    resolutionNotes: row.resolution_notes ?? undefined,
    metadata: JSON.parse(row.metadata) as Incident["metadata"],
  };
}
