import { CounterResetHint, type FloatHistogram } from "../../../series/float-histogram.ts";
import { compactHistogram, divideHistogram } from "../../../series/histogram-arithmetic.ts";
import { usesCustomBuckets } from "../../../series/histogram-buckets.ts";
import { detectReset } from "../../../series/histogram-reset.ts";
import { interpolateFloats, interpolateHistograms } from "../execute/interpolate.ts";
import { type StepSeries, setFloat, setHistogram } from "../execute/step-series.ts";
import type { RateKind } from "./rate.ts";
import { addAnnotated } from "./rate-histogram.ts";
import type { Windows } from "./windows.ts";

/** Indexes of the samples that stand for the window's start and end, and the two times. */
interface Edges {
  readonly first: number;
  readonly last: number;
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * `rate`, `increase` and `delta` of an `anchored` or `smoothed` range: no extrapolation, but the value at the window's
 * borders, which is that of the sample before (anchored) or lies between two samples (smoothed).
 * Source: Prometheus promql/functions.go, extendedRate and extendedHistogramRate.
 */
export function extendedRates(windows: Windows, out: StepSeries, kind: RateKind, smoothed: boolean): void {
  const { floats, floatBounds, hasHistograms } = windows;
  for (let step = 0; step < out.kinds.length; step++) {
    const floatCount = floatBounds.end[step]! - floatBounds.first[step]!;
    const histograms = hasHistograms ? windows.histogramBounds : undefined;
    if (histograms !== undefined && histograms.end[step]! > histograms.first[step]!) {
      if (floatCount > 0) windows.annotations.mixedFloatsHistograms(windows.metric, windows.position);
      else histogramRate(windows, out, kind, smoothed, step);
      continue;
    }
    if (floatCount === 0) continue;
    const edges = edgesOf(windows, step, floats.timestamps, floatBounds.first[step]!, floatBounds.end[step]!, smoothed);
    if (edges === undefined) continue;
    const increase = floatIncrease(windows, edges, kind.counter, smoothed);
    setFloat(out, step, kind.perSecond ? increase / (windows.shape.rangeMs / 1000) : increase);
  }
}

function edgesOf(
  windows: Windows,
  step: number,
  timestamps: Float64Array,
  begin: number,
  end: number,
  smoothed: boolean,
): Edges | undefined {
  const endMs = windows.shape.endMs[step]!;
  const startMs = endMs - windows.shape.rangeMs;
  let last = end - 1;
  const after = search(timestamps, begin, last, (time) => time > startMs);
  const first = Math.max(begin, after - 1);
  if (smoothed) last = search(timestamps, begin, last, (time) => time >= endMs);
  if (timestamps[last]! <= startMs) return undefined;
  if (smoothed && timestamps[first]! > endMs) return undefined;
  return { first, last, startMs, endMs };
}

/** The first index in `[begin, end)` whose time passes, or `end`. */
function search(timestamps: Float64Array, begin: number, end: number, passes: (time: number) => boolean): number {
  let low = begin;
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (passes(timestamps[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function floatIncrease(windows: Windows, edges: Edges, counter: boolean, smoothed: boolean): number {
  const { timestamps, values } = windows.floats;
  const { first, last, startMs, endMs } = edges;
  const sample = (index: number) => ({ time: timestamps[index]!, value: values[index]! });
  const left =
    smoothed && timestamps[first]! < startMs
      ? interpolateFloats(sample(first), sample(first + 1), startMs, counter)
      : values[first]!;
  const right =
    smoothed && last > 0 && timestamps[last]! > endMs
      ? interpolateFloats(sample(last - 1), sample(last), endMs, counter)
      : values[last]!;
  let increase = right - left;
  if (!counter) return increase;
  // The borders have dealt with resets beside them already; what counts are the samples inside.
  const from = timestamps[first]! <= startMs ? first + 1 : first;
  const to = timestamps[last]! >= endMs ? last - 1 : last;
  let previous = left;
  for (let index = from; index <= to; index++) {
    if (values[index]! < previous) increase += previous;
    previous = values[index]!;
  }
  return right < previous ? increase + previous : increase;
}

function histogramRate(windows: Windows, out: StepSeries, kind: RateKind, smoothed: boolean, step: number): void {
  const { annotations, metric, position } = windows;
  const { timestamps } = windows.histograms;
  const { first: begin, end } = windows.histogramBounds;
  const edges = edgesOf(windows, step, timestamps, begin[step]!, end[step]!, smoothed);
  if (edges === undefined || !fitTogether(windows, edges, kind.counter)) return;
  const left = leftHistogram(windows, edges, kind.counter, smoothed);
  const right = left && rightHistogram(windows, edges, kind.counter, smoothed);
  if (left === undefined || right === undefined) return;
  const gauge = CounterResetHint.Gauge;
  if (!kind.counter && (left.counterResetHint !== gauge || right.counterResetHint !== gauge))
    annotations.histogramNotGauge(metric, position);
  let increase = addAnnotated(windows, right, left, -1);
  if (kind.counter) {
    for (const lost of lostAtResets(windows, edges, left, right, smoothed))
      increase = increase && addAnnotated(windows, increase, lost);
  }
  if (increase === undefined) return;
  const result = kind.perSecond ? divideHistogram(increase, windows.shape.rangeMs / 1000) : increase;
  setHistogram(out, step, { ...compactHistogram(result), counterResetHint: gauge });
}

function fitTogether(windows: Windows, { first, last }: Edges, counter: boolean): boolean {
  const { annotations, metric, position } = windows;
  const { values } = windows.histograms;
  const custom = usesCustomBuckets(values[first]!);
  for (let index = first; index <= last; index++) {
    if (usesCustomBuckets(values[index]!) !== custom) {
      annotations.mixedBucketSchemas(metric, position);
      return false;
    }
    if (counter && values[index]!.counterResetHint === CounterResetHint.Gauge)
      annotations.histogramNotCounter(metric, position);
  }
  return true;
}

function leftHistogram(
  windows: Windows,
  { first, startMs }: Edges,
  counter: boolean,
  smoothed: boolean,
): FloatHistogram | undefined {
  const { timestamps, values } = windows.histograms;
  if (!smoothed || timestamps[first]! >= startMs) return values[first]!;
  return interpolateHistograms(windows, pairAt(windows, first), startMs, counter);
}

function rightHistogram(
  windows: Windows,
  { last, endMs }: Edges,
  counter: boolean,
  smoothed: boolean,
): FloatHistogram | undefined {
  const { timestamps, values } = windows.histograms;
  if (!smoothed || last === 0 || timestamps[last]! <= endMs) return values[last]!;
  return interpolateHistograms(windows, pairAt(windows, last - 1), endMs, counter);
}

function pairAt(windows: Windows, index: number) {
  const { timestamps, values } = windows.histograms;
  return {
    before: values[index]!,
    beforeMs: timestamps[index]!,
    after: values[index + 1]!,
    afterMs: timestamps[index + 1]!,
  };
}

/** The histograms before each reset between the window's borders. */
function lostAtResets(
  windows: Windows,
  { first, last, startMs }: Edges,
  left: FloatHistogram,
  right: FloatHistogram,
  smoothed: boolean,
): FloatHistogram[] {
  const { timestamps, values } = windows.histograms;
  let from = first + 1;
  let previous = left;
  if (smoothed && timestamps[first]! < startMs && detectReset(values[first + 1]!, values[first]!)) {
    // The left border was interpolated across this reset and has dealt with it.
    previous = values[first + 1]!;
    from++;
  }
  const lost: FloatHistogram[] = [];
  // The last sample is represented by the right border, which carries its hint: looking at both would count it twice.
  if (from > last) return lost;
  for (let index = from; index < last; index++) {
    if (detectReset(values[index]!, previous)) lost.push(previous);
    previous = values[index]!;
  }
  if (detectReset(right, previous)) lost.push(previous);
  return lost;
}
