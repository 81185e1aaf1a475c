import { Gauge, type Registry, Summary } from "prom-client";
import { QUERIES_RUNNING_MAX, QUERIES_WAITING_MAX } from "../limits.ts";
import { ApiError } from "./api-error.ts";

/** Lets a bounded number of queries run; the others wait in line, first come, first served. */
export class QueryGate {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #duration: Summary;

  constructor(registry: Registry) {
    const registers = [registry];
    const gate = this;
    new Gauge({
      name: "prometheus_engine_queries",
      help: "The current number of queries being executed or waiting.",
      registers,
      collect() {
        this.set(gate.#running + gate.#waiting.length);
      },
    });
    new Gauge({
      name: "prometheus_engine_queries_concurrent_max",
      help: "The max number of concurrent queries.",
      registers,
    }).set(QUERIES_RUNNING_MAX);
    this.#duration = new Summary({
      name: "prometheus_engine_query_duration_seconds",
      help: "Query timings.",
      labelNames: ["slice"],
      registers,
      percentiles: [0.5, 0.9, 0.99],
      maxAgeSeconds: 600,
      ageBuckets: 5,
    });
  }

  /**
   * Runs `query` as soon as there is room; reports how long it waited.
   * @throws ApiError unavailable when too many wait already, canceled when `signal` fires while waiting.
   */
  async run<Result>(signal: AbortSignal, query: (waitedSeconds: number) => Promise<Result>): Promise<Result> {
    const startMs = performance.now();
    if (this.#running >= QUERIES_RUNNING_MAX) await this.#wait(signal);
    this.#running++;
    const waitedSeconds = (performance.now() - startMs) / 1_000;
    this.#duration.observe({ slice: "queue_time" }, waitedSeconds);
    const evalMs = performance.now();
    try {
      return await query(waitedSeconds);
    } finally {
      this.#duration.observe({ slice: "inner_eval" }, (performance.now() - evalMs) / 1_000);
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= QUERIES_WAITING_MAX) {
      throw new ApiError(
        "unavailable",
        `too many queries: ${QUERIES_RUNNING_MAX} run and ${QUERIES_WAITING_MAX} wait; try again later`,
      );
    }
    if (signal.aborted) throw new ApiError("canceled", "query was canceled in query queue");
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        const place = this.#waiting.indexOf(go);
        if (place >= 0) this.#waiting.splice(place, 1);
        reject(new ApiError("canceled", "query was canceled in query queue"));
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(go);
    });
  }
}
