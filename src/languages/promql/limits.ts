/** Prometheus' defaults of `query.lookback-delta`, `query.max-samples`, `query.timeout` and the evaluation interval. */
export const LOOKBACK_DELTA_MS = 300_000;
export const SAMPLES_MAX = 50_000_000;
export const QUERY_TIMEOUT_MS = 120_000;
export const SUBQUERY_STEP_MS = 60_000;

/** Longest time an evaluation keeps the event loop for itself. */
export const SLICE_MS = 12;
