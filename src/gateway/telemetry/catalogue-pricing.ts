import { counter, gauge, highestGauge, histogram } from "./metric-spec.ts";

const SYNC = "event priceSync";

/** Refreshes of the price list and the checks of prices. */
export const pricingMetrics = {
  pricing_sync_duration_seconds: histogram(
    ["provider", "status"],
    [1, 5, 10, 20, 30, 45, 60, 90, 120, 180],
    "Time of a refresh of one provider's prices.",
    SYNC,
  ),
  pricing_sync_total: counter(["provider", "status", "triggered_by"], "Refreshes of prices.", SYNC),
  pricing_sync_models_updated_total: counter(["provider"], "Models whose price was taken over.", SYNC),
  pricing_sync_models_skipped_total: counter(["provider", "reason"], "Models whose price was not taken over.", SYNC),
  pricing_sync_errors_total: counter(["provider", "error_type"], "Errors of refreshes.", SYNC),
  pricing_sync_last_success_timestamp: gauge(["provider"], "Unix time of the newest success, seconds.", SYNC),
  pricing_sync_job_duration_seconds: histogram(
    ["status"],
    [1, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300],
    "Time of a whole refresh.",
    "event priceSyncJob",
  ),
  pricing_sync_job_queue_size: gauge(["status"], "Refreshes that wait and run.", "event priceSyncQueue"),
  pricing_sync_models_fetched_total: counter(["provider"], "Models in fetched lists.", SYNC),
  pricing_sync_price_changes_total: counter(["provider"], "Prices that changed.", SYNC),
  pricing_validation_total: counter(["model"], "Checks of a model's price before it is used.", "event priceValidated"),
  pricing_validation_failures: counter(
    ["model", "reason"],
    "Checks that refused a price, or found none (reason missing_price).",
    "event priceValidated",
  ),
  pricing_spike_detected_total: counter(
    ["model", "price_type"],
    "Prices that a refresh changed by more than the bound.",
    "event priceSpike",
  ),
  pricing_bounds_violations_total: counter(
    ["model", "violation_type"],
    "Prices outside what is plausible.",
    "event priceOutOfBounds",
  ),
  pricing_staleness_hours: gauge([], "Age of the price list.", "event priceHealth"),
  models_using_default_pricing: highestGauge(
    [],
    "Models seen since the start that have no known price.",
    "cost of the finished request",
  ),
  pricing_health_status: gauge([], "1 while the price list is fresh and valid.", "event priceHealth"),
} as const;
