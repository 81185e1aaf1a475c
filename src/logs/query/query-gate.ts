import { QUERIES_RUNNING_MAX, QUERIES_WAITING_MAX, QUERY_TIMEOUT_MS } from "../limits.ts";
import type { LogMetrics } from "../metrics.ts";
import { QueryError } from "./query-error.ts";
import { QueryRun } from "./query-run.ts";

/** Lets a few queries run at once and a bounded number wait; the rest is refused. */
export class QueryGate {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(metrics: LogMetrics) {
    metrics.gauge(
      "gatewayz_logs_queries_running",
      `Queries evaluated now; the limit is ${QUERIES_RUNNING_MAX}.`,
      () => this.#running,
    );
    metrics.gauge(
      "gatewayz_logs_queries_waiting",
      `Queries waiting; the limit is ${QUERIES_WAITING_MAX}.`,
      () => this.#waiting.length,
    );
  }

  /**
   * Runs a query when it is its turn, under the time limit.
   * @param cancel Aborted when the client has gone.
   * @throws QueryError 429 when too many wait already.
   */
  async run<T>(cancel: AbortSignal, query: (run: QueryRun) => Promise<T>): Promise<T> {
    const signal = AbortSignal.any([cancel, AbortSignal.timeout(QUERY_TIMEOUT_MS)]);
    await this.#enter();
    try {
      const run = new QueryRun(signal);
      run.check();
      return await query(run);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next(); // the place passes on
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < QUERIES_RUNNING_MAX) this.#running++;
    else {
      if (this.#waiting.length >= QUERIES_WAITING_MAX) {
        throw new QueryError(429, `too many outstanding requests (limit: ${QUERIES_WAITING_MAX})`, "max_outstanding");
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}
