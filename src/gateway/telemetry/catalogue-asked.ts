import { counter, gauge, histogram, sharedGauge } from "./metric-spec.ts";

/** Names that dashboards, rules and documents ask for and that no exporter had; each from a fact the gateway knows. */
export const askedMetrics = {
  provider_health_score: gauge(
    ["provider"],
    "Starts at 100, +2 per successful call, -5 per failed one, within 0 to 100.",
    "attempts of requests",
  ),
  gatewayz_provider_health_score: gauge(
    ["provider"],
    "0.4 availability + 0.3 (1 - error rate) + 0.3 latency score, 0 to 1; the latency score is 1 up to a p95 of 2 s and falls to 0 at 10 s.",
    "attempts of the last hour",
  ),
  gatewayz_circuit_breaker_state: gauge(
    ["provider", "state"],
    "1 for the breaker's state, 0 for the other two.",
    "event breakerMoved",
  ),
  gatewayz_cost_by_provider: sharedGauge(
    ["provider"],
    "Cost of model calls since the start in US dollars.",
    "cost of the finished request",
  ),
  api_cost_total: counter(["provider"], "Cost of model calls in US dollars.", "cost of the finished request"),
  gatewayz_token_efficiency: gauge(
    ["model"],
    "Output tokens per input token of all calls since the start.",
    "usage of finished requests",
  ),
  gatewayz_redis_operations_total: counter(
    ["operation", "status"],
    "Commands that the gateway sent to Redis; status is success or error.",
    "event redisOperation",
  ),
  gatewayz_redis_operation_duration_seconds: histogram(
    ["operation"],
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    "Time of a command to Redis.",
    "event redisOperation",
  ),
  gatewayz_redis_pool_connections: sharedGauge(
    ["state"],
    "Connections to Redis, active or idle.",
    "reading pools (redis)",
  ),
  rate_limit_rejections_total: counter(["limit_type"], "Requests refused by a limit.", "event rateLimited"),
} as const;
