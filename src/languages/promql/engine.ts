import type { Queryable } from "../../series/queryable.ts";
import { PromqlError } from "./error.ts";
import type { QueryResult } from "./result.ts";

export interface EngineOptions {
  /** How far an instant selector looks back for a sample; Prometheus' default is 300,000. */
  readonly lookbackDeltaMs?: number;
  /** Most samples one query may hold at once; Prometheus' default is 50,000,000. */
  readonly maxSamples?: number;
  /** Most wall time of one query; Prometheus' default is 120,000. */
  readonly timeoutMs?: number;
}

export interface QueryOptions {
  readonly signal?: AbortSignal;
  readonly lookbackDeltaMs?: number;
  readonly timeoutMs?: number;
  /** Most series in the result; 0 or absent for all. A warning says when some were left out. */
  readonly limit?: number;
}

/** Evaluates PromQL over a `Queryable`. Holds no state between queries. */
export class PromqlEngine {
  readonly #options: Required<EngineOptions>;

  constructor(options: EngineOptions = {}) {
    this.#options = {
      lookbackDeltaMs: options.lookbackDeltaMs ?? 300_000,
      maxSamples: options.maxSamples ?? 50_000_000,
      timeoutMs: options.timeoutMs ?? 120_000,
    };
  }

  /** One evaluation at `timeMs` (Unix ms). @throws PromqlError */
  async instant(
    queryable: Queryable,
    expression: string,
    timeMs: number,
    options?: QueryOptions,
  ): Promise<QueryResult> {
    return this.#run(queryable, expression, timeMs, timeMs, 0, options);
  }

  /** Evaluations from `startMs` to `endMs` (inclusive) every `stepMs`; the result is always a matrix. @throws PromqlError */
  async range(
    queryable: Queryable,
    expression: string,
    startMs: number,
    endMs: number,
    stepMs: number,
    options?: QueryOptions,
  ): Promise<QueryResult> {
    return this.#run(queryable, expression, startMs, endMs, stepMs, options);
  }

  async #run(..._query: unknown[]): Promise<QueryResult> {
    throw new PromqlError("execution", `no evaluator yet (lookback ${this.#options.lookbackDeltaMs} ms)`);
  }
}
