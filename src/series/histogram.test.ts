import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CounterResetHint, CUSTOM_BUCKETS_SCHEMA, type FloatHistogram } from "./float-histogram.ts";
import { addHistograms, compactHistogram, divideHistogram, multiplyHistogram } from "./histogram-arithmetic.ts";
import { allBuckets, exponentialBound, sideOf, spansOf } from "./histogram-buckets.ts";
import { histogramsEqual } from "./histogram-equal.ts";
import { detectReset } from "./histogram-reset.ts";
import { HistogramSum, IncompatibleHistogramsError } from "./histogram-sum.ts";
import { histogramExpression, histogramText } from "./histogram-text.ts";

function histogram(fields: Partial<FloatHistogram>): FloatHistogram {
  return {
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
    ...fields,
  };
}
const positive = (offset: number, ...counts: number[]): Partial<FloatHistogram> => ({
  positiveSpans: [{ offset, length: counts.length }],
  positiveBuckets: counts,
  count: counts.reduce((sum, count) => sum + count, 0),
});

describe("buckets", () => {
  test.each<[number, number, number]>([
    [0, 0, 1],
    [1, 0, 2],
    [-1, 0, 0.5],
    [1, -1, 4],
    [8, 3, 2],
    [1024, 0, Number.MAX_VALUE],
    [4, 3, Math.SQRT2],
  ])("bound %d of schema %d is %d", (index, schema, bound) =>
    expect(exponentialBound(index, schema)).toBeCloseTo(bound, 12),
  );

  test("spans hold exactly the indexes", () => {
    const indexes = fc.uniqueArray(fc.integer({ min: -50, max: 50 })).map((list) => list.sort((a, b) => a - b));
    const property = fc.property(indexes, (list) => {
      expect(sideOf(spansOf(list), list).indexes).toEqual(list);
    });
    fc.assert(property, { seed: 1 });
  });

  test("all buckets ascend, and the zero bucket cuts its neighbours", () => {
    const buckets = allBuckets(
      histogram({
        zeroThreshold: 0.75,
        zeroCount: 1,
        positiveSpans: [{ offset: 0, length: 2 }],
        positiveBuckets: [2, 3],
        negativeSpans: [{ offset: 0, length: 1 }],
        negativeBuckets: [4],
      }),
    );
    expect(buckets.map(({ lower, upper, count }) => [lower, upper, count])).toEqual([
      [-1, -0.75, 4],
      [-0.75, 0.75, 1],
      [0.75, 1, 2],
      [1, 2, 3],
    ]);
  });
});

