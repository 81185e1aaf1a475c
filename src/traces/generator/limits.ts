/** Most series that the generator keeps; new label sets beyond are dropped and counted, as Tempo's max_active_series. */
export const ACTIVE_SERIES_MAX = 40_000;
/** A series that nothing was added to for this long ends, as Tempo's stale_duration. */
export const STALE_AFTER_MS = 15 * 60 * 1000;
/** How often series are sent. */
export const COLLECTION_INTERVAL_MS = 5_000;
/** Longest label value; attributes can be anything a client sends. */
export const LABEL_VALUE_LENGTH_MAX = 256;
/** Client spans that wait for their server span, and server spans for their client. */
export const PENDING_EDGES_MAX = 10_000;
/** How long they wait, as Tempo's service_graphs.wait. */
export const EDGE_WAIT_MS = 10_000;
/** Series of one remote-write request. */
export const SERIES_PER_REQUEST_MAX = 2_000;
/** Requests that wait while metrics does not answer; the oldest goes first, as newer samples say more. */
export const QUEUED_REQUESTS_MAX = 60;
export const WRITE_TIMEOUT_MS = 10_000;
export const RETRY_MIN_MS = 1_000;
export const RETRY_MAX_MS = 30_000;
/** Spans that ended longer ago than this change nothing any more, as Tempo's metrics_ingestion_time_range_slack. */
export const SPAN_AGE_MAX_MS = 10 * 60 * 1000;
