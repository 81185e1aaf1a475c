/** Uncompressed bytes of one scrape where the configuration sets no `body_size_limit`. */
export const SCRAPE_BODY_BYTES_MAX = 64 * 1024 * 1024; // 64 MiB
/** Redirects that one scrape follows; as Go's client. */
export const SCRAPE_REDIRECTS_MAX = 10;
/** Targets of one job where the configuration sets no `target_limit`; each costs a timer and a connection. */
export const TARGETS_PER_JOB_MAX = 10_000;
/** Metric families of one target whose metadata is kept. */
export const METADATA_PER_TARGET_MAX = 10_000;
/** Dropped targets that `/api/v1/targets` lists for one job; the rest are counted. */
export const DROPPED_TARGETS_KEPT_MAX = 100;
/** Bytes of a remote write body on the wire, and after snappy. */
export const REMOTE_WRITE_BODY_BYTES_MAX = 32 * 1024 * 1024; // 32 MiB
export const REMOTE_WRITE_DECODED_BYTES_MAX = 64 * 1024 * 1024; // 64 MiB
/** Labels of one remote-written series, as a guard of the reader and not a policy. */
export const REMOTE_WRITE_LABELS_MAX = 1_024;
/** Points of one series that a range query may ask for; Prometheus' own limit and text. */
export const QUERY_POINTS_MAX = 11_000;
/** Queries that run at the same time; more wait in line. */
export const QUERIES_RUNNING_MAX = 20;
/** Queries that may wait in line; more are refused. */
export const QUERIES_WAITING_MAX = 200;
/** Wall time of one query when the client asks for no shorter one. */
export const QUERY_TIMEOUT_MS = 120_000;
/** Groups and rules of all rule files together. */
export const RULE_GROUPS_MAX = 1_000;
export const RULES_PER_GROUP_MAX = 10_000;
/** Bytes of one rule file or file discovery file. */
export const RULE_FILE_BYTES_MAX = 10 * 1024 * 1024; // 10 MiB
/** Alerts of one rule that are held at once where its group sets no `limit`. */
export const ALERTS_PER_RULE_MAX = 10_000;
/** Bytes that one expanded template may reach. */
export const TEMPLATE_OUTPUT_CHARS_MAX = 64 * 1024; // 64 Ki
