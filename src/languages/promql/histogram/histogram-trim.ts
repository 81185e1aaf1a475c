import type { FloatHistogram } from "../../../series/float-histogram.ts";
import { compactHistogram } from "../../../series/histogram-arithmetic.ts";
import {
  type Bucket,
  negativeBuckets,
  positiveBuckets,
  usesCustomBuckets,
  zeroBucket,
} from "../../../series/histogram-buckets.ts";
import { fractionBelow } from "./histogram-statistics.ts";

/** What is left of a bucket: how many observations, and where they are taken to be on average. */
interface Rest {
  readonly count: number;
  readonly middle: number;
}

/**
 * `h </ limit` cuts off what lies above the limit ("upper"), `h >/ limit` what lies below ("lower"). Count and sum are
 * estimated anew from the buckets. Source: Prometheus' FloatHistogram.TrimBuckets.
 */
export function trimHistogram(histogram: FloatHistogram, limit: number, side: "upper" | "lower"): FloatHistogram {
  const custom = usesCustomBuckets(histogram);
  const trimSide = (buckets: Bucket[], positive: boolean): Rest[] =>
    buckets.map((bucket) => (bucket.count === 0 ? NOTHING : trimBucket(bucket, limit, side, positive, custom)));
  const positiveBefore = positiveBuckets(histogram);
  const negativeBefore = negativeBuckets(histogram);
  const positive = trimSide(positiveBefore, true);
  const negative = trimSide(negativeBefore, false);
  const filled = (buckets: Bucket[]) => buckets.some((bucket) => bucket.count !== 0);
  const zero =
    histogram.zeroCount > 0
      ? trimZero(zeroBucket(histogram), limit, side, filled(negativeBefore), filled(positiveBefore))
      : { count: histogram.zeroCount, middle: 0 };
  const rests = [...positive, ...negative, zero];
  const same = (buckets: Bucket[], kept: Rest[]) =>
    buckets.every((bucket, index) => bucket.count === kept[index]!.count);
  if (same(positiveBefore, positive) && same(negativeBefore, negative) && zero.count === histogram.zeroCount)
    return histogram;
  return compactHistogram({
    ...histogram,
    count: rests.reduce((count, rest) => count + rest.count, 0),
    sum: rests.reduce((sum, rest) => sum + rest.middle * rest.count, 0),
    zeroCount: zero.count,
    positiveBuckets: positive.map((rest) => rest.count),
    negativeBuckets: negative.map((rest) => rest.count),
  });
}

const NOTHING: Rest = { count: 0, middle: 0 };

function trimBucket(bucket: Bucket, limit: number, side: "upper" | "lower", positive: boolean, custom: boolean): Rest {
  const { lower, upper, count } = bucket;
  const kept = side === "upper" ? upper <= limit : lower >= limit;
  if (kept) return { count, middle: middleOf(lower, upper, positive, custom) };
  const cut = side === "upper" ? lower < limit : upper > limit;
  if (!cut) return NOTHING;
  if (lower === Number.NEGATIVE_INFINITY || upper === Number.POSITIVE_INFINITY) return trimOpen(bucket, limit, side);
  const below = count * fractionBelow(limit, bucket, custom);
  if (side === "upper") return { count: below, middle: middleOf(lower, limit, positive, custom) };
  return { count: count - below, middle: middleOf(limit, upper, positive, custom) };
}

/** A bucket without a lower or upper bound: nothing can be said about its inside, so all of it stays or goes. */
function trimOpen({ lower, upper, count }: Bucket, limit: number, side: "upper" | "lower"): Rest {
  if (lower !== Number.NEGATIVE_INFINITY)
    return side === "lower" && limit >= lower ? { count, middle: limit } : { count: 0, middle: finite(lower) };
  const bounded = upper !== Number.POSITIVE_INFINITY;
  if (side === "upper") {
    if (limit >= upper) return { count, middle: 0 };
    // Where the first bound is positive, observations are taken to begin at zero.
    if (limit > 0 && upper > 0 && bounded) return { count: (count * limit) / upper, middle: limit / 2 };
    if (upper <= 0) return { count, middle: limit };
    return { count: 0, middle: finite(upper) };
  }
  if (limit <= lower) return { count, middle: 0 };
  if (limit >= 0 && upper > limit && bounded)
    return { count: count * (1 - limit / upper), middle: (limit + upper) / 2 };
  return { count: 0, middle: finite(upper) };
}

function finite(bound: number): number {
  return Number.isFinite(bound) ? bound : 0;
}

function trimZero(
  bucket: Bucket,
  limit: number,
  side: "upper" | "lower",
  hasNegative: boolean,
  hasPositive: boolean,
): Rest {
  const upper = hasNegative && !hasPositive ? 0 : bucket.upper;
  const lower = hasPositive && !hasNegative ? 0 : bucket.lower;
  const whole: Rest = { count: bucket.count, middle: (lower + upper) / 2 };
  if (side === "upper") {
    if (limit <= lower) return NOTHING;
    if (limit >= upper) return whole;
    return { count: bucket.count * ((limit - lower) / (upper - lower)), middle: (lower + limit) / 2 };
  }
  if (limit <= lower) return whole;
  if (limit >= upper) return NOTHING;
  return { count: bucket.count * ((upper - limit) / (upper - lower)), middle: (limit + upper) / 2 };
}

function middleOf(lower: number, upper: number, positive: boolean, custom: boolean): number {
  if (!Number.isFinite(lower)) {
    if (!Number.isFinite(upper)) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (!Number.isFinite(upper)) return lower;
  if (custom) return (lower + upper) / 2;
  const geometric = Math.sqrt(Math.abs(lower * upper));
  return positive ? geometric : -geometric;
}
