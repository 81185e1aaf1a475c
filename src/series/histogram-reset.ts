import { CounterResetHint, type FloatHistogram } from "./float-histogram.ts";
import { addHistograms } from "./histogram-arithmetic.ts";
import {
  type BucketSide,
  boundOf,
  coarserSide,
  exponentialBound,
  sameBounds,
  sideOf,
  usesCustomBuckets,
} from "./histogram-buckets.ts";

/**
 * True where `current` cannot follow `previous` without a counter reset between them: a bucket became smaller, or the
 * layout became finer, which a counter never does. Source: Prometheus' FloatHistogram.DetectReset.
 */
export function detectReset(current: FloatHistogram, previous: FloatHistogram): boolean {
  if (current.counterResetHint === CounterResetHint.Reset) return true;
  if (current.counterResetHint === CounterResetHint.NotReset) return false;
  if (current.count < previous.count) return true;
  if (usesCustomBuckets(current)) {
    if (!usesCustomBuckets(previous)) return true;
    if (!sameBounds(current.customValues, previous.customValues)) return customBucketsShrank(current, previous);
    return sideShrank(
      sideOf(current.positiveSpans, current.positiveBuckets),
      sideOf(previous.positiveSpans, previous.positiveBuckets),
    );
  }
  if (usesCustomBuckets(previous)) return true;
  if (current.schema > previous.schema || current.zeroThreshold < previous.zeroThreshold) return true;
  const previousZero = zeroCountAt(previous, current.zeroThreshold);
  if (previousZero.threshold !== current.zeroThreshold || current.zeroCount < previousZero.count) return true;
  const positive = (histogram: FloatHistogram) => sideOf(histogram.positiveSpans, histogram.positiveBuckets);
  const negative = (histogram: FloatHistogram) => sideOf(histogram.negativeSpans, histogram.negativeBuckets);
  return [positive, negative].some((side) =>
    sideShrank(
      outsideZero(side(current), current.schema, current.zeroThreshold),
      outsideZero(coarserSide(side(previous), previous.schema, current.schema), current.schema, current.zeroThreshold),
    ),
  );
}

/** What the zero bucket would hold with a greater threshold, and the threshold that is possible at all. */
function zeroCountAt(histogram: FloatHistogram, threshold: number): { count: number; threshold: number } {
  if (threshold === histogram.zeroThreshold) return { count: histogram.zeroCount, threshold };
  const wide: FloatHistogram = {
    ...histogram,
    counterResetHint: CounterResetHint.Unknown,
    zeroThreshold: threshold,
    zeroCount: 0,
    positiveSpans: [],
    negativeSpans: [],
    positiveBuckets: [],
    negativeBuckets: [],
  };
  const { result } = addHistograms(histogram, wide);
  return { count: result.zeroCount, threshold: result.zeroThreshold };
}

function outsideZero(side: BucketSide, schema: number, zeroThreshold: number): BucketSide {
  if (zeroThreshold === 0) return side;
  const from = side.indexes.findIndex((index) => exponentialBound(index, schema) > zeroThreshold);
  const start = from === -1 ? side.indexes.length : from;
  return { indexes: side.indexes.slice(start), counts: side.counts.slice(start) };
}

function sideShrank(current: BucketSide, previous: BucketSide): boolean {
  let at = 0;
  for (let position = 0; position < previous.indexes.length; position++) {
    const index = previous.indexes[position]!;
    while (at < current.indexes.length && current.indexes[at]! < index) at++;
    const now = current.indexes[at] === index ? current.counts[at]! : 0;
    if (now < previous.counts[position]!) return true;
  }
  return false;
}

/** Compares what lies between the bounds that both histograms have. */
function customBucketsShrank(current: FloatHistogram, previous: FloatHistogram): boolean {
  const bounds = [...(current.customValues ?? [])].filter((bound) => previous.customValues?.includes(bound));
  bounds.push(Number.POSITIVE_INFINITY);
  const now = countsBetween(current, bounds);
  const before = countsBetween(previous, bounds);
  return now.some((count, index) => count < before[index]!);
}

function countsBetween(histogram: FloatHistogram, bounds: readonly number[]): number[] {
  const counts: number[] = new Array(bounds.length).fill(0);
  const side = sideOf(histogram.positiveSpans, histogram.positiveBuckets);
  side.indexes.forEach((index, position) => {
    const upper = boundOf(index, histogram.schema, histogram.customValues);
    counts[bounds.findIndex((bound) => bound >= upper)]! += side.counts[position]!;
  });
  return counts;
}
