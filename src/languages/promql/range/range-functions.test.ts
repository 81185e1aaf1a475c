import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Labels } from "../../../series/labels.ts";
import { Annotations } from "../execute/annotations.ts";
import { makeGrid } from "../execute/grid.ts";
import { ABSENT, newStepSeries } from "../execute/step-series.ts";
import { rangeFunctions } from "./range-functions.ts";
import type { RangeSeries } from "./range-series.ts";
import { Windows, windowShape } from "./windows.ts";

const NO_MARGINS = { beforeMs: 0, afterMs: 0 };

function seriesOf(samples: readonly (readonly [number, number])[]): RangeSeries {
  const timestamps = Float64Array.from(samples, ([time]) => time);
  const values = Float64Array.from(samples, ([, value]) => value);
  return {
    labels: Labels.fromRecord({ __name__: "m_total" }),
    dropName: false,
    floats: { timestamps, values },
    histograms: undefined,
  };
}

/** The function over windows of `rangeMs` ending at 0, 10, 20, … seconds; undefined where it gives nothing. */
function evaluate(
  name: string,
  samples: readonly (readonly [number, number])[],
  rangeMs: number,
  steps = 6,
): (number | undefined)[] {
  const grid = makeGrid(0, (steps - 1) * 10_000, 10_000);
  const windows = new Windows(windowShape(grid, { offsetMs: 0 }, rangeMs, NO_MARGINS), new Annotations(), {
    start: 0,
    end: 0,
  });
  windows.load(seriesOf(samples));
  const out = newStepSeries(Labels.EMPTY, true, steps);
  rangeFunctions.get(name)!(windows, out, [], undefined);
  return [...out.values].map((value, step) => (out.kinds[step] === ABSENT ? undefined : value));
}

const every10 = (...values: number[]) => values.map((value, index) => [index * 10_000, value] as const);

describe("rate, increase, delta", () => {
  test("extrapolates to both borders when samples are close to them", () => {
    // Window (10 s, 40 s]: samples at 20, 30, 40 s, one interval more than they span.
    expect(evaluate("increase", every10(100, 110, 120, 130, 140), 30_000)[4]).toBeCloseTo(30);
    expect(evaluate("rate", every10(100, 110, 120, 130, 140), 30_000)[4]).toBeCloseTo(1);
  });

  test("never extrapolates a counter below zero", () => {
    // From zero: the counter cannot have grown before its first sample.
    expect(evaluate("increase", every10(0, 10, 20), 60_000)[2]).toBeCloseTo(20);
  });

  test("adds what was lost at a reset, which delta does not", () => {
    expect(evaluate("increase", every10(10, 20, 5, 15), 30_000)[3]).toBeCloseTo(22.5);
    expect(evaluate("delta", every10(10, 20, 5, 15), 30_000)[3]).toBeCloseTo(-7.5);
  });

  test("one sample is not enough", () => expect(evaluate("rate", every10(1), 60_000)[0]).toBeUndefined());

  test("irate and idelta look at the last two", () => {
    expect(evaluate("irate", every10(0, 100, 5), 30_000).slice(0, 3)).toEqual([undefined, 10, 0.5]);
    expect(evaluate("idelta", every10(0, 100, 5), 30_000)[2]).toBe(-95);
  });
});

test.each<[string, number]>([
  ["sum_over_time", 13],
  ["avg_over_time", 13 / 4],
  ["count_over_time", 4],
  ["min_over_time", 1],
  ["max_over_time", 7],
  ["first_over_time", 3],
  ["last_over_time", 2],
  ["stdvar_over_time", 5.1875],
  ["mad_over_time", 1],
  ["changes", 3],
  ["resets", 2],
  ["present_over_time", 1],
  ["ts_of_max_over_time", 20],
  ["ts_of_last_over_time", 30],
  ["deriv", 0.03],
])("%s", (name, result) => expect(evaluate(name, every10(3, 1, 7, 2), 60_000)[3]).toBeCloseTo(result));

test("sums keep small numbers beside great ones, means survive an overflow", () => {
  expect(evaluate("sum_over_time", every10(1e100, 1, -1e100, 1), 60_000)[3]).toBe(2);
  expect(evaluate("avg_over_time", every10(1.7e308, 1.7e308, 1.7e308), 60_000)[2]).toBeCloseTo(1.7e308, -300);
});

test("windows hold the samples after their start up to their end", () => {
  const times = fc
    .uniqueArray(fc.integer({ min: -30_000, max: 60_000 }), { maxLength: 40 })
    .map((list) => list.sort((a, b) => a - b));
  const property = fc.property(times, fc.integer({ min: 1, max: 40_000 }), (list, rangeMs) => {
    const counts = evaluate(
      "count_over_time",
      list.map((time) => [time, 1] as const),
      rangeMs,
    );
    const naive = counts.map(
      (_, step) => list.filter((time) => time > step * 10_000 - rangeMs && time <= step * 10_000).length,
    );
    expect(counts.map((count) => count ?? 0)).toEqual(naive);
  });
  fc.assert(property, { seed: 1 });
});
