import type { FloatHistogram } from "../../../series/float-histogram.ts";
import { allBuckets, type Bucket, usesCustomBuckets } from "../../../series/histogram-buckets.ts";
import type { Position } from "../ast.ts";
import type { Annotations } from "../execute/annotations.ts";
import { KahanSum } from "../execute/float-math.ts";

/** Estimated variance: every observation is taken to be at the middle of its bucket. */
export function histogramVariance(histogram: FloatHistogram): number {
  const mean = histogram.sum / histogram.count;
  const squares = new KahanSum();
  for (const bucket of allBuckets(histogram)) {
    if (bucket.count === 0) continue;
    const delta = middleOf(bucket, usesCustomBuckets(histogram)) - mean;
    squares.add(bucket.count * delta * delta);
  }
  return squares.total / histogram.count;
}

/** The geometric middle of exponential buckets, the arithmetic one of custom buckets, and zero around zero. */
function middleOf({ lower, upper }: Bucket, custom: boolean): number {
  if (custom) return (upper + lower) / 2;
  if (lower <= 0 && upper >= 0) return 0;
  const middle = Math.sqrt(upper * lower);
  return upper < 0 ? -middle : middle;
}

/** What a histogram's estimates need besides it, for annotations. */
export interface EstimateContext {
  readonly annotations: Annotations;
  readonly metric: string;
  readonly position: Position;
}

/**
 * The `q`-quantile of a native histogram: linear inside custom buckets and the zero bucket, else exponential.
 * Source: Prometheus promql/quantile.go, HistogramQuantile.
 */
export function histogramQuantile(q: number, histogram: FloatHistogram, context: EstimateContext): number {
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  if (histogram.count === 0 || Number.isNaN(q)) return Number.NaN;
  // NaN observations are in the count but in no bucket; then only counting from below is right.
  const withNaNs = Number.isNaN(histogram.sum);
  const fromBelow = withNaNs || q < 0.5;
  const buckets = allBuckets(histogram);
  if (!fromBelow) buckets.reverse();
  let rank = (fromBelow ? q : 1 - q) * histogram.count;
  let count = 0;
  let at = 0;
  let bucket: Bucket = NO_BUCKET;
  while (at < buckets.length) {
    bucket = buckets[at++]!;
    if (bucket.count === 0) continue;
    count += bucket.count;
    if (count >= rank) break;
  }
  const custom = usesCustomBuckets(histogram);
  if (custom && bucket.lower === Number.NEGATIVE_INFINITY && bucket.upper <= 0) return bucket.upper;
  if (custom && bucket.lower !== Number.NEGATIVE_INFINITY && bucket.upper === Number.POSITIVE_INFINITY)
    return bucket.lower;
  const { lower, upper } = withinObservations(bucket, histogram);
  if (count > histogram.count) count = histogram.count;
  if (count < rank) {
    if (!withNaNs) return upper;
    context.annotations.quantileOfNaNs(context.metric, "result is NaN", context.position);
    return Number.NaN;
  }
  rank = fromBelow ? rank - (count - bucket.count) : count - rank;
  if (withNaNs) {
    for (; at < buckets.length; at++) count += buckets[at]!.count;
    if (count < histogram.count)
      context.annotations.quantileOfNaNs(context.metric, "result is skewed higher", context.position);
  }
  const fraction = rank / bucket.count;
  if (custom || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * fraction;
  const logLower = Math.log2(Math.abs(lower));
  const logUpper = Math.log2(Math.abs(upper));
  if (lower > 0) return 2 ** (logLower + (logUpper - logLower) * fraction);
  return -(2 ** (logUpper + (logLower - logUpper) * (1 - fraction)));
}

const NO_BUCKET: Bucket = { lower: 0, upper: 0, lowerInclusive: false, upperInclusive: false, count: 0 };

/** The bucket's bounds, without the half that cannot hold observations: below zero of a positive-only zero bucket. */
function withinObservations({ lower, upper }: Bucket, histogram: FloatHistogram): { lower: number; upper: number } {
  if (usesCustomBuckets(histogram)) return { lower: lower === Number.NEGATIVE_INFINITY ? 0 : lower, upper };
  if (!(lower < 0 && upper > 0)) return { lower, upper };
  return zeroWithinObservations({ lower, upper }, histogram);
}

function zeroWithinObservations(
  { lower, upper }: { lower: number; upper: number },
  { negativeBuckets, positiveBuckets }: FloatHistogram,
): { lower: number; upper: number } {
  if (negativeBuckets.length === 0 && positiveBuckets.length > 0) return { lower: 0, upper };
  if (positiveBuckets.length === 0 && negativeBuckets.length > 0) return { lower, upper: 0 };
  return { lower, upper };
}

/**
 * The share of observations between `lower` and `upper`.
 * Source: Prometheus promql/quantile.go, HistogramFraction.
 */
export function histogramFraction(
  lower: number,
  upper: number,
  histogram: FloatHistogram,
  context: EstimateContext,
): number {
  if (histogram.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  const buckets = allBuckets(histogram);
  const custom = usesCustomBuckets(histogram);
  const rankOf = (value: number): number | undefined => {
    let rank = 0;
    for (const bucket of buckets) {
      const aroundZero = bucket.lower <= 0 && bucket.upper >= 0;
      const bounds = aroundZero ? zeroWithinObservations(bucket, histogram) : bucket;
      if (bounds.lower >= value) return rank;
      if (bounds.upper > value) return rankInside(value, bounds, bucket.count, rank, custom || aroundZero);
      rank += bucket.count;
    }
    return undefined;
  };
  let count = histogram.count;
  if (Number.isNaN(histogram.sum)) {
    count = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
    if (count < histogram.count) context.annotations.fractionOfNaNs(context.metric, context.position);
  }
  const lowerRank = Math.min(rankOf(lower) ?? count, count);
  const upperRank = Math.min(rankOf(upper) ?? count, count);
  return (upperRank - lowerRank) / histogram.count;
}

function rankInside(
  value: number,
  bounds: { lower: number; upper: number },
  count: number,
  rank: number,
  linear: boolean,
): number {
  // Nothing can be said about the inside of a bucket without lower bound; all of it counts.
  if (linear && bounds.lower === Number.NEGATIVE_INFINITY) return count;
  return rank + count * fractionBelow(value, bounds, linear);
}

/** How far `value` is on the way from the lower to the upper bound, on a linear or exponential scale. */
export function fractionBelow(
  value: number,
  { lower, upper }: { lower: number; upper: number },
  linear: boolean,
): number {
  if (linear) return (value - lower) / (upper - lower);
  const logLower = Math.log2(Math.abs(lower));
  const logUpper = Math.log2(Math.abs(upper));
  const logValue = Math.log2(Math.abs(value));
  if (value > 0) return (logValue - logLower) / (logUpper - logLower);
  return 1 - (logValue - logUpper) / (logLower - logUpper);
}
