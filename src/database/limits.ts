/** Callers that may wait for a connection of the pool; further ones are refused at once. */
export const POOL_WAITERS_MAX = 200;
/** Longest wait for a new connection to Postgres, and for a free one of the pool, ms. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** Longest that one statement may run on Postgres, ms. */
export const STATEMENT_TIMEOUT_MS = 10_000;
/** A connection that nobody used for so long is closed, ms. */
export const IDLE_TIMEOUT_MS = 30_000;
/** How long a statement waits for another process that writes to the SQLite file, ms. The event loop waits with it. */
export const BUSY_TIMEOUT_MS = 250;
/** How long a transaction waits to begin while others write to the SQLite file, ms, and how often it asks. */
export const BEGIN_TIMEOUT_MS = 10_000;
export const BEGIN_RETRY_MS = 10;
/** Between two tries to reach a lost database: the first pause, doubled up to the last, ms. */
export const RECONNECT_MS = { first: 250, last: 5_000 } as const;
