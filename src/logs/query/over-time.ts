import type { RangeAggregation } from "../../languages/logql/ast.ts";

/** Computes a `…_over_time` function over the samples [from, to) of a window that ends at `endMs`; at least one. */
export function overTime(
  expr: RangeAggregation,
  times: Float64Array,
  values: Float64Array,
  from: number,
  to: number,
  endMs: number,
): number {
  switch (expr.op) {
    case "sum_over_time":
      return sum(values, from, to);
    case "rate":
      return sum(values, from, to) / (expr.rangeMs / 1_000);
    case "rate_counter":
      return rateCounter(times, values, from, to, endMs, expr.rangeMs);
    case "avg_over_time":
      return mean(values, from, to);
    case "min_over_time":
      return fold(values, from, to, (best, value) => (value < best || Number.isNaN(best) ? value : best));
    case "max_over_time":
      return fold(values, from, to, (best, value) => (value > best || Number.isNaN(best) ? value : best));
    case "first_over_time":
      return values[from]!;
    case "last_over_time":
      return values[to - 1]!;
    case "stdvar_over_time":
      return variance(values, from, to);
    case "stddev_over_time":
      return Math.sqrt(variance(values, from, to));
    case "quantile_over_time":
      return quantile(expr.parameter ?? Number.NaN, values.slice(from, to));
    default:
      return to - from; // absent_over_time only asks whether there is a sample
  }
}

function sum(values: Float64Array, from: number, to: number): number {
  let total = 0;
  for (let index = from; index < to; index++) total += values[index]!;
  return total;
}

function mean(values: Float64Array, from: number, to: number): number {
  let average = 0;
  for (let index = from; index < to; index++) average += (values[index]! - average) / (index - from + 1);
  return average;
}

function fold(values: Float64Array, from: number, to: number, better: (best: number, value: number) => number): number {
  let best = values[from]!;
  for (let index = from + 1; index < to; index++) best = better(best, values[index]!);
  return best;
}

/** Population variance, Welford's method. */
function variance(values: Float64Array, from: number, to: number): number {
  let average = 0;
  let squares = 0;
  for (let index = from; index < to; index++) {
    const delta = values[index]! - average;
    average += delta / (index - from + 1);
    squares += delta * (values[index]! - average);
  }
  return squares / (to - from);
}

/** Linear interpolation between the two nearest ranks, as Prometheus; `values` is sorted in place. */
export function quantile(q: number, values: Float64Array): number {
  if (values.length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  values.sort();
  const rank = q * (values.length - 1);
  const lower = Math.floor(rank);
  const upper = Math.min(values.length - 1, lower + 1);
  const weight = rank - lower;
  return values[lower]! * (1 - weight) + values[upper]! * weight;
}

/** Increase per second of a counter with resets, extrapolated to the window's edges as Prometheus' `rate`. */
function rateCounter(
  times: Float64Array,
  values: Float64Array,
  from: number,
  to: number,
  endMs: number,
  rangeMs: number,
): number {
  if (to - from < 2) return 0;
  let increase = values[to - 1]! - values[from]!;
  for (let index = from + 1; index < to; index++)
    if (values[index]! < values[index - 1]!) increase += values[index - 1]!;
  const sampledMs = times[to - 1]! - times[from]!;
  if (sampledMs === 0) return 0;
  const averageGapMs = sampledMs / (to - from - 1);
  let beforeMs = times[from]! - (endMs - rangeMs);
  // A counter cannot have been below zero, which limits how far back it may be extended.
  if (increase > 0 && values[from]! >= 0) beforeMs = Math.min(beforeMs, sampledMs * (values[from]! / increase));
  const afterMs = endMs - times[to - 1]!;
  const limitMs = averageGapMs * 1.1;
  const extended =
    sampledMs + (beforeMs < limitMs ? beforeMs : averageGapMs / 2) + (afterMs < limitMs ? afterMs : averageGapMs / 2);
  return (increase * (extended / sampledMs)) / (rangeMs / 1_000);
}
