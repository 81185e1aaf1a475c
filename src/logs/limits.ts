/** Limits of the logs role, under the names and with the defaults of Loki's `limits_config` where Loki has them. */

const KIB = 1024;
const MIB = 1024 * KIB;

// Ingest -------------------------------------------------------------------------------------------------------------

/** Bytes of a push body after decompression (`max_recv_msg_size`). */
export const PUSH_BYTES_MAX = 32 * MIB;
/** Bytes of one log line (`max_line_size`). */
export const LINE_BYTES_MAX = 256 * KIB;
/** Labels of one stream (`max_label_names_per_series`). */
export const LABEL_NAMES_MAX = 15;
/** Characters of a label name (`max_label_name_length`) and of a value (`max_label_value_length`). */
export const LABEL_NAME_LENGTH_MAX = 1_024;
export const LABEL_VALUE_LENGTH_MAX = 2_048;
/** Bytes and pairs of one entry's structured metadata. */
export const METADATA_BYTES_MAX = 64 * KIB - 1;
export const METADATA_PAIRS_MAX = 128;
/** Oldest entry accepted (`reject_old_samples_max_age`). */
export const ENTRY_AGE_MAX_MS = 7 * 24 * 3_600_000;
/** How far ahead of our clock an entry may be (`creation_grace_period`). */
export const ENTRY_FUTURE_MAX_MS = 10 * 60_000;
/** Streams with entries in memory (`max_global_streams_per_user`). */
export const ACTIVE_STREAMS_MAX = 10_000;

// Store --------------------------------------------------------------------------------------------------------------

/** Raw line and metadata bytes of one block: what a query decompresses at once. */
export const BLOCK_BYTES_MAX = 1 * MIB;
/** Rows of one block, so that blocks of empty lines stay small too. */
export const BLOCK_ROWS_MAX = 65_536;
/** Line and metadata bytes in memory that start a flush to a segment file. */
export const HEAD_BYTES_FLUSH = 16 * MIB;
/** Above this ingest is refused until the flush has caught up (a full disk, for one). */
export const HEAD_BYTES_MAX = 64 * MIB;
/** The oldest entry in memory starts a flush at this age. */
export const HEAD_AGE_MAX_MS = 3_600_000;
/** Blocks in all segment files, whose headers are held in memory: a few hundred bytes each. The oldest go first. */
export const BLOCKS_MAX = 200_000;
/** Decoded columns kept for the next query. */
export const CACHE_BYTES_MAX = 32 * MIB;

// Queries ------------------------------------------------------------------------------------------------------------

/** Log lines of one answer: what `limit` may ask for (`max_entries_limit_per_query`), and what it is by default. */
export const ENTRIES_MAX = 5_000;
export const ENTRIES_DEFAULT = 100;
/** Characters of lines that a log query holds while it looks for the best; half of it may be in the answer. */
export const RESULT_LENGTH_MAX = 64 * MIB;
/** Points per series of one range query. */
export const POINTS_MAX = 11_000;
/** Series of one metric query's result, and of any step on the way (`max_query_series`). */
export const SERIES_MAX = 500;
/** Time range of one query (`max_query_length`, 30 d 1 h). */
export const QUERY_LENGTH_MAX_MS = 721 * 3_600_000;
/** Decompressed bytes that one query may read (`max_query_bytes_read`). */
export const QUERY_BYTES_MAX = 4 * 1024 * MIB;
/** Unwrapped samples that one query may hold. */
export const QUERY_SAMPLES_MAX = 2_000_000;
/** After this a query is ended. */
export const QUERY_TIMEOUT_MS = 60_000;
/** Queries evaluated at once, and queries that may wait for their turn. */
export const QUERIES_RUNNING_MAX = 6;
export const QUERIES_WAITING_MAX = 128;
/** A scan gives other requests a turn after this long. */
export const SLICE_MS = 8;
