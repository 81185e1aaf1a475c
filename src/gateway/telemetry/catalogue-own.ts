import { counter, gauge } from "./metric-spec.ts";

/** Telemetry about telemetry: what its bounds cost. */
export const ownMetrics = {
  gatewayz_metric_series_limited_total: counter(
    ["metric"],
    "Samples counted under the label value `other`, because the metric has its most series.",
    "label sets past the limit",
  ),
  gatewayz_telemetry_dropped_total: counter(
    ["queue_name", "reason"],
    "Log lines, spans and health results that were lost: queue_full, refused (a 4xx answer) or closing.",
    "logs, spans, health_results",
  ),
  gatewayz_telemetry_sent_total: counter(
    ["queue_name"],
    "Entries that the peer acknowledged.",
    "logs, spans, health_results",
  ),
  gatewayz_telemetry_push_failures_total: counter(["queue_name"], "Pushes that failed.", "logs, spans, health_results"),
  gatewayz_telemetry_queue_entries_max: gauge(["queue_name"], "Limit of each queue.", "constant"),
  gatewayz_probe_requests_total: counter(
    ["provider", "model", "status"],
    "Probes of the health service; they are not in the model_inference_* metrics.",
    "probe requests",
  ),
} as const;
