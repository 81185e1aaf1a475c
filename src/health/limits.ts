/** Models that are tracked; a catalogue with more is cut, and a warning names the number. */
export const MODELS_MAX = 5_000;
/** Rows of the check history; the oldest are removed. About 150 bytes each. */
export const HISTORY_ROWS_MAX = 100_000;
/** The history and the hourly aggregates are kept this long, which is what the longest uptime looks back. */
export const RETENTION_MS = 31 * 24 * 3_600_000;
/** Resolved incidents that are kept; the oldest are removed. */
export const RESOLVED_INCIDENTS_MAX = 10_000;
/** Results that one POST /internal/results may carry. */
export const RESULTS_PER_POST_MAX = 1_000;
/** Body of POST /internal/results. */
export const RESULTS_BODY_BYTES_MAX = 1024 * 1024; // 1 MiB
/** Names longer than this are no models of ours. */
export const NAME_CHARS_MAX = 256;
/** Error texts are cut to this. */
export const ERROR_CHARS_MAX = 500;
/** Rows of one answer with lists (models, incidents). */
export const LIST_ROWS_MAX = 500;
/** Due models that one POST /check/trigger checks (contract section 2). */
export const TRIGGER_CHECKS_MAX = 10;
/** Models probed in one batch (contract section 3a). */
export const BATCH_MODELS_MAX = 50;
/** Answers of the gateway are read up to this. */
export const ANSWER_BYTES_MAX = 8 * 1024 * 1024; // 8 MiB; a catalogue of 5,000 models is about 1 MiB
