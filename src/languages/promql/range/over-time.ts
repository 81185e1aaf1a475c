import { KahanSum } from "../execute/float-math.ts";
import { quantileOf } from "../execute/quantile.ts";
import { type StepSeries, setFloat, setHistogram } from "../execute/step-series.ts";
import { averageOfHistograms, sumOfHistograms } from "./over-time-histogram.ts";
import { histogramsIn, type Windows } from "./windows.ts";

/** A function of the floats `values[first..end)` of a window. */
type FloatWindow = (values: Float64Array, first: number, end: number, timestamps: Float64Array) => number;

/** Floats only; a window that also holds histograms says so, one that holds nothing else is left out. */
export function overFloats(windows: Windows, out: StepSeries, compute: FloatWindow): void {
  const { floats, floatBounds, hasHistograms } = windows;
  for (let step = 0; step < out.kinds.length; step++) {
    const first = floatBounds.first[step]!;
    const end = floatBounds.end[step]!;
    if (first === end) continue;
    if (hasHistograms && windows.histogramBounds.end[step]! > windows.histogramBounds.first[step]!)
      windows.annotations.histogramIgnoredInMixedRange(windows.metric, windows.position);
    setFloat(out, step, compute(floats.values, first, end, floats.timestamps));
  }
}

/** Floats or histograms, but not both in one window. */
function overEither(
  windows: Windows,
  out: StepSeries,
  floatWindow: FloatWindow,
  histogramWindow: typeof sumOfHistograms,
): void {
  const { floats, floatBounds, hasHistograms } = windows;
  for (let step = 0; step < out.kinds.length; step++) {
    const first = floatBounds.first[step]!;
    const end = floatBounds.end[step]!;
    if (hasHistograms && windows.histogramBounds.end[step]! > windows.histogramBounds.first[step]!) {
      if (end > first) {
        windows.annotations.mixedFloatsHistograms(windows.metric, windows.position);
        continue;
      }
      const result = histogramWindow(windows, histogramsIn(windows, step));
      if (result !== undefined) setHistogram(out, step, result);
    } else if (end > first) setFloat(out, step, floatWindow(floats.values, first, end, floats.timestamps));
  }
}

export function sumOverTime(windows: Windows, out: StepSeries): void {
  overEither(windows, out, sumFloats, sumOfHistograms);
}

export function averageOverTime(windows: Windows, out: StepSeries): void {
  overEither(windows, out, averageFloats, averageOfHistograms);
}

function sumFloats(values: Float64Array, first: number, end: number): number {
  const sum = new KahanSum();
  for (let index = first; index < end; index++) sum.add(values[index]!);
  return Number.isFinite(sum.sum) || Number.isNaN(sum.sum) ? sum.total : sum.sum;
}

/** The mean; where the sum would leave the range of floats, it goes on as a running mean. */
function averageFloats(values: Float64Array, first: number, end: number): number {
  const sum = new KahanSum(values[first]!);
  for (let index = first + 1; index < end; index++) {
    const { sum: before, compensation } = sum;
    sum.add(values[index]!);
    if (sum.sum === Number.POSITIVE_INFINITY || sum.sum === Number.NEGATIVE_INFINITY) {
      const count = index - first;
      return runningMean(values, index, end, count, new KahanSum(before / count, compensation / count));
    }
  }
  const count = end - first;
  return sum.sum / count + sum.compensation / count;
}

function runningMean(values: Float64Array, from: number, end: number, already: number, mean: KahanSum): number {
  let count = already;
  for (let index = from; index < end; index++) {
    count++;
    const weight = (count - 1) / count;
    mean.sum *= weight;
    mean.compensation *= weight;
    mean.add(values[index]! / count);
  }
  return mean.total;
}

export function maxOf(values: Float64Array, first: number, end: number): number {
  let max = values[first]!;
  for (let index = first; index < end; index++) if (values[index]! > max || Number.isNaN(max)) max = values[index]!;
  return max;
}

export function minOf(values: Float64Array, first: number, end: number): number {
  let min = values[first]!;
  for (let index = first; index < end; index++) if (values[index]! < min || Number.isNaN(min)) min = values[index]!;
  return min;
}

/** Seconds of the last greatest (`sign` 1) or least (`sign` -1) value. */
export function timeOfExtreme(sign: 1 | -1): FloatWindow {
  return (values, first, end, timestamps) => {
    let extreme = first;
    for (let index = first; index < end; index++) {
      if (values[index]! * sign >= values[extreme]! * sign || Number.isNaN(values[extreme]!)) extreme = index;
    }
    return timestamps[extreme]! / 1000;
  };
}

export function variance(values: Float64Array, first: number, end: number): number {
  const mean = new KahanSum();
  const squares = new KahanSum();
  let count = 0;
  for (let index = first; index < end; index++) {
    count++;
    const delta = values[index]! - mean.total;
    mean.add(delta / count);
    squares.add(delta * (values[index]! - mean.total));
  }
  return squares.total / count;
}

/** Median absolute deviation. */
export function medianDeviation(values: Float64Array, first: number, end: number): number {
  const window = values.slice(first, end);
  if (window.some(Number.isNaN)) return Number.NaN;
  const median = quantileOf(0.5, window);
  return quantileOf(
    0.5,
    window.map((value) => Math.abs(value - median)),
  );
}

export function countOverTime(windows: Windows, out: StepSeries): void {
  forEachCount(windows, out, (step, count) => setFloat(out, step, count));
}

export function presentOverTime(windows: Windows, out: StepSeries): void {
  forEachCount(windows, out, (step) => setFloat(out, step, 1));
}

function forEachCount(windows: Windows, out: StepSeries, visit: (step: number, count: number) => void): void {
  const { floatBounds, hasHistograms } = windows;
  for (let step = 0; step < out.kinds.length; step++) {
    let count = floatBounds.end[step]! - floatBounds.first[step]!;
    if (hasHistograms) count += windows.histogramBounds.end[step]! - windows.histogramBounds.first[step]!;
    if (count > 0) visit(step, count);
  }
}

/** The first or last sample of each window: itself, or its time in seconds. */
export function edgeOverTime(
  windows: Windows,
  out: StepSeries,
  edge: "first" | "last",
  wanted: "value" | "time",
): void {
  const { floats, floatBounds, histograms, hasHistograms } = windows;
  for (let step = 0; step < out.kinds.length; step++) {
    const float = edgeIndex(floatBounds.first[step]!, floatBounds.end[step]!, edge);
    const bounds = hasHistograms ? windows.histogramBounds : undefined;
    const histogram = bounds === undefined ? -1 : edgeIndex(bounds.first[step]!, bounds.end[step]!, edge);
    if (float < 0 && histogram < 0) continue;
    const floatTime = floats.timestamps[float];
    const histogramTime = histograms.timestamps[histogram];
    const isFloat =
      histogramTime === undefined ||
      (floatTime !== undefined && (edge === "first" ? floatTime < histogramTime : histogramTime < floatTime));
    if (wanted === "time") setFloat(out, step, (isFloat ? floatTime! : histogramTime!) / 1000);
    else if (isFloat) setFloat(out, step, floats.values[float]!);
    else setHistogram(out, step, histograms.values[histogram]!);
  }
}

function edgeIndex(first: number, end: number, edge: "first" | "last"): number {
  if (first === end) return -1;
  return edge === "first" ? first : end - 1;
}
