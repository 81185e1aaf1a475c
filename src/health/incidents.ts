import { randomUUID } from "node:crypto";
import type { Check, CheckStatus, Target } from "./check.ts";

type IncidentType = "outage" | "timeout" | "rate_limit" | "authentication" | "unavailable";
export type Severity = "low" | "medium" | "high" | "critical";

/** Consecutive successes that resolve an incident. */
const RESOLVED_AFTER_SUCCESSES = 3;

const TYPES: Readonly<Record<Exclude<CheckStatus, "success">, IncidentType>> = {
  error: "outage",
  timeout: "timeout",
  rate_limited: "rate_limit",
  unauthorized: "authentication",
  not_found: "unavailable",
};

const SEVERITIES: readonly { readonly failuresMin: number; readonly severity: Severity }[] = [
  { failuresMin: 10, severity: "critical" },
  { failuresMin: 5, severity: "high" },
  { failuresMin: 3, severity: "medium" },
  { failuresMin: 1, severity: "low" },
];

/** Contract section 3b. Times are Unix ms. */
export interface Incident extends Target {
  readonly id: string;
  readonly incidentType: IncidentType;
  readonly severity: Severity;
  readonly startedAtMs: number;
  readonly resolvedAtMs: number | undefined;
  readonly errorMessage: string | undefined;
  readonly errorCount: number;
  /** Customers' calls that failed while it was active. */
  readonly affectedRequests: number;
  readonly status: "active" | "resolved" | "acknowledged";
  readonly resolutionNotes: string | undefined;
}

export function severityOf(consecutiveFailures: number): Severity {
  return SEVERITIES.find(({ failuresMin }) => consecutiveFailures >= failuresMin)?.severity ?? "low";
}

/**
 * The incident of a target after one more check, or undefined when there is none.
 * It opens on the first failure; further failures count into it and may raise its severity, never lower it; three
 * successes in a row resolve it.
 * @param open The target's open incident, if any (active or acknowledged).
 * @param consecutiveFailures, consecutiveSuccesses The model's counts with this check included.
 */
export function incidentAfterCheck(
  open: Incident | undefined,
  check: Check,
  consecutiveFailures: number,
  consecutiveSuccesses: number,
): Incident | undefined {
  if (check.status === "success") {
    if (open === undefined || consecutiveSuccesses < RESOLVED_AFTER_SUCCESSES) return open;
    const resolutionNotes = `${RESOLVED_AFTER_SUCCESSES} consecutive successes`;
    return { ...open, status: "resolved", resolvedAtMs: check.atMs, resolutionNotes };
  }
  const severity = severityOf(consecutiveFailures);
  const affected = check.kind === "passive" ? 1 : 0;
  if (open === undefined) {
    const { provider, model, gateway } = check;
    return {
      id: randomUUID(),
      provider,
      model,
      gateway,
      incidentType: TYPES[check.status],
      severity,
      startedAtMs: check.atMs,
      resolvedAtMs: undefined,
      errorMessage: check.error,
      errorCount: 1,
      affectedRequests: affected,
      status: "active",
      resolutionNotes: undefined,
    };
  }
  return {
    ...open,
    severity: rank(severity) > rank(open.severity) ? severity : open.severity,
    errorMessage: check.error ?? open.errorMessage,
    errorCount: open.errorCount + 1,
    affectedRequests: open.affectedRequests + affected,
  };
}

function rank(severity: Severity): number {
  return -SEVERITIES.findIndex((entry) => entry.severity === severity);
}

/** The fields as the contract names them. */
export function incidentJson(incident: Incident, nowMs: number): Record<string, unknown> {
  const endMs = incident.resolvedAtMs ?? nowMs;
  return {
    id: incident.id,
    provider: incident.provider,
    model: incident.model,
    gateway: incident.gateway,
    incident_type: incident.incidentType,
    severity: incident.severity,
    started_at: new Date(incident.startedAtMs).toISOString(),
    resolved_at: incident.resolvedAtMs === undefined ? null : new Date(incident.resolvedAtMs).toISOString(),
    duration_seconds: Math.max(0, Math.round((endMs - incident.startedAtMs) / 1_000)),
    error_message: incident.errorMessage ?? null,
    error_count: incident.errorCount,
    affected_requests: incident.affectedRequests,
    status: incident.status,
    resolution_notes: incident.resolutionNotes ?? null,
    metadata: {},
  };
}
