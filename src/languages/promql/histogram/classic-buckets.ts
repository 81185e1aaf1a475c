/** One bucket of a classic histogram: observations up to and including `upper`, cumulative. */
export interface ClassicBucket {
  readonly upper: number;
  count: number;
}

/** Differences this small, relative to the values, are rounding errors of a scrape or a sum. */
const SMALL_DELTA = 1e-12;

export interface ClassicQuantile {
  readonly value: number;
  /** What had to be fixed because counts fell from one bucket to the next; absent where nothing fell. */
  readonly forced?: { readonly min: number; readonly max: number; readonly difference: number };
}

/**
 * The `q`-quantile of cumulative buckets sorted by bound, by linear interpolation; the bucket list may be changed.
 * Source: Prometheus promql/quantile.go, BucketQuantile.
 */
export function classicQuantile(q: number, sorted: readonly ClassicBucket[]): ClassicQuantile {
  if (Number.isNaN(q)) return { value: Number.NaN };
  if (q < 0) return { value: Number.NEGATIVE_INFINITY };
  if (q > 1) return { value: Number.POSITIVE_INFINITY };
  if (sorted.at(-1)?.upper !== Number.POSITIVE_INFINITY) return { value: Number.NaN };
  const buckets = coalesce(sorted);
  const forced = makeMonotonic(buckets);
  const observations = buckets.at(-1)!.count;
  if (buckets.length < 2 || observations === 0) return { value: Number.NaN, forced };
  let rank = q * observations;
  const last = buckets.length - 1;
  let at = 0;
  while (at < last && !(buckets[at]!.count >= rank)) at++;
  if (at === last) return { value: buckets[last - 1]!.upper, forced };
  const bucket = buckets[at]!;
  if (at === 0 && bucket.upper <= 0) return { value: bucket.upper, forced };
  let start = 0;
  let count = bucket.count;
  if (at > 0) {
    const below = buckets[at - 1]!;
    start = below.upper;
    count -= below.count;
    rank -= below.count;
  }
  return { value: start + (bucket.upper - start) * (rank / count), forced };
}

/** The share of observations between `lower` and `upper`. Source: Prometheus promql/quantile.go, BucketFraction. */
export function classicFraction(lower: number, upper: number, sorted: readonly ClassicBucket[]): number {
  if (sorted.at(-1)?.upper !== Number.POSITIVE_INFINITY) return Number.NaN;
  const buckets = coalesce(sorted);
  const count = buckets.at(-1)!.count;
  if (count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  const lowerRank = Math.min(rankOf(lower, buckets) ?? count, count);
  const upperRank = Math.min(rankOf(upper, buckets) ?? count, count);
  return (upperRank - lowerRank) / count;
}

function rankOf(value: number, buckets: readonly ClassicBucket[]): number | undefined {
  // Where the first bound is positive, nothing is taken to be below zero.
  let lower = buckets[0]!.upper <= 0 ? Number.NEGATIVE_INFINITY : 0;
  let rank = 0;
  for (const bucket of buckets) {
    if (lower >= value) return rank;
    if (bucket.upper > value) {
      if (lower === Number.NEGATIVE_INFINITY) return bucket.count;
      return rank + ((bucket.count - rank) * (value - lower)) / (bucket.upper - lower);
    }
    rank = bucket.count;
    lower = bucket.upper;
  }
  return undefined;
}

/** Buckets with equal bounds become one. The result owns its buckets. */
function coalesce(sorted: readonly ClassicBucket[]): ClassicBucket[] {
  const buckets: ClassicBucket[] = [];
  for (const { upper, count } of sorted) {
    const last = buckets.at(-1);
    if (last?.upper === upper) last.count += count;
    else buckets.push({ upper, count });
  }
  return buckets;
}

/** Lifts counts that fell below an earlier bucket's; falls within rounding are lifted silently. */
function makeMonotonic(buckets: ClassicBucket[]): ClassicQuantile["forced"] {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let difference = 0;
  let previous = buckets[0]!.count;
  for (const bucket of buckets.slice(1)) {
    const { count, upper } = bucket;
    if (count === previous) continue;
    if (almostEqual(previous, count, SMALL_DELTA)) bucket.count = previous;
    else if (count < previous) {
      bucket.count = previous;
      min = Math.min(min, upper);
      max = Math.max(max, upper);
      difference = Math.max(difference, previous - count);
    } else previous = count;
  }
  return min > max ? undefined : { min, max, difference };
}

/** Least positive normal float: below it, relative differences mean nothing. */
const LEAST_NORMAL = 2 ** -1022;

/** Whether two numbers differ by no more than a relative `epsilon`; NaN equals NaN. */
export function almostEqual(left: number, right: number, epsilon: number): boolean {
  if (Number.isNaN(left) && Number.isNaN(right)) return true;
  if (left === right) return true;
  const absolute = Math.abs(left) + Math.abs(right);
  const difference = Math.abs(left - right);
  if (left === 0 || right === 0 || absolute < LEAST_NORMAL) return difference < epsilon * LEAST_NORMAL;
  return difference / Math.min(absolute, Number.MAX_VALUE) < epsilon;
}
