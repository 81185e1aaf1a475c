import { counter, gauge, histogram, off } from "./metric-spec.ts";

const NO_SYNC = off("prices come with the release and from the configuration; nothing synchronises them");

/** Price synchronisation and validation. */
export const pricingMetrics = {
  pricing_sync_duration_seconds: histogram(
    ["provider", "status"],
    [1, 5, 10, 20, 30, 45, 60, 90, 120, 180],
    "Time of a price synchronisation.",
    NO_SYNC,
  ),
  pricing_sync_total: counter(["provider", "status", "triggered_by"], "Price synchronisations.", NO_SYNC),
  pricing_sync_models_updated_total: counter(["provider"], "Models whose price was updated.", NO_SYNC),
  pricing_sync_models_skipped_total: counter(["provider", "reason"], "Models skipped.", NO_SYNC),
  pricing_sync_errors_total: counter(["provider", "error_type"], "Synchronisation errors.", NO_SYNC),
  pricing_sync_last_success_timestamp: gauge(["provider"], "Unix time of the newest success.", NO_SYNC),
  pricing_sync_job_duration_seconds: histogram(
    ["status"],
    [1, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300],
    "Time of a synchronisation job.",
    NO_SYNC,
  ),
  pricing_sync_job_queue_size: gauge(["status"], "Synchronisation jobs.", NO_SYNC),
  pricing_sync_models_fetched_total: counter(["provider"], "Models fetched.", NO_SYNC),
  pricing_sync_price_changes_total: counter(["provider"], "Prices that changed.", NO_SYNC),
  pricing_validation_total: counter(["model"], "Price lookups of finished calls.", "event priceLookup"),
  pricing_validation_failures: counter(
    ["model", "reason"],
    "Price lookups that found no price (reason missing_price).",
    "event priceLookup",
  ),
  pricing_spike_detected_total: counter(["model", "price_type"], "Sudden price changes.", NO_SYNC),
  pricing_bounds_violations_total: counter(["model", "violation_type"], "Prices out of bounds.", NO_SYNC),
  pricing_staleness_hours: gauge([], "Age of the prices.", NO_SYNC),
  models_using_default_pricing: gauge([], "Models seen since the start that have no known price.", "event priceLookup"),
  pricing_health_status: gauge([], "1 when prices are healthy.", NO_SYNC),
} as const;
