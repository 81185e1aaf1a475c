import { describe, expect, test } from "vitest";
import { CounterResetHint, CUSTOM_BUCKETS_SCHEMA, type FloatHistogram } from "../../../series/float-histogram.ts";
import { Annotations } from "../execute/annotations.ts";
import { histogramFraction, histogramQuantile, histogramVariance } from "./histogram-statistics.ts";
import { trimHistogram } from "./histogram-trim.ts";

const context = { annotations: new Annotations(), metric: "m", position: { start: 0, end: 1 } };
const base: FloatHistogram = {
  counterResetHint: CounterResetHint.Unknown,
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 4,
  sum: 10,
  positiveSpans: [{ offset: 1, length: 2 }],
  negativeSpans: [],
  positiveBuckets: [2, 2],
  negativeBuckets: [],
};
const custom: FloatHistogram = {
  ...base,
  schema: CUSTOM_BUCKETS_SCHEMA,
  customValues: [2, 4],
  positiveSpans: [{ offset: 0, length: 2 }],
};

describe("quantile", () => {
  test("is exponential inside exponential buckets", () => {
    expect(histogramQuantile(0.5, base, context)).toBeCloseTo(2);
    expect(histogramQuantile(0.25, base, context)).toBeCloseTo(Math.SQRT2);
  });
  test("is linear inside custom buckets", () => expect(histogramQuantile(0.75, custom, context)).toBeCloseTo(3));
  test("of nothing is NaN, beyond [0, 1] infinite", () => {
    expect(histogramQuantile(0.5, { ...base, count: 0 }, context)).toBeNaN();
    expect(histogramQuantile(2, base, context)).toBe(Number.POSITIVE_INFINITY);
  });
  test("says where NaN observations skew it", () => {
    const annotations = new Annotations();
    histogramQuantile(0.1, { ...base, count: 5, sum: Number.NaN }, { ...context, annotations });
    expect(annotations.render("x").infos[0]).toMatch(
      /has NaN observations, result is skewed higher for metric name "m"/,
    );
  });
});

test("fraction and variance", () => {
  expect(histogramFraction(0, 2, base, context)).toBeCloseTo(0.5);
  expect(histogramFraction(2, 3, custom, context)).toBeCloseTo(0.25);
  expect(histogramFraction(3, 2, base, context)).toBe(0);
  const bounded = { ...custom, customValues: [0, 2, 4], positiveSpans: [{ offset: 1, length: 2 }] };
  expect(histogramVariance(bounded)).toBeCloseTo(((1 - 2.5) ** 2 + (3 - 2.5) ** 2) / 2);
});

test("trimming keeps what lies on one side", () => {
  expect(trimHistogram(custom, 3, "upper")).toMatchObject({ count: 3, positiveBuckets: [2, 1], sum: 2 * 1 + 1 * 2.5 });
  expect(trimHistogram(custom, 2, "lower")).toMatchObject({ count: 2, positiveBuckets: [2] });
  expect(trimHistogram(custom, 9, "upper")).toBe(custom);
});
