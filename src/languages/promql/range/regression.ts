import { PromqlError } from "../error.ts";
import { KahanSum } from "../execute/float-math.ts";
import { timeOf } from "../execute/grid.ts";
import { type StepSeries, setFloat } from "../execute/step-series.ts";
import type { Windows } from "./windows.ts";

/** `deriv`: the slope per second of the least-squares line through each window. */
export function derivatives(windows: Windows, out: StepSeries): void {
  overTwoFloats(windows, out, (_step, first, end) => {
    // A time near the values keeps the sums small and exact.
    return leastSquares(windows, first, end, windows.floats.timestamps[first]!).slope;
  });
}

/** `predict_linear`: where that line will be `seconds[step]` after the evaluation time. */
export function predictions(windows: Windows, out: StepSeries, seconds: Float64Array): void {
  overTwoFloats(windows, out, (step, first, end) => {
    const { slope, intercept } = leastSquares(windows, first, end, timeOf(windows.shape.grid, step));
    return slope * seconds[step]! + intercept;
  });
}

/** `double_exponential_smoothing` with a smoothing and a trend factor per step, both between 0 and 1. */
export function smoothings(windows: Windows, out: StepSeries, smoothing: Float64Array, trend: Float64Array): void {
  overTwoFloats(windows, out, (step, first, end) => {
    const smoothingFactor = requireFraction("smoothing", "sf", smoothing[step]!);
    const trendFactor = requireFraction("trend", "tf", trend[step]!);
    return smooth(windows.floats.values, first, end, smoothingFactor, trendFactor);
  });
}

function requireFraction(name: string, short: string, value: number): number {
  if (value <= 0 || value >= 1)
    throw new PromqlError("execution", `invalid ${name} factor. Expected: 0 < ${short} < 1, got: ${value.toFixed(6)}`);
  return value;
}

function smooth(values: Float64Array, first: number, end: number, smoothing: number, trend: number): number {
  let before = 0;
  let smoothed = values[first]!;
  let slope = values[first + 1]! - values[first]!;
  for (let index = first + 1; index < end; index++) {
    if (index > first + 1) slope = trend * (smoothed - before) + (1 - trend) * slope;
    const next = smoothing * values[index]! + (1 - smoothing) * (smoothed + slope);
    before = smoothed;
    smoothed = next;
  }
  return smoothed;
}

/** Windows of at least two floats; histograms beside them are ignored, which is said. */
function overTwoFloats(
  windows: Windows,
  out: StepSeries,
  compute: (step: number, first: number, end: number) => number,
): void {
  const { floatBounds, hasHistograms } = windows;
  for (let step = 0; step < out.kinds.length; step++) {
    const first = floatBounds.first[step]!;
    const end = floatBounds.end[step]!;
    if (first === end) continue;
    if (hasHistograms && windows.histogramBounds.end[step]! > windows.histogramBounds.first[step]!)
      windows.annotations.histogramIgnoredInMixedRange(windows.metric, windows.position);
    if (end - first >= 2) setFloat(out, step, compute(step, first, end));
  }
}

/** Slope per second, and value at `interceptMs`, of the least-squares line through a window's floats. */
function leastSquares(
  windows: Windows,
  first: number,
  end: number,
  interceptMs: number,
): { slope: number; intercept: number } {
  const { timestamps, values } = windows.floats;
  const sumX = new KahanSum();
  const sumY = new KahanSum();
  const sumXY = new KahanSum();
  const sumX2 = new KahanSum();
  const firstValue = values[first]!;
  let constant = true;
  for (let index = first; index < end; index++) {
    const x = (timestamps[index]! - interceptMs) / 1000;
    const y = values[index]!;
    if (index > first && y !== firstValue) constant = false;
    sumX.add(x);
    sumY.add(y);
    sumXY.add(x * y);
    sumX2.add(x * x);
  }
  if (constant) {
    const infinite = firstValue === Number.POSITIVE_INFINITY || firstValue === Number.NEGATIVE_INFINITY;
    return infinite ? { slope: Number.NaN, intercept: Number.NaN } : { slope: 0, intercept: firstValue };
  }
  const count = end - first;
  const covariance = sumXY.total - (sumX.total * sumY.total) / count;
  const variance = sumX2.total - (sumX.total * sumX.total) / count;
  const slope = covariance / variance;
  return { slope, intercept: sumY.total / count - (slope * sumX.total) / count };
}
