import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { almostEqual, classicFraction, classicQuantile } from "./classic-buckets.ts";

const INF = Number.POSITIVE_INFINITY;
const buckets = (...pairs: [number, number][]) => pairs.map(([upper, count]) => ({ upper, count }));
const even = buckets([1, 10], [2, 20], [4, 40], [INF, 50]);

describe("quantile", () => {
  test.each<[number, number]>([
    [0, 0],
    [0.1, 0.5],
    [0.2, 1],
    [0.4, 2],
    [0.6, 3],
    [0.9, 4],
    [1, 4],
    [-1, -INF],
    [2, INF],
  ])("%d", (q, value) => expect(classicQuantile(q, even).value).toBeCloseTo(value));

  test("needs an infinite bucket, a second one, and observations", () => {
    expect(classicQuantile(0.5, buckets([1, 1])).value).toBeNaN();
    expect(classicQuantile(0.5, buckets([INF, 1])).value).toBeNaN();
    expect(classicQuantile(0.5, buckets([1, 0], [INF, 0])).value).toBeNaN();
    expect(classicQuantile(Number.NaN, even).value).toBeNaN();
  });

  test("lifts falling counts and says which", () => {
    expect(classicQuantile(0.5, buckets([1, 10], [2, 8], [INF, 20])).forced).toEqual({ min: 2, max: 2, difference: 2 });
    expect(classicQuantile(0.5, buckets([1, 10], [2, 10 - 1e-13], [INF, 20])).forced).toBeUndefined();
  });

  test("lies between the bounds of the filled buckets and grows with q", () => {
    const counts = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 3, maxLength: 8 });
    const property = fc.property(
      counts,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (list, a, b) => {
        let total = 1;
        const all = [
          ...list.map((count, index) => ({ upper: index + 1, count: (total += count) })),
          { upper: INF, count: total },
        ];
        const [low, high] = [Math.min(a, b), Math.max(a, b)].map((q) => classicQuantile(q, all).value) as [
          number,
          number,
        ];
        expect(low).toBeLessThanOrEqual(high + 1e-9);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(list.length);
      },
    );
    fc.assert(property, { seed: 1 });
  });
});

test.each<[number, number, number]>([
  [0, 1, 0.2],
  [1, 3, 0.4],
  [0, INF, 1],
  [3, 1, 0],
  [0.5, 1.5, 0.2],
])("fraction between %d and %d", (lower, upper, share) =>
  expect(classicFraction(lower, upper, even)).toBeCloseTo(share),
);

test("almost equal is relative, and NaN equals NaN", () => {
  expect(almostEqual(1, 1 + 1e-7, 1e-6)).toBe(true);
  expect(almostEqual(1, 1.1, 1e-6)).toBe(false);
  expect(almostEqual(Number.NaN, Number.NaN, 1e-6)).toBe(true);
  expect(almostEqual(0, 1e-9, 1e-6)).toBe(false);
});
