/** Longest text of a model, provider, tag or end user that is kept, characters. */
export const TEXT_CHARS_MAX = 200;
/** Tags of one request that are counted. */
export const TAGS_MAX = 16;
/** Bytes of the log past which nothing more is written to it, such as while the database is away for hours. */
export const WAL_BYTES_MAX = 256 * 1024 * 1024; // 256 MiB, about a million requests
/** A current segment larger than this is ended after a roll-up, so that it can be deleted. */
export const SEGMENT_ROTATE_BYTES = 1024 * 1024; // 1 MiB
/** Rows that wait for the roll-up, per kind of row; past it end users and tags become `(other)`. */
export const PENDING_ROWS_MAX = 50_000;
/** Rows of one SQL statement: about a millisecond of the thread on SQLite. */
export const STATEMENT_ROWS_MAX = 50;
/** Between two tries to roll up: the first pause, doubled up to the last, ms. */
export const RETRY_MS = { first: 500, last: 30_000 } as const;
/** How often old rows are deleted, ms. */
export const PRUNE_INTERVAL_MS = 3_600_000;
