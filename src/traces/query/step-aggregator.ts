import type { MetricsStage } from "../../languages/traceql/ast.ts";
import { Sketch } from "./sketch.ts";

/** One series' values over the steps of a query; NaN where there is none. */
export interface StepValues {
  /** Added to the series' labels: the quantile or the bucket. */
  readonly label: { readonly key: string; readonly value: number } | undefined;
  readonly values: Float64Array;
}

/** Turns the spans of one group into values by step. */
export interface StepAggregator {
  add(step: number, value: number): void;
  results(): StepValues[];
}

/** The aggregator of a metrics function over `steps` steps of `stepSeconds`. */
export function newStepAggregator(stage: MetricsStage, steps: number, stepSeconds: number): StepAggregator {
  switch (stage.op) {
    case "rate":
      return new CountAggregator(steps, stepSeconds);
    case "quantile_over_time":
      return new QuantileAggregator(steps, stage.quantiles);
    case "histogram_over_time":
      return new HistogramAggregator(steps);
    case "min_over_time":
      return new FoldAggregator(steps, Math.min);
    case "max_over_time":
      return new FoldAggregator(steps, Math.max);
    case "sum_over_time":
      return new FoldAggregator(steps, (left, right) => left + right);
    case "avg_over_time":
      return new AverageAggregator(steps);
    default:
      return new CountAggregator(steps, 1);
  }
}

class CountAggregator implements StepAggregator {
  readonly #counts: Float64Array;
  readonly #divisor: number;

  constructor(steps: number, divisor: number) {
    this.#counts = new Float64Array(steps);
    this.#divisor = divisor;
  }

  add(step: number): void {
    this.#counts[step]!++;
  }

  results(): StepValues[] {
    return [{ label: undefined, values: this.#counts.map((count) => count / this.#divisor) }];
  }
}

class FoldAggregator implements StepAggregator {
  readonly #values: Float64Array;
  readonly #fold: (left: number, right: number) => number;

  constructor(steps: number, fold: (left: number, right: number) => number) {
    this.#values = new Float64Array(steps).fill(Number.NaN);
    this.#fold = fold;
  }

  add(step: number, value: number): void {
    const known = this.#values[step]!;
    this.#values[step] = Number.isNaN(known) ? value : this.#fold(known, value);
  }

  results(): StepValues[] {
    return [{ label: undefined, values: this.#values }];
  }
}

class AverageAggregator implements StepAggregator {
  readonly #sums: Float64Array;
  readonly #counts: Float64Array;

  constructor(steps: number) {
    this.#sums = new Float64Array(steps);
    this.#counts = new Float64Array(steps);
  }

  add(step: number, value: number): void {
    this.#sums[step]! += value;
    this.#counts[step]!++;
  }

  results(): StepValues[] {
    return [{ label: undefined, values: this.#sums.map((sum, step) => sum / this.#counts[step]!) }];
  }
}

class QuantileAggregator implements StepAggregator {
  readonly #sketches: (Sketch | undefined)[];
  readonly #quantiles: readonly number[];

  constructor(steps: number, quantiles: readonly number[]) {
    this.#sketches = new Array<Sketch | undefined>(steps).fill(undefined);
    this.#quantiles = quantiles;
  }

  add(step: number, value: number): void {
    this.#sketches[step] ??= new Sketch();
    this.#sketches[step].add(value);
  }

  results(): StepValues[] {
    return this.#quantiles.map((quantile) => ({
      label: { key: "p", value: quantile },
      values: Float64Array.from(this.#sketches, (sketch) => sketch?.quantile(quantile) ?? Number.NaN),
    }));
  }
}

/** Buckets are powers of two, as Tempo's. */
class HistogramAggregator implements StepAggregator {
  readonly #steps: number;
  readonly #buckets = new Map<number, Float64Array>();

  constructor(steps: number) {
    this.#steps = steps;
  }

  add(step: number, value: number): void {
    const bucket = value > 0 ? 2 ** Math.ceil(Math.log2(value)) : 0;
    let counts = this.#buckets.get(bucket);
    if (counts === undefined) {
      counts = new Float64Array(this.#steps);
      this.#buckets.set(bucket, counts);
    }
    counts[step]!++;
  }

  results(): StepValues[] {
    const buckets = [...this.#buckets.entries()].sort(([left], [right]) => left - right);
    return buckets.map(([bucket, values]) => ({ label: { key: "__bucket", value: bucket }, values }));
  }
}
