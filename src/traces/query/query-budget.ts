import { HttpError } from "../../runtime/http-error.ts";

/** A query that takes longer is ended; Tempo's default for search is the same. */
const QUERY_TIMEOUT_MS = 30_000;

/** Lets a long query breathe and end: other requests are served between blocks, and nobody computes for a client that left. */
export class QueryBudget {
  readonly #signal: AbortSignal | undefined;
  readonly #deadline = performance.now() + QUERY_TIMEOUT_MS;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** Gives the event loop a turn. @throws HttpError 499 where the client has left, 504 past the time limit. */
  async pause(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (this.#signal?.aborted === true) throw new HttpError(499, "context canceled");
    if (performance.now() > this.#deadline) {
      throw new HttpError(504, `query exceeded its limit of ${QUERY_TIMEOUT_MS / 1_000} s; narrow the time range`);
    }
  }
}
