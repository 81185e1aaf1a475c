import type { BucketSpan, FloatHistogram } from "./float-histogram.ts";
import { sameBounds, sideOf } from "./histogram-buckets.ts";

/** Whether two histograms hold the same numbers in the same buckets; counter reset hints do not matter. */
export function histogramsEqual(left: FloatHistogram, right: FloatHistogram): boolean {
  return (
    left.schema === right.schema &&
    Object.is(left.count, right.count) &&
    Object.is(left.sum, right.sum) &&
    sameBounds(left.customValues, right.customValues) &&
    left.zeroThreshold === right.zeroThreshold &&
    Object.is(left.zeroCount, right.zeroCount) &&
    sidesEqual(left.positiveSpans, left.positiveBuckets, right.positiveSpans, right.positiveBuckets) &&
    sidesEqual(left.negativeSpans, left.negativeBuckets, right.negativeSpans, right.negativeBuckets)
  );
}

function sidesEqual(
  leftSpans: readonly BucketSpan[],
  leftBuckets: readonly number[],
  rightSpans: readonly BucketSpan[],
  rightBuckets: readonly number[],
): boolean {
  if (leftBuckets.length !== rightBuckets.length) return false;
  if (!leftBuckets.every((count, position) => Object.is(count, rightBuckets[position]))) return false;
  const left = sideOf(leftSpans, leftBuckets).indexes;
  const right = sideOf(rightSpans, rightBuckets).indexes;
  return left.length === right.length && left.every((index, position) => index === right[position]);
}