describe("arithmetic", () => {
  const small = histogram(positive(1, 1, 2));

  test("adds bucket by bucket, in the coarser schema", () => {
    const { result } = addHistograms(small, histogram({ ...positive(2, 5), sum: 7 }));
    expect(result).toMatchObject({
      count: 8,
      sum: 7,
      positiveBuckets: [1, 7],
      positiveSpans: [{ offset: 1, length: 2 }],
    });
    const fine = histogram({ schema: 1, ...positive(1, 1, 1, 1, 1) });
    expect(addHistograms(fine, small).result).toMatchObject({ schema: 0, positiveBuckets: [3, 4] });
  });

  test("widens the narrower zero bucket", () => {
    const wide = histogram({ zeroThreshold: 1.5, zeroCount: 1, count: 1 });
    const { result } = addHistograms(small, wide);
    // The bucket (1, 2] straddles 1.5, so the zero bucket grows to 2.
    expect(result).toMatchObject({ zeroThreshold: 2, zeroCount: 2, positiveBuckets: [2] });
  });

  test("custom buckets keep the common bounds, and say so", () => {
    const custom = (customValues: number[], ...counts: number[]) =>
      histogram({ schema: CUSTOM_BUCKETS_SCHEMA, customValues, ...positive(0, ...counts) });
    const sum = addHistograms(custom([1, 2, 3], 1, 1, 1, 1), custom([2, 4], 1, 1, 1));
    expect(sum).toMatchObject({ boundsReconciled: true, result: { customValues: [2], positiveBuckets: [3, 4] } });
    expect(() => addHistograms(custom([1], 1), small)).toThrow(IncompatibleHistogramsError);
  });

  test("conflicting reset hints collide", () => {
    const reset = histogram({ ...small, counterResetHint: CounterResetHint.Reset });
    const notReset = histogram({ ...small, counterResetHint: CounterResetHint.NotReset });
    expect(addHistograms(reset, notReset)).toMatchObject({ resetCollision: true, result: { counterResetHint: 0 } });
  });

  test("what is added can be taken away again", () => {
    const counts = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 8 });
    const any = fc
      .tuple(fc.integer({ min: -5, max: 5 }), counts)
      .map(([offset, list]) => histogram(positive(offset, ...list)));
    const property = fc.property(any, any, (left, right) => {
      const back = addHistograms(addHistograms(left, right).result, right, -1).result;
      expect(histogramsEqual(compactHistogram(back), compactHistogram(left))).toBe(true);
    });
    fc.assert(property, { seed: 1 });
  });

  test("Kahan's summation keeps what plain sums lose", () => {
    const sum = new HistogramSum(histogram({ sum: 1e16 }), true);
    for (let index = 0; index < 10; index++) sum.add(histogram({ sum: 1 }));
    expect(sum.close().sum).toBe(1e16 + 10);
    expect(sum.overflowed).toBe(false);
  });

  test("scaling", () => {
    expect(multiplyHistogram(small, -2)).toMatchObject({
      count: -6,
      positiveBuckets: [-2, -4],
      counterResetHint: CounterResetHint.Gauge,
    });
    expect(divideHistogram(small, 0)).toMatchObject({ count: Number.POSITIVE_INFINITY, positiveBuckets: [] });
  });
});

describe("counter resets", () => {
  test.each<[string, Partial<FloatHistogram>, Partial<FloatHistogram>, boolean]>([
    ["grows", positive(1, 1, 2), positive(1, 2, 2), false],
    ["a bucket falls", positive(1, 2, 2), { ...positive(1, 1, 4) }, true],
    ["a bucket vanishes", positive(1, 2, 2), positive(2, 5), true],
    ["the schema gets finer", positive(1, 1), { schema: 1, ...positive(1, 1, 1) }, true],
    ["the hint says so", positive(1, 1), { ...positive(1, 5), counterResetHint: CounterResetHint.Reset }, true],
    ["the hint denies it", positive(1, 5), { ...positive(1, 1), counterResetHint: CounterResetHint.NotReset }, false],
  ])("%s", (_name, before, after, reset) => {
    expect(detectReset(histogram(after), histogram(before))).toBe(reset);
  });

  test("custom bounds that differ are compared between the common ones", () => {
    const custom = (customValues: number[], ...counts: number[]) =>
      histogram({ schema: CUSTOM_BUCKETS_SCHEMA, customValues, ...positive(0, ...counts) });
    expect(detectReset(custom([2], 2, 1), custom([1, 2], 1, 1, 1))).toBe(false);
    expect(detectReset(custom([2], 1, 4), custom([1, 2], 1, 1, 1))).toBe(true);
  });
});

test("prints as Prometheus does", () => {
  const sample = histogram({
    ...positive(1, 1, 0, 2),
    sum: 7,
    zeroCount: 1,
    zeroThreshold: 0.5,
    negativeSpans: [{ offset: 0, length: 1 }],
    negativeBuckets: [3],
  });
  expect(histogramText(sample)).toBe("{count:3, sum:7, [-1,-0.5):3, [-0.5,0.5]:1, (1,2]:1, (4,8]:2}");
  expect(histogramExpression(sample)).toBe(
    "{{count:3 sum:7 z_bucket:1 z_bucket_w:0.5 offset:1 buckets:[1 0 2] n_buckets:[3]}}",
  );
});
