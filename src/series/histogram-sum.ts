import { CounterResetHint, type FloatHistogram } from "./float-histogram.ts";
import {
  type BucketSide,
  boundOf,
  coarserIndex,
  exponentialBound,
  sameBounds,
  sideOf,
  spansOf,
  usesCustomBuckets,
} from "./histogram-buckets.ts";

/** Two histograms that have no common form: one has exponential, the other custom buckets. */
export class IncompatibleHistogramsError extends Error {
  override readonly name = "IncompatibleHistogramsError";

  constructor() {
    super("cannot apply this operation on histograms with a mix of exponential and custom bucket schemas");
  }
}

/** What happened on the way, for the user's information. */
export interface Combination {
  /** One side said "counter reset", the other "no counter reset". */
  readonly resetCollision: boolean;
  /** Custom bounds differed; only the common ones are left. */
  readonly boundsReconciled: boolean;
}

/** One side while it is added to: each count with the error that Kahan's summation has collected for it. */
interface OpenSide extends BucketSide {
  readonly errors: number[];
}

/**
 * A histogram that others are added to. With `kahan`, rounding errors are collected beside every number and added at
 * the end (`close`). Source of the arithmetic: Prometheus model/histogram/float_histogram.go.
 */
export class HistogramSum {
  #hint: CounterResetHint;
  #schema: number;
  #zeroThreshold: number;
  #customValues: number[] | undefined;
  readonly #kahan: boolean;
  readonly #count: Accumulator;
  readonly #sum: Accumulator;
  readonly #zeroCount: Accumulator;
  #positive: OpenSide;
  #negative: OpenSide;

  constructor(start: FloatHistogram, kahan: boolean) {
    this.#kahan = kahan;
    this.#hint = start.counterResetHint;
    this.#schema = start.schema;
    this.#zeroThreshold = start.zeroThreshold;
    this.#customValues = start.customValues;
    this.#count = new Accumulator(start.count, kahan);
    this.#sum = new Accumulator(start.sum, kahan);
    this.#zeroCount = new Accumulator(start.zeroCount, kahan);
    this.#positive = openSide(sideOf(start.positiveSpans, start.positiveBuckets));
    this.#negative = openSide(sideOf(start.negativeSpans, start.negativeBuckets));
  }

