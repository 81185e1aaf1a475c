import type { Reach } from "../../runtime/outbound-guard.ts";
import type { AlertSeverity, Notification } from "./alert.ts";
import type { Channel } from "./channel.ts";
import { JsonPoster } from "./post-json.ts";

/** Our severities as Events API v2 names them. */
const SEVERITIES: Readonly<Record<AlertSeverity, "info" | "warning" | "error" | "critical">> = {
  low: "info",
  medium: "warning",
  high: "error",
  critical: "critical",
};
const SUMMARY_CHARS_MAX = 1_024;
const DEDUP_KEY_CHARS_MAX = 255;

export interface PagerDutyOptions {
  readonly url: string;
  readonly routingKey: string;
  readonly severityMin: AlertSeverity;
}

/** PagerDuty's Events API v2; an alert and its end share one key, so that the end closes what the alert opened. */
export function pagerDutyChannel(options: PagerDutyOptions, reach: Reach): Channel {
  const poster = new JsonPoster(options.url, reach);
  return {
    name: "pagerduty",
    severityMin: options.severityMin,
    send: (notification, signal) =>
      poster.post(JSON.stringify(pagerDutyEvent(notification, options.routingKey)), {}, signal),
    close: () => poster.close(),
  };
}

function pagerDutyEvent({ alert, status, atMs }: Notification, routingKey: string): object {
  const dedupKey = `gatewayz/${alert.key}`.slice(0, DEDUP_KEY_CHARS_MAX);
  const head = { routing_key: routingKey, dedup_key: dedupKey };
  if (status === "resolved") return { ...head, event_action: "resolve" };
  return {
    ...head,
    event_action: "trigger",
    payload: {
      summary: `${alert.title}: ${alert.message}`.slice(0, SUMMARY_CHARS_MAX),
      source: alert.provider ?? "gatewayz",
      severity: SEVERITIES[alert.severity],
      timestamp: new Date(atMs).toISOString(),
      component: alert.model ?? alert.provider ?? "gateway",
      group: alert.provider ?? "system",
      class: alert.type,
      custom_details: alert.details,
    },
  };
}
