import { randomUUID } from "node:crypto";
import type { Check, CheckStatus, Target } from "../check.ts";
import { NAME_CHARS_MAX, NOTE_CHARS_MAX, SEVERITY_CHANGES_MAX } from "../limits.ts";

type IncidentType = "outage" | "timeout" | "rate_limit" | "authentication" | "unavailable";
export const SEVERITIES = ["low", "medium", "high", "critical"] as const;
type Severity = (typeof SEVERITIES)[number];
export const INCIDENT_STATUSES = ["active", "resolved", "acknowledged"] as const;

/** Consecutive successes that resolve an incident. */
export const RESOLVED_AFTER_SUCCESSES = 3;

const TYPES: Readonly<Record<Exclude<CheckStatus, "success">, IncidentType>> = {
  error: "outage",
  timeout: "timeout",
  rate_limited: "rate_limit",
  unauthorized: "authentication",
  not_found: "unavailable",
};

const SEVERITY_RULES: readonly { readonly failuresMin: number; readonly severity: Severity }[] = [
  { failuresMin: 10, severity: "critical" },
  { failuresMin: 5, severity: "high" },
  { failuresMin: 3, severity: "medium" },
  { failuresMin: 1, severity: "low" },
];

/** What an incident keeps beside the contract's columns; stored as JSON and shown as `metadata`. */
interface IncidentMetadata {
  /** Checks that failed while it was open, by status: a timeout that became a 404 shows here. */
  readonly statuses: Readonly<Record<string, number>>;
  /** When which severity was reached, oldest first. */
  readonly severity_changes: readonly { readonly severity: Severity; readonly at: string }[];
  readonly consecutive_failures: number;
  readonly acknowledged_at?: string;
  readonly acknowledged_by?: string;
  readonly resolved_by?: string;
}

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
  readonly status: (typeof INCIDENT_STATUSES)[number];
  readonly resolutionNotes: string | undefined;
  readonly metadata: IncidentMetadata;
}

export function severityOf(consecutiveFailures: number): Severity {
  return SEVERITY_RULES.find(({ failuresMin }) => consecutiveFailures >= failuresMin)?.severity ?? "low";
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
    return resolved(open, `${RESOLVED_AFTER_SUCCESSES} consecutive successes`, "monitor", check.atMs);
  }
  const severity = severityOf(consecutiveFailures);
  const affected = check.kind === "passive" ? 1 : 0;
  if (open === undefined) return opened(check, severity, consecutiveFailures, affected);
  const rises = rank(severity) > rank(open.severity);
  const { statuses, severity_changes: changes } = open.metadata;
  return {
    ...open,
    severity: rises ? severity : open.severity,
    errorMessage: check.error ?? open.errorMessage,
    errorCount: open.errorCount + 1,
    affectedRequests: open.affectedRequests + affected,
    metadata: {
      ...open.metadata,
      statuses: { ...statuses, [check.status]: (statuses[check.status] ?? 0) + 1 },
      severity_changes: rises
        ? [...changes, { severity, at: isoTime(check.atMs) }].slice(-SEVERITY_CHANGES_MAX)
        : changes,
      consecutive_failures: consecutiveFailures,
    },
  };
}

function opened(check: Check, severity: Severity, consecutiveFailures: number, affected: number): Incident {
  const { provider, model, gateway } = check;
  const status = check.status as Exclude<CheckStatus, "success">;
  return {
    id: randomUUID(),
    provider,
    model,
    gateway,
    incidentType: TYPES[status],
    severity,
    startedAtMs: check.atMs,
    resolvedAtMs: undefined,
    errorMessage: check.error,
    errorCount: 1,
    affectedRequests: affected,
    status: "active",
    resolutionNotes: undefined,
    metadata: {
      statuses: { [status]: 1 },
      severity_changes: [{ severity, at: isoTime(check.atMs) }],
      consecutive_failures: consecutiveFailures,
    },
  };
}

/** The incident as somebody who looks into it leaves it: still open, alerts about it stop. */
export function acknowledged(incident: Incident, by: string, notes: string | undefined, nowMs: number): Incident {
  return {
    ...incident,
    status: "acknowledged",
    resolutionNotes: notes?.slice(0, NOTE_CHARS_MAX) ?? incident.resolutionNotes,
    metadata: { ...incident.metadata, acknowledged_at: isoTime(nowMs), acknowledged_by: by.slice(0, NAME_CHARS_MAX) },
  };
}

/** @param by Who ended it: `monitor`, `sweep`, or a person's name. */
export function resolved(incident: Incident, notes: string, by: string, nowMs: number): Incident {
  return {
    ...incident,
    status: "resolved",
    resolvedAtMs: Math.max(nowMs, incident.startedAtMs),
    resolutionNotes: notes.slice(0, NOTE_CHARS_MAX),
    metadata: { ...incident.metadata, resolved_by: by.slice(0, NAME_CHARS_MAX) },
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function rank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
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
    metadata: incident.metadata,
  };
}
