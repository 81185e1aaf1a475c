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
    const firstTime = floats.timestamps[first]!;
    const fromStart = beganInWindow(windows, step, start, firstTime);
    // A series that began inside the window began at zero: its first sample counts as increase.
    if (fromStart) increase += values[first]!;
    else if (end - first === 1) continue;
    const lastTime = floats.timestamps[end - 1]!;
    const counted = fromStart ? start : firstTime;
    setFloat(
      out,
      step,
      increase *
        extrapolation(windows, step, counted, firstTime, lastTime, end - first - 1, kind, increase, values[first]!),
    );
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

/** Whether a series has its start timestamp (Unix ms, 0 for none) between the window's start and its first sample. */
function beganInWindow({ shape }: Windows, step: number, startTimestamp: number, firstTime: number): boolean {
  return startTimestamp !== 0 && startTimestamp > shape.endMs[step]! - shape.rangeMs && startTimestamp < firstTime;
}

/**
 * What the increase is multiplied with, to stretch it to the window's borders, the division by seconds included. Close
 * to a border (up to 110 % of the average distance of samples) it is stretched to the border, else by half that
 * distance; a counter never beyond its zero. `countedFrom` is earlier than `firstTime` where the series began in the
 * window; then nothing is stretched to the left.
 */
function extrapolation(
  { shape }: Windows,
  step: number,
  countedFrom: number,
  firstTime: number,
  lastTime: number,
  intervals: number,
  kind: RateKind,
  increase: number,
  firstValue: number,
): number {
  const rangeEnd = shape.endMs[step]!;
  const rangeStart = rangeEnd - shape.rangeMs;
  const average = intervals > 0 ? (lastTime - firstTime) / 1000 / intervals : 0;
  const threshold = average * 1.1;
  const sampled = (lastTime - countedFrom) / 1000;
  let toStart = 0;
  if (countedFrom === firstTime) {
    toStart = (firstTime - rangeStart) / 1000;
    if (toStart >= threshold) toStart = average / 2;
    if (kind.counter && increase > 0 && firstValue >= 0) {
      const toZero = sampled * (firstValue / increase);
      if (toZero < toStart) toStart = toZero;
    }
  }
  let toEnd = (rangeEnd - lastTime) / 1000;
  if (toEnd >= threshold) toEnd = average / 2;
  const factor = sampled === 0 ? 1 : (sampled + toStart + toEnd) / sampled;
  return kind.perSecond ? factor / (shape.rangeMs / 1000) : factor;
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
  const firstHistogram = values[first]!;
  const firstTime = timestamps[first]!;
  const fromStart = beganInWindow(windows, step, start, firstTime);
  if (!fromStart && increase === undefined) return;
  const counted = fromStart ? start : firstTime;
  const lastTime = timestamps[end - 1]!;
  const grown = increase?.count ?? 0;
  const factor = extrapolation(
    windows,
    step,
    counted,
    firstTime,
    lastTime,
    end - first - 1,
    kind,
    grown,
    firstHistogram.count,
  );
  const result =
    fromStart && increase !== undefined
      ? addAnnotated(windows, increase, firstHistogram)
      : (increase ?? firstHistogram);
  if (result !== undefined) setHistogram(out, step, multiplyHistogram(result, factor));
}
