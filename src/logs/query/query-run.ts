import { setImmediate as nextTurn } from "node:timers/promises";
import { QUERY_BYTES_MAX, QUERY_SAMPLES_MAX, SLICE_MS } from "../limits.ts";
import { QueryError } from "./query-error.ts";

/** Rows between two looks at the clock. */
const ROWS_PER_CLOCK = 512;

/** What a query has read and how long it may go on; one per query. */
export class QueryRun {
  readonly startedAt = performance.now();
  readonly #signal: AbortSignal;
  #sliceStartedAt = performance.now();
  #rowsUntilClock = ROWS_PER_CLOCK;
  #samples = 0;
  /** Statistics for the answer. */
  blocks = 0;
  blocksSkipped = 0;
  bytes = 0;
  lines = 0;
  linesMatched = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** @throws QueryError when the query has read more than it may. */
  addBlock(bytes: number, lines: number): void {
    this.blocks++;
    this.bytes += bytes;
    this.lines += lines;
    if (this.bytes <= QUERY_BYTES_MAX) return;
    throw new QueryError(
      400,
      `the query would read too many bytes (query: ${mebibytes(this.bytes)}, limit: ${mebibytes(QUERY_BYTES_MAX)}); consider adding more specific stream selectors or reduce the time range of the query`,
      "max_query_bytes_read",
    );
  }

  /** @throws QueryError when more unwrapped samples than allowed are held. */
  addSample(): void {
    if (++this.#samples <= QUERY_SAMPLES_MAX) return;
    throw new QueryError(
      400,
      `the query unwraps too many samples (limit: ${QUERY_SAMPLES_MAX}); reduce the time range or filter more lines`,
      "max_query_samples",
    );
  }

  /** Call per row. True when it is time to `pause`. */
  due(): boolean {
    if (--this.#rowsUntilClock > 0) return false;
    this.#rowsUntilClock = ROWS_PER_CLOCK;
    return performance.now() - this.#sliceStartedAt > SLICE_MS;
  }

  /** Lets other requests run. @throws QueryError when the query was cancelled or timed out. */
  async pause(): Promise<void> {
    this.check();
    await nextTurn();
    this.check();
    this.#sliceStartedAt = performance.now();
  }

  check(): void {
    if (!this.#signal.aborted) return;
    const timedOut = (this.#signal.reason as Error | undefined)?.name === "TimeoutError";
    throw timedOut
      ? new QueryError(504, "context deadline exceeded", "query_timeout")
      : new QueryError(499, "context canceled");
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)}MiB`;
}
