import { type BucketSpan, CounterResetHint, type FloatHistogram } from "./float-histogram.ts";
import { type BucketSide, sideOf, spansOf } from "./histogram-buckets.ts";
import { type Combination, HistogramSum } from "./histogram-sum.ts";

/** The sum of two histograms. @throws IncompatibleHistogramsError */
export function addHistograms(
  left: FloatHistogram,
  right: FloatHistogram,
  sign: 1 | -1 = 1,
): { result: FloatHistogram } & Combination {
  const sum = new HistogramSum(left, false);
  const combination = sum.add(right, sign);
  return { result: sum.close(), ...combination };
}

/** A copy with everything multiplied. */
export function multiplyHistogram(histogram: FloatHistogram, factor: number): FloatHistogram {
  return {
    ...histogram,
    counterResetHint: factor < 0 ? CounterResetHint.Gauge : histogram.counterResetHint,
    zeroCount: histogram.zeroCount * factor,
    count: histogram.count * factor,
    sum: histogram.sum * factor,
    positiveBuckets: histogram.positiveBuckets.map((count) => count * factor),
    negativeBuckets: histogram.negativeBuckets.map((count) => count * factor),
  };
}

/** A copy with everything divided; division by zero leaves no buckets. */
export function divideHistogram(histogram: FloatHistogram, divisor: number): FloatHistogram {
  return {
    ...histogram,
    counterResetHint: divisor < 0 ? CounterResetHint.Gauge : histogram.counterResetHint,
    zeroCount: histogram.zeroCount / divisor,
    count: histogram.count / divisor,
    sum: histogram.sum / divisor,
    positiveSpans: divisor === 0 ? [] : histogram.positiveSpans,
    negativeSpans: divisor === 0 ? [] : histogram.negativeSpans,
    positiveBuckets: divisor === 0 ? [] : histogram.positiveBuckets.map((count) => count / divisor),
    negativeBuckets: divisor === 0 ? [] : histogram.negativeBuckets.map((count) => count / divisor),
  };
}

/** A copy without empty buckets, in as few spans as possible. */
export function compactHistogram(histogram: FloatHistogram): FloatHistogram {
  const positive = filledSide(histogram.positiveSpans, histogram.positiveBuckets);
  const negative = filledSide(histogram.negativeSpans, histogram.negativeBuckets);
  return {
    ...histogram,
    positiveSpans: spansOf(positive.indexes),
    negativeSpans: spansOf(negative.indexes),
    positiveBuckets: positive.counts,
    negativeBuckets: negative.counts,
  };
}

function filledSide(spans: readonly BucketSpan[], buckets: readonly number[]): BucketSide {
  const side = sideOf(spans, buckets);
  if (!side.counts.includes(0)) return side;
  const filled = (_: number, position: number) => side.counts[position] !== 0;
  return { indexes: side.indexes.filter(filled), counts: side.counts.filter(filled) };
}
