import { counter, gauge, histogram } from "./metric-spec.ts";

/** Providers and their circuit breakers. */
export const providerMetrics = {
  provider_availability: gauge(
    ["provider"],
    "1 while the provider's breaker lets requests through, else 0.",
    "event breakerMoved",
  ),
  provider_error_rate: gauge(["provider"], "Share of failed calls in the last hour, 0 to 1.", "attempts of requests"),
  provider_response_time_seconds: histogram(
    ["provider"],
    [0.1, 0.5, 1, 2.5, 5, 10],
    "Time of one call to a provider.",
    "attempts of requests",
  ),
  provider_response_duration_seconds: histogram(
    ["provider", "model", "status"],
    [0.1, 0.5, 1, 2.5, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 90, 120],
    "Time of one call to a provider, by model and result.",
    "attempts of requests",
  ),
  provider_slow_requests_total: counter(
    ["provider", "model", "severity"],
    "Calls that took 30 to 45 s (slow) or longer (very_slow).",
    "attempts of requests",
  ),
  gateway_zero_model_events_total: counter(
    ["gateway", "reason"],
    "Model lists that came empty or too small: api_empty, cache_empty, below_threshold or timeout.",
    "event catalogLoaded",
  ),
  gateway_model_count: gauge(["gateway"], "Models in the catalogue.", "event catalogLoaded"),
  gateway_fallback_activations_total: counter(
    ["primary_gateway", "fallback_source"],
    "Model lists served from elsewhere, because the provider's could not be had: cache, database or static.",
    "event catalogFallback",
  ),
  gateway_recovery_events_total: counter(
    ["gateway"],
    "Providers whose model list came again after it was empty or failing.",
    "event catalogLoaded",
  ),
  gateway_health_check_duration_seconds: histogram(
    ["gateway", "status"],
    [0.1, 0.5, 1, 2.5, 5, 10, 30],
    "Time of the health service's probes; status is healthy, unhealthy or timeout.",
    "probe requests",
  ),
  gateway_auto_fix_attempts_total: counter(
    ["gateway", "result"],
    "Model lists asked for again out of turn, because they were empty or failing; result is success or failure.",
    "event catalogRepaired",
  ),
  circuit_breaker_state_transitions_total: counter(
    ["provider", "from_state", "to_state"],
    "Moves of a breaker.",
    "event breakerMoved",
  ),
  circuit_breaker_failures_total: counter(
    ["provider", "state"],
    "Failures that a breaker counted, by its state.",
    "event breakerResult",
  ),
  circuit_breaker_successes_total: counter(
    ["provider", "state"],
    "Successes that a breaker counted, by its state.",
    "event breakerResult",
  ),
  circuit_breaker_rejected_requests_total: counter(
    ["provider"],
    "Calls that an open breaker held back.",
    "event breakerRejected",
  ),
  circuit_breaker_current_state: gauge(
    ["provider", "state"],
    "1 for the breaker's state, 0 for the other two; every known provider has all three.",
    "event breakerMoved",
  ),
} as const;