  /** Adds `other`, or takes it away with `sign` -1. @throws IncompatibleHistogramsError; nothing has changed then */
  add(other: FloatHistogram, sign: 1 | -1 = 1): Combination {
    const custom = usesCustomBuckets({ schema: this.#schema });
    if (custom !== usesCustomBuckets(other)) throw new IncompatibleHistogramsError();
    const resetCollision = this.#adjustHint(other.counterResetHint);
    let otherZeroCount = 0;
    if (!custom) otherZeroCount = this.#reconcileZeroBuckets(other);
    this.#zeroCount.add(sign * otherZeroCount);
    this.#count.add(sign * other.count);
    this.#sum.add(sign * other.sum);
    const otherPositive = openSide(sideOf(other.positiveSpans, other.positiveBuckets));
    if (custom) return { resetCollision, boundsReconciled: this.#addCustom(otherPositive, other, sign) };
    const otherNegative = openSide(sideOf(other.negativeSpans, other.negativeBuckets));
    const schema = Math.min(this.#schema, other.schema);
    const merge = (mine: OpenSide, theirs: OpenSide): OpenSide =>
      this.#merge(
        coarser(mine, this.#schema, schema, this.#kahan),
        coarser(theirs, other.schema, schema, this.#kahan),
        sign,
        (index) => exponentialBound(index, schema) <= this.#zeroThreshold,
      );
    this.#positive = merge(this.#positive, otherPositive);
    this.#negative = merge(this.#negative, otherNegative);
    this.#schema = schema;
    return { resetCollision, boundsReconciled: false };
  }

  /** Merges buckets until the schema is `schema`; nothing changes where it is not coarser, or with custom buckets. */
  reduceTo(schema: number): void {
    if (schema >= this.#schema || usesCustomBuckets({ schema }) || usesCustomBuckets({ schema: this.#schema })) return;
    this.#positive = coarser(this.#positive, this.#schema, schema, this.#kahan);
    this.#negative = coarser(this.#negative, this.#schema, schema, this.#kahan);
    this.#schema = schema;
  }

  /** Multiplies everything. A negative factor makes it a gauge. */
  scale(factor: number): void {
    for (const accumulator of [this.#count, this.#sum, this.#zeroCount]) accumulator.scale(factor);
    for (const side of [this.#positive, this.#negative]) {
      for (let position = 0; position < side.counts.length; position++) {
        side.counts[position]! *= factor;
        side.errors[position]! *= factor;
      }
    }
    if (factor < 0) this.#hint = CounterResetHint.Gauge;
  }

  /** True where a number has left the range of floats. */
  get overflowed(): boolean {
    const infinite = (value: number) => value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY;
    return (
      infinite(this.#count.value) ||
      infinite(this.#sum.value) ||
      infinite(this.#zeroCount.value) ||
      this.#positive.counts.some(infinite) ||
      this.#negative.counts.some(infinite)
    );
  }

  /** An independent copy. */
  copy(): HistogramSum {
    const copy = new HistogramSum(EMPTY, this.#kahan);
    copy.#hint = this.#hint;
    copy.#schema = this.#schema;
    copy.#zeroThreshold = this.#zeroThreshold;
    copy.#customValues = this.#customValues;
    copy.#count.assign(this.#count);
    copy.#sum.assign(this.#sum);
    copy.#zeroCount.assign(this.#zeroCount);
    copy.#positive = copySide(this.#positive);
    copy.#negative = copySide(this.#negative);
    return copy;
  }

  /** The histogram, collected errors added. */
  close(): FloatHistogram {
    const positive = this.#positive;
    const negative = this.#negative;
    return {
      counterResetHint: this.#hint,
      schema: this.#schema,
      zeroThreshold: this.#zeroThreshold,
      zeroCount: this.#zeroCount.total,
      count: this.#count.total,
      sum: this.#sum.total,
      positiveSpans: spansOf(positive.indexes),
      negativeSpans: spansOf(negative.indexes),
      positiveBuckets: positive.counts.map((count, position) => count + positive.errors[position]!),
      negativeBuckets: negative.counts.map((count, position) => count + negative.errors[position]!),
      customValues: this.#customValues,
    };
  }

  #adjustHint(other: CounterResetHint): boolean {
    const { Unknown, Gauge } = CounterResetHint;
    if (other === this.#hint || this.#hint === Gauge) return false;
    if (other === Gauge) this.#hint = Gauge;
    else if (this.#hint !== Unknown) {
      const collision = other !== Unknown;
      this.#hint = Unknown;
      return collision;
    }
    return false;
  }

  /** Widens the narrower zero bucket until both have one width; returns the other's count in it. */
  #reconcileZeroBuckets(other: FloatHistogram): number {
    let otherCount = other.zeroCount;
    let otherThreshold = other.zeroThreshold;
    const otherPositive = openSide(sideOf(other.positiveSpans, other.positiveBuckets));
    const otherNegative = openSide(sideOf(other.negativeSpans, other.negativeBuckets));
    while (otherThreshold !== this.#zeroThreshold) {
      if (this.#zeroThreshold > otherThreshold) {
        const zero = new Accumulator(other.zeroCount, this.#kahan);
        otherThreshold = widenZero(zero, otherPositive, otherNegative, other.schema, this.#zeroThreshold);
        otherCount = zero.value;
      }
      if (otherThreshold > this.#zeroThreshold) {
        this.#zeroThreshold = widenZero(this.#zeroCount, this.#positive, this.#negative, this.#schema, otherThreshold);
        this.#positive = outsideZero(this.#positive, this.#schema, this.#zeroThreshold);
        this.#negative = outsideZero(this.#negative, this.#schema, this.#zeroThreshold);
      }
    }
    return otherCount;
  }

  #addCustom(other: OpenSide, { customValues }: FloatHistogram, sign: 1 | -1): boolean {
    const mine = this.#customValues ?? [];
    const theirs = customValues ?? [];
    if (sameBounds(mine, theirs)) {
      this.#positive = this.#merge(this.#positive, other, sign, () => false);
      return false;
    }
    const common = mine.filter((bound) => theirs.includes(bound));
    const target: OpenSide = {
      indexes: Array.from({ length: common.length + 1 }, (_, index) => index),
      counts: new Array(common.length + 1).fill(0),
      errors: new Array(common.length + 1).fill(0),
    };
    mapToBounds(target, common, this.#positive, mine, 1);
    mapToBounds(target, common, other, theirs, sign);
    if (!this.#kahan) target.errors.fill(0);
    this.#positive = withoutEmpty(target);
    this.#customValues = common;
    return true;
  }

  #merge(mine: OpenSide, other: OpenSide, sign: 1 | -1, inZeroBucket: (index: number) => boolean): OpenSide {
    const merged: OpenSide = { indexes: [], counts: [], errors: [] };
    let right = 0;
    while (right < other.indexes.length && inZeroBucket(other.indexes[right]!)) right++;
    let left = 0;
    while (left < mine.indexes.length || right < other.indexes.length) {
      const leftIndex = mine.indexes[left] ?? Number.POSITIVE_INFINITY;
      const rightIndex = other.indexes[right] ?? Number.POSITIVE_INFINITY;
      merged.indexes.push(Math.min(leftIndex, rightIndex));
      if (leftIndex > rightIndex) {
        merged.counts.push(sign * other.counts[right]!);
        merged.errors.push(sign * other.errors[right]!);
      } else {
        merged.counts.push(mine.counts[left]!);
        merged.errors.push(mine.errors[left]!);
        if (leftIndex === rightIndex) {
          increase(merged, merged.counts.length - 1, sign * other.counts[right]!, this.#kahan);
          if (other.errors[right] !== 0)
            increase(merged, merged.counts.length - 1, sign * other.errors[right]!, this.#kahan);
        }
      }
      if (leftIndex <= rightIndex) left++;
      if (rightIndex <= leftIndex) right++;
    }
    return merged;
  }
}

const EMPTY: FloatHistogram = {
  counterResetHint: CounterResetHint.Unknown,
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 0,
  sum: 0,
  positiveSpans: [],
  negativeSpans: [],
  positiveBuckets: [],
  negativeBuckets: [],
};

/** A number that others are added to, with or without Kahan's summation. */
class Accumulator {
  value: number;
  error = 0;
  readonly #kahan: boolean;

  constructor(value: number, kahan: boolean) {
    this.value = value;
    this.#kahan = kahan;
  }

  get total(): number {
    return this.value + this.error;
  }

  add(increment: number): void {
    const total = this.value + increment;
    if (this.#kahan) this.error = kahanError(this.value, increment, total, this.error);
    this.value = total;
  }

  scale(factor: number): void {
    this.value *= factor;
    this.error *= factor;
  }

  assign(other: Accumulator): void {
    this.value = other.value;
    this.error = other.error;
  }
}

/** The collected error after `value + increment = total` was rounded (Neumaier); none is left of an infinity. */
function kahanError(value: number, increment: number, total: number, error: number): number {
  if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) return 0;
  return Math.abs(value) >= Math.abs(increment)
    ? error + (value - total + increment)
    : error + (increment - total + value);
}

function increase(side: OpenSide, position: number, increment: number, kahan: boolean): void {
  const value = side.counts[position]!;
  const total = value + increment;
  if (kahan) side.errors[position] = kahanError(value, increment, total, side.errors[position]!);
  side.counts[position] = total;
}

function openSide(side: BucketSide): OpenSide {
  return { ...side, errors: new Array(side.counts.length).fill(0) };
}

function copySide(side: OpenSide): OpenSide {
  return { indexes: side.indexes.slice(), counts: side.counts.slice(), errors: side.errors.slice() };
}

function withoutEmpty(side: OpenSide): OpenSide {
  const kept = side.indexes
    .map((_, position) => position)
    .filter((at) => side.counts[at] !== 0 || side.errors[at] !== 0);
  if (kept.length === side.indexes.length) return side;
  return {
    indexes: kept.map((at) => side.indexes[at]!),
    counts: kept.map((at) => side.counts[at]!),
    errors: kept.map((at) => side.errors[at]!),
  };
}

function coarser(side: OpenSide, fromSchema: number, toSchema: number, kahan: boolean): OpenSide {
  if (fromSchema === toSchema) return side;
  const target: OpenSide = { indexes: [], counts: [], errors: [] };
  for (let position = 0; position < side.indexes.length; position++) {
    const index = coarserIndex(side.indexes[position]!, fromSchema, toSchema);
    const last = target.indexes.length - 1;
    if (target.indexes[last] === index) {
      increase(target, last, side.counts[position]!, kahan);
      if (side.errors[position] !== 0) increase(target, last, side.errors[position]!, kahan);
    } else {
      target.indexes.push(index);
      target.counts.push(side.counts[position]!);
      target.errors.push(side.errors[position]!);
    }
  }
  return target;
}

/**
 * Adds to `zero` what the buckets hold below `threshold`, which grows to the next bound where a filled bucket straddles
 * it. Returns the threshold reached.
 */
function widenZero(
  zero: Accumulator,
  positive: OpenSide,
  negative: OpenSide,
  schema: number,
  threshold: number,
): number {
  const { value, error } = zero;
  let reached = threshold;
  for (;;) {
    zero.value = value;
    zero.error = error;
    reached = countBelow(zero, positive, schema, reached);
    const afterNegative = countBelow(zero, negative, schema, reached);
    if (afterNegative === reached) return reached;
    reached = afterNegative;
  }
}

function countBelow(zero: Accumulator, side: OpenSide, schema: number, threshold: number): number {
  for (let position = 0; position < side.indexes.length; position++) {
    const index = side.indexes[position]!;
    if (exponentialBound(index - 1, schema) >= threshold) return threshold;
    zero.add(side.counts[position]!);
    if (side.errors[position] !== 0) zero.add(side.errors[position]!);
    const upper = exponentialBound(index, schema);
    if (upper > threshold) return side.counts[position] === 0 ? threshold : upper;
  }
  return threshold;
}

function outsideZero(side: OpenSide, schema: number, zeroThreshold: number): OpenSide {
  const from = side.indexes.findIndex((index) => exponentialBound(index - 1, schema) >= zeroThreshold);
  const start = from === -1 ? side.indexes.length : from;
  return withoutEmpty({
    indexes: side.indexes.slice(start),
    counts: side.counts.slice(start),
    errors: side.errors.slice(start),
  });
}

/** Adds the buckets of `side` to those of `target`, whose bounds are a subset of `bounds`. */
function mapToBounds(
  target: OpenSide,
  common: readonly number[],
  side: OpenSide,
  bounds: readonly number[],
  sign: 1 | -1,
): void {
  side.indexes.forEach((index, position) => {
    const bound = boundOf(index, -53, bounds);
    const found = common.findIndex((candidate) => candidate >= bound);
    const to = found === -1 ? common.length : found;
    increase(target, to, sign * side.counts[position]!, true);
    if (side.errors[position] !== 0) increase(target, to, sign * side.errors[position]!, true);
  });
}
