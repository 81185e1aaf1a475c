/** Contract section 3b, and the threshold alert on the whole system. */
export type AlertType =
  | "provider_down"
  | "provider_degraded"
  | "critical_model_down"
  | "model_degraded"
  | "high_error_rate"
  | "slow_response"
  | "circuit_breaker_open"
  | "system_health";

/** The least severe first. */
export const ALERT_SEVERITIES = ["low", "medium", "high", "critical"] as const;
export type AlertSeverity = (typeof ALERT_SEVERITIES)[number];

/** Something that is wrong now. */
export interface Alert {
  /** The same for the same trouble: type, provider and model. */
  readonly key: string;
  readonly type: AlertType;
  readonly severity: AlertSeverity;
  readonly title: string;
  readonly message: string;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  /** Further facts, by name. */
  readonly details: Readonly<Record<string, string | number>>;
}

/** What a channel is to tell: that it began (or goes on), or that it is over. */
export interface Notification {
  readonly alert: Alert;
  readonly status: "firing" | "resolved";
  /** Unix ms at which it began. */
  readonly firedAtMs: number;
  /** Unix ms of this notification. */
  readonly atMs: number;
}

export function alertKey(type: AlertType, provider?: string, model?: string): string {
  return [type, provider ?? "", model ?? ""].join("/");
}

export function rankOf(severity: AlertSeverity): number {
  return ALERT_SEVERITIES.indexOf(severity);
}

/** The body of a webhook, and an entry of `GET /alerts`. */
export function notificationJson({ alert, status, firedAtMs, atMs }: Notification): Record<string, unknown> {
  return {
    key: alert.key,
    status,
    type: alert.type,
    severity: alert.severity,
    title: alert.title,
    message: alert.message,
    provider: alert.provider ?? null,
    model: alert.model ?? null,
    details: alert.details,
    fired_at: new Date(firedAtMs).toISOString(),
    timestamp: new Date(atMs).toISOString(),
  };
}
