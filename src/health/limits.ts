/** Models that are tracked; a catalogue with more is cut, and a warning names the number. */
export const MODELS_MAX = 5_000;
/** Those among them that no catalogue lists, so that a server which answers to any name leaves room for the others. */
export const UNLISTED_MODELS_MAX = 500;
/** Rows of the check history; the oldest are removed. About 150 bytes each. */
export const HISTORY_ROWS_MAX = 100_000;
/** The history and the hourly aggregates are kept this long, which is what the longest uptime looks back. */
export const RETENTION_MS = 31 * 24 * 3_600_000;
/** Aggregates of days are kept this long. */
export const DAYS_RETENTION_MS = 400 * 24 * 3_600_000;
/** Aggregates of weeks and months are kept this long. */
export const WEEKS_RETENTION_MS = 3 * 366 * 24 * 3_600_000;
/** A model that no catalogue has listed for so long is forgotten. */
export const UNLISTED_RETENTION_MS = 31 * 24 * 3_600_000;
/** Resolved incidents that are kept; the oldest are removed. */
export const RESOLVED_INCIDENTS_MAX = 10_000;
/** Results that one POST /internal/results may carry. */
export const RESULTS_PER_POST_MAX = 1_000;
/** Body of POST /internal/results. */
export const RESULTS_BODY_BYTES_MAX = 1024 * 1024; // 1 MiB
/** Body of every other POST. */
export const BODY_BYTES_MAX = 64 * 1024; // 64 KiB
/** Names longer than this are no models of ours. */
export const NAME_CHARS_MAX = 256;
/** Error texts are cut to this. */
export const ERROR_CHARS_MAX = 500;
/** Notes on incidents and reasons of maintenance windows are cut to this. */
export const NOTE_CHARS_MAX = 1_000;
/** Changes of severity that an incident remembers; it can rise three times, and again after each reopening. */
export const SEVERITY_CHANGES_MAX = 10;
/** Rows of one answer with lists (models, incidents). */
export const LIST_ROWS_MAX = 1_000;
/** Due models that one POST /check/trigger checks (contract section 2). */
export const TRIGGER_CHECKS_MAX = 10;
/** Models probed in one batch (contract section 3a). */
export const BATCH_MODELS_MAX = 50;
/** Answers of the gateway are read up to this. */
export const ANSWER_BYTES_MAX = 8 * 1024 * 1024; // 8 MiB; a catalogue of 5,000 models is about 1 MiB
/** Maintenance windows that are open or ahead. */
export const MAINTENANCE_WINDOWS_MAX = 200;
/** The longest maintenance window; what is off for longer belongs out of the catalogue. */
export const MAINTENANCE_MS_MAX = 30 * 24 * 3_600_000;
/** Alerts that are kept as firing or remembered for their cooldown. */
export const ALERTS_MAX = 1_000;
/** New alerts of one evaluation; a breakdown of everything is told by its first ones. */
export const ALERTS_PER_ROUND_MAX = 20;
/** Notifications that wait for one channel; the oldest are dropped. */
export const CHANNEL_QUEUE_MAX = 100;
