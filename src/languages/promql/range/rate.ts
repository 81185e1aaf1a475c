import type { FloatHistogram } from "../../../series/float-histogram.ts";
import { multiplyHistogram } from "../../../series/histogram-arithmetic.ts";
import { type StepSeries, setFloat, setHistogram } from "../execute/step-series.ts";
import type { FloatColumn } from "./range-series.ts";
import { addAnnotated, histogramIncrease } from "./rate-histogram.ts";
import { startedAnew, startOverlaps } from "./start-timestamps.ts";
import type { Windows } from "./windows.ts";

/** What `rate`, `increase` and `delta` differ in. */
export interface RateKind {
  /** Decreases are resets. */
  readonly counter: boolean;
  /** Per second, not over the range. */
  readonly perSecond: boolean;
}

/**
 * `rate`, `increase` and `delta`: the difference of last and first sample of each window, corrected for counter resets
 * and extrapolated to the window's borders exactly as Prometheus does (promql/functions.go, extrapolatedRate).
 */
export function extrapolatedRates(windows: Windows, out: StepSeries, kind: RateKind): void {
  const { floats, floatBounds, hasHistograms } = windows;
  const resets = kind.counter ? resetIndexes(floats) : [];
  const { values, startTimestamps } = floats;
  let nextReset = 0;
  for (let step = 0; step < out.kinds.length; step++) {
    const first = floatBounds.first[step]!;
    const end = floatBounds.end[step]!;
    if (hasHistograms && windows.histogramBounds.end[step]! > windows.histogramBounds.first[step]!) {
      if (end > first) windows.annotations.mixedFloatsHistograms(windows.metric, windows.position);
      else histogramRate(windows, out, kind, step);
      continue;
    }
    if (end === first) continue;
    let increase = values[end - 1]! - values[first]!;
    while (nextReset < resets.length && resets[nextReset]! <= first) nextReset++;
    for (let at = nextReset; at < resets.length && resets[at]! < end; at++) increase += values[resets[at]! - 1]!;
    if (startTimestamps !== undefined && kind.counter) warnOfOverlap(windows, floats, first, end);
    const start = kind.counter && startTimestamps !== undefined ? startTimestamps[first]! : 0;
    const span = extrapolate(windows, step, floats.timestamps, first, end, start, kind, increase, values[first]!);
    if (span === undefined) continue;
    setFloat(out, step, (increase + (span.fromStart ? values[first]! : 0)) * span.factor);
  }
}

/** Indexes of samples that are lower than, or started after, the sample before them. */
function resetIndexes({ timestamps, values, startTimestamps }: FloatColumn): number[] {
  const resets: number[] = [];
  for (let index = 1; index < values.length; index++) {
    if (values[index]! < values[index - 1]!) resets.push(index);
    else if (
      startTimestamps !== undefined &&
      startedAnew(startTimestamps[index - 1]!, timestamps[index - 1]!, startTimestamps[index]!, timestamps[index]!)
    )
      resets.push(index);
  }
  return resets;
}

function warnOfOverlap(
  windows: Windows,
  { timestamps, startTimestamps }: { timestamps: Float64Array; startTimestamps?: Float64Array },
  first: number,
  end: number,
): void {
  if (startTimestamps === undefined) return;
  for (let index = first + 1; index < end; index++) {
    if (startOverlaps(startTimestamps[index - 1]!, timestamps[index - 1]!, startTimestamps[index]!)) {
      windows.annotations.startTimeOverlap(windows.metric, windows.position);
      return;
    }
  }
}

interface Extrapolation {
  /** What the increase is multiplied with, the division by the range's seconds included. */
  readonly factor: number;
  /** The series began inside the window, from zero: the first sample counts as increase. */
  readonly fromStart: boolean;
}

/**
 * How far the increase between the samples has to be stretched. Close to a border (up to 110 % of the average distance
 * of samples) it is stretched to the border, else by half that distance; a counter never beyond its zero.
 * Undefined where one sample is not enough.
 */
function extrapolate(
  windows: Windows,
  step: number,
  timestamps: Float64Array,
  first: number,
  end: number,
  startTimestamp: number,
  kind: RateKind,
  increase: number,
  firstValue: number,
): Extrapolation | undefined {
  const { shape } = windows;
  const rangeEnd = shape.endMs[step]!;
  const rangeStart = rangeEnd - shape.rangeMs;
  const firstTime = timestamps[first]!;
  const lastTime = timestamps[end - 1]!;
  const intervals = end - first - 1;
  let toStart = (firstTime - rangeStart) / 1000;
  let toEnd = (rangeEnd - lastTime) / 1000;
  let sampled = (lastTime - firstTime) / 1000;
  const average = intervals > 0 ? sampled / intervals : 0;
  const threshold = average * 1.1;
  const fromStart = startTimestamp !== 0 && startTimestamp > rangeStart && startTimestamp < firstTime;
  if (fromStart) {
    toStart = 0;
    sampled = (lastTime - startTimestamp) / 1000;
  } else {
    if (intervals === 0) return undefined;
    if (toStart >= threshold) toStart = average / 2;
    if (kind.counter) {
      const toZero = increase > 0 && firstValue >= 0 ? sampled * (firstValue / increase) : toStart;
      if (toZero < toStart) toStart = toZero;
    }
  }
  if (toEnd >= threshold) toEnd = average / 2;
  let factor = sampled === 0 ? 1 : (sampled + toStart + toEnd) / sampled;
  if (kind.perSecond) factor /= shape.rangeMs / 1000;
  return { factor, fromStart };
}

function histogramRate(windows: Windows, out: StepSeries, kind: RateKind, step: number): void {
  const { timestamps, values, startTimestamps } = windows.histograms;
  const first = windows.histogramBounds.first[step]!;
  const end = windows.histogramBounds.end[step]!;
  const start = kind.counter ? (startTimestamps?.[first] ?? 0) : 0;
  let increase: FloatHistogram | undefined;
  if (end - first > 1) {
    increase = histogramIncrease(windows, first, end, kind.counter);
    if (increase === undefined) return;
    if (kind.counter) warnOfOverlap(windows, windows.histograms, first, end);
  }
  const firstCount = values[first]!.count;
  const span = extrapolate(windows, step, timestamps, first, end, start, kind, increase?.count ?? 0, firstCount);
  if (span === undefined) return;
  let result = increase ?? values[first]!;
  if (span.fromStart && increase !== undefined) {
    const sum = addAnnotated(windows, increase, values[first]!);
    if (sum === undefined) return;
    result = sum;
  }
  setHistogram(out, step, multiplyHistogram(result, span.factor));
}
