import { type BucketSpan, CUSTOM_BUCKETS_SCHEMA, type FloatHistogram } from "./float-histogram.ts";

/** One bucket with its bounds. */
export interface Bucket {
  readonly lower: number;
  readonly upper: number;
  readonly lowerInclusive: boolean;
  readonly upperInclusive: boolean;
  readonly count: number;
}

/** The buckets of one side by index: sorted, each index once. Spans without the arithmetic. */
export interface BucketSide {
  readonly indexes: number[];
  readonly counts: number[];
}

export function usesCustomBuckets(histogram: Pick<FloatHistogram, "schema">): boolean {
  return histogram.schema === CUSTOM_BUCKETS_SCHEMA;
}

export function sideOf(spans: readonly BucketSpan[], buckets: readonly number[]): BucketSide {
  const indexes: number[] = [];
  let index = 0;
  for (const span of spans) {
    index += span.offset;
    for (let position = 0; position < span.length; position++) indexes.push(index++);
  }
  return { indexes, counts: buckets.slice(0, indexes.length) };
}

/** The shortest spans that hold exactly the indexes given. */
export function spansOf(indexes: readonly number[]): BucketSpan[] {
  const spans: { offset: number; length: number }[] = [];
  let next = 0;
  for (const index of indexes) {
    const last = spans.at(-1);
    if (last !== undefined && index === next) last.length++;
    else spans.push({ offset: index - next, length: 1 });
    next = index + 1;
  }
  return spans;
}

/** The index that a bucket has after the schema is reduced from `fromSchema` to the coarser `toSchema`. */
export function coarserIndex(index: number, fromSchema: number, toSchema: number): number {
  return ((index - 1) >> (fromSchema - toSchema)) + 1;
}

/** The side in a coarser exponential schema; zero counts are kept. */
export function coarserSide(side: BucketSide, fromSchema: number, toSchema: number): BucketSide {
  if (fromSchema === toSchema) return side;
  const indexes: number[] = [];
  const counts: number[] = [];
  for (let position = 0; position < side.indexes.length; position++) {
    const index = coarserIndex(side.indexes[position]!, fromSchema, toSchema);
    if (indexes.at(-1) === index) counts[counts.length - 1]! += side.counts[position]!;
    else {
      indexes.push(index);
      counts.push(side.counts[position]!);
    }
  }
  return { indexes, counts };
}

/**
 * Upper bound of the positive bucket `index` (its lower bound is that of `index - 1`). Custom bounds run from -Inf
 * (index -1) to +Inf.
 */
export function boundOf(index: number, schema: number, customValues: readonly number[] | undefined): number {
  if (schema !== CUSTOM_BUCKETS_SCHEMA) return exponentialBound(index, schema);
  if (index < 0) return Number.NEGATIVE_INFINITY;
  return customValues?.[index] ?? Number.POSITIVE_INFINITY;
}

/** `(2 ** 2 ** -schema) ** index`, with the last bound below infinity being the greatest float. */
export function exponentialBound(index: number, schema: number): number {
  if (schema < 0) {
    const exponent = index * 2 ** -schema;
    return exponent === 1024 ? Number.MAX_VALUE : 2 ** exponent;
  }
  const perPowerOfTwo = 2 ** schema;
  const exponent = Math.floor(index / perPowerOfTwo);
  const fraction = 2 ** ((index - exponent * perPowerOfTwo) / perPowerOfTwo);
  if (exponent === 1024 && fraction === 1) return Number.MAX_VALUE;
  return fraction * 2 ** exponent;
}

/** Buckets of the positive side, ascending; empty ones included. */
export function positiveBuckets(histogram: FloatHistogram): Bucket[] {
  const { schema, customValues } = histogram;
  const custom = usesCustomBuckets(histogram);
  const { indexes, counts } = sideOf(histogram.positiveSpans, histogram.positiveBuckets);
  return indexes.map((index, position) => {
    const lower = boundOf(index - 1, schema, customValues);
    const upper = boundOf(index, schema, customValues);
    const lowerInclusive = custom ? index === 0 : lower < 0;
    return { lower, upper, lowerInclusive, upperInclusive: custom || upper > 0, count: counts[position]! };
  });
}

/** Buckets of the negative side in order of their index, that is from zero downwards; empty ones included. */
export function negativeBuckets(histogram: FloatHistogram): Bucket[] {
  const { schema } = histogram;
  const { indexes, counts } = sideOf(histogram.negativeSpans, histogram.negativeBuckets);
  return indexes.map((index, position) => {
    const lower = -exponentialBound(index, schema);
    const upper = -exponentialBound(index - 1, schema);
    return { lower, upper, lowerInclusive: lower < 0, upperInclusive: upper > 0, count: counts[position]! };
  });
}

export function zeroBucket(histogram: FloatHistogram): Bucket {
  const { zeroThreshold, zeroCount } = histogram;
  return { lower: -zeroThreshold, upper: zeroThreshold, lowerInclusive: true, upperInclusive: true, count: zeroCount };
}

/** All buckets from the lowest to the highest; what the zero bucket covers is cut off its neighbours. */
export function allBuckets(histogram: FloatHistogram): Bucket[] {
  const { zeroThreshold, zeroCount } = histogram;
  const buckets: Bucket[] = [];
  for (const bucket of negativeBuckets(histogram).reverse()) buckets.push(besideZero(bucket, zeroThreshold));
  if (zeroCount > 0) buckets.push(zeroBucket(histogram));
  for (const bucket of positiveBuckets(histogram)) buckets.push(besideZero(bucket, zeroThreshold));
  return buckets;
}

function besideZero(bucket: Bucket, zeroThreshold: number): Bucket {
  if (bucket.upper < 0 && bucket.upper > -zeroThreshold) return { ...bucket, upper: -zeroThreshold };
  if (bucket.lower > 0 && bucket.lower < zeroThreshold) return { ...bucket, lower: zeroThreshold };
  return bucket;
}

/** Whether two lists of custom bounds are the same; none is the same as empty. */
export function sameBounds(left: readonly number[] | undefined, right: readonly number[] | undefined): boolean {
  const { length } = left ?? [];
  return length === (right ?? []).length && (left ?? []).every((bound, index) => bound === right![index]);
}
