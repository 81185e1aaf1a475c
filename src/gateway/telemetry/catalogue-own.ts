import { counter, gauge, histogram, sharedGauge } from "./metric-spec.ts";

/** Names of our own: routing beyond the interface, and telemetry about telemetry. */
export const ownMetrics = {
  gatewayz_failovers_total: counter(
    ["primary", "fallback"],
    "Requests that went on with another provider than the first choice.",
    "event fallbackActivated",
  ),
  gatewayz_request_retries_total: counter(
    ["provider", "reason"],
    "Calls made again at the same provider.",
    "event attemptRetried",
  ),
  gatewayz_attempts_skipped_total: counter(
    ["provider", "reason"],
    "Providers passed over without a call.",
    "attempts of requests",
  ),
  gatewayz_hedged_requests_total: counter(
    ["provider", "result"],
    "Second calls started because the first was late.",
    "event hedged",
  ),
  gatewayz_provider_key_cooldowns_total: counter(
    ["provider"],
    "Times a key of a provider was put to rest.",
    "event keyCooledDown",
  ),
  gatewayz_availability_breaker_transitions_total: counter(
    ["provider", "from_state", "to_state"],
    "Moves of the breakers of single models.",
    "event availabilityMoved",
  ),
  gatewayz_usage_interrupted_total: counter(
    ["provider"],
    "Requests in flight at a crash, settled from their logged reservation.",
    "event usageInterrupted",
  ),
  gatewayz_spend_warnings_total: counter(["period"], "Keys that came near their budget.", "event spendWarning"),
  gatewayz_failed_open_total: counter(
    ["part"],
    "Times a shared store did not answer and this process's own memory was used.",
    "event failedOpen",
  ),
  gatewayz_database_query_errors_total: counter(
    ["table", "error_type"],
    "Database queries that failed.",
    "event databaseQuery",
  ),
  gatewayz_cache_evictions_total: counter(["cache_name", "reason"], "Entries that left a cache.", "event cacheEvicted"),
  gatewayz_hook_runs_total: counter(["hook", "phase", "result"], "Runs of hooks.", "event hookRan"),
  gatewayz_hook_duration_seconds: histogram(
    ["hook", "phase"],
    [0.0001, 0.001, 0.01, 0.1, 1, 10],
    "Time of a hook.",
    "event hookRan",
  ),
  gatewayz_config_reloads_total: counter(
    ["result"],
    "Times the configuration file was read again: applied, rejected or unchanged.",
    "event configReloaded",
  ),
  gatewayz_config_reload_success: gauge(
    [],
    "1 when the configuration file could be used the last time it was read, else 0.",
    "event configRead",
  ),
  gatewayz_config_last_reload_success_timestamp_seconds: gauge(
    [],
    "Unix time at which the configuration file was last read and could be used.",
    "event configRead",
  ),
  gatewayz_workers: gauge([], "Worker processes that answer clients, where there are several.", "event workersChanged"),
  gatewayz_metric_series_limited_total: counter(
    ["metric"],
    "Samples counted under the label value `other`, because the metric has its most series or the model is not known.",
    "label sets past the limit",
  ),
  gatewayz_traces_sampled_total: counter(
    ["decision"],
    "Traces by what became of them: kept_error, kept_slow, kept_fallback, kept, or dropped.",
    "request finished",
  ),
  gatewayz_telemetry_dropped_total: counter(
    ["queue_name", "reason"],
    "Log lines, requests' spans and health results that were lost: queue_full, refused (a 4xx answer) or closing.",
    "logs, spans, health_results",
  ),
  gatewayz_telemetry_sent_total: counter(
    ["queue_name"],
    "Entries that the peer acknowledged.",
    "logs, spans, health_results",
  ),
  gatewayz_telemetry_push_failures_total: counter(["queue_name"], "Pushes that failed.", "logs, spans, health_results"),
  gatewayz_telemetry_queue_entries_max: sharedGauge(["queue_name"], "Limit of each queue.", "constant"),
  gatewayz_probe_requests_total: counter(
    ["provider", "model", "status"],
    "Probes of the health service; they are not in the model_inference_* metrics.",
    "probe requests",
  ),
} as const;
