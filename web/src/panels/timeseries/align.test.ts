import fc from "fast-check";
import { expect, test } from "vitest";
import { alignSeries, stackSeries } from "./align.ts";

const input = (
  timesMs: number[],
  values: (number | null)[],
  intervalMs?: number,
  spanNulls: boolean | number = false,
) => ({ timesMs, values, intervalMs, spanNulls });

test("series with different times share one axis", () => {
  const { xSeconds, series } = alignSeries([input([1_000, 3_000], [1, 3]), input([2_000, 3_000], [20, 30])]);
  expect(xSeconds).toEqual([1, 2, 3]);
  expect(series).toEqual([
    [1, undefined, 3],
    [undefined, 20, 30],
  ]);
});

test("a gap longer than the interval breaks the line, unless it is to be spanned", () => {
  const times = [0, 1_000, 5_000];
  expect(alignSeries([input(times, [1, 2, 3], 1_000)]).series[0]).toEqual([1, 2, null, 3]);
  expect(alignSeries([input(times, [1, 2, 3], 1_000, true)]).series[0]).toEqual([1, 2, 3]);
  expect(alignSeries([input(times, [1, 2, 3], 1_000, 10_000)]).series[0]).toEqual([1, 2, 3]);
});

test("null and what no scale can hold are breaks", () => {
  expect(alignSeries([input([0, 1, 2], [1, null, Number.POSITIVE_INFINITY])]).series[0]).toEqual([1, null, null]);
  expect(alignSeries([])).toEqual({ xSeconds: [], series: [] });
});

test("stacks sum from below, holes count as zero", () => {
  const sparse: (number | undefined)[] = new Array(3);
  sparse[1] = 5;
  expect(stackSeries([[1, 2, 3], sparse, [10, 10, 10]], false)).toEqual([
    [1, 2, 3],
    [1, 7, 3],
    [11, 17, 13],
  ]);
  expect(
    stackSeries(
      [
        [1, 0],
        [3, 0],
      ],
      true,
    ),
  ).toEqual([
    [0.25, 0],
    [1, 0],
  ]);
  expect(stackSeries([[1, null]], false)).toEqual([[1, null]]);
});

test("every value finds its own time", () => {
  const points = fc.uniqueArray(fc.nat(200), { maxLength: 20 }).map((list) => list.sort((a, b) => a - b));
  fc.assert(
    fc.property(fc.array(points, { maxLength: 4 }), (lists) => {
      const { xSeconds, series } = alignSeries(lists.map((times) => input(times, times, 7)));
      lists.forEach((times, index) => {
        for (const time of times) expect(series[index]![xSeconds.indexOf(time / 1_000)]).toBe(time);
      });
    }),
  );
});
