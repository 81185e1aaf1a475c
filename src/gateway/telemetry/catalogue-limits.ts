import { counter, gauge, highestGauge, histogram, sharedGauge } from "./metric-spec.ts";

/** The concurrency gate, rate limits and velocity mode. */
export const limitMetrics = {
  concurrency_active_requests: sharedGauge(
    [],
    "Requests that hold a place in the concurrency gate.",
    "event concurrencyChanged",
  ),
  concurrency_queued_requests: sharedGauge([], "Requests that wait for a place.", "event concurrencyChanged"),
  concurrency_rejected_total: counter(["reason"], "Requests refused by the gate.", "event concurrencyRejected"),
  rate_limited_requests_total: counter(["limit_type"], "Requests refused by a limit.", "event rateLimited"),
  current_rate_limit: gauge(
    ["limit_type"],
    "Requests that one key may send: request_rate per minute, daily_quota per day.",
    "reading limits",
  ),
  bot_traces_dropped_total: counter(
    ["reason"],
    "Traces of scanners that were not exported: scanner_route, bot_user_agent, unauth_4xx_flood or unauth_429_spam.",
    "request finished",
  ),
  velocity_mode_active: highestGauge([], "1 while velocity mode lowers all limits.", "event velocityModeChanged"),
  velocity_mode_activations_total: counter([], "Times velocity mode began.", "event velocityModeChanged"),
  velocity_mode_duration_seconds: histogram(
    [],
    [10, 30, 60, 120, 180, 300, 600],
    "How long velocity mode lasted.",
    "event velocityModeChanged",
  ),
  velocity_mode_error_rate: gauge([], "Error share that set velocity mode off, 0 to 1.", "event velocityModeChanged"),
  velocity_mode_trigger_request_count: gauge(
    [],
    "Requests in the window that set velocity mode off.",
    "event velocityModeChanged",
  ),
  velocity_mode_trigger_error_count: gauge(
    [],
    "Errors in the window that set velocity mode off.",
    "event velocityModeChanged",
  ),
} as const;
