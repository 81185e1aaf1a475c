import { CounterResetHint, type FloatHistogram } from "../../../series/float-histogram.ts";
import { compactHistogram, divideHistogram } from "../../../series/histogram-arithmetic.ts";
import { detectReset } from "../../../series/histogram-reset.ts";
import { HistogramSum, IncompatibleHistogramsError } from "../../../series/histogram-sum.ts";
import { type StepSeries, setFloat, setHistogram } from "../execute/step-series.ts";
import { startedAnew } from "./start-timestamps.ts";
import type { Windows } from "./windows.ts";

interface Sample {
  readonly time: number;
  readonly start: number;
  readonly value: number;
  readonly histogram: FloatHistogram | undefined;
}

/** `irate` (per second) and `idelta`: the difference of the last two samples of each window. */
export function lastDifferences(windows: Windows, out: StepSeries, perSecond: boolean): void {
  for (let step = 0; step < out.kinds.length; step++) {
    const [previous, last] = lastTwo(windows, step);
    if (previous === undefined || last === undefined) continue;
    const interval = last.time - previous.time;
    if (interval === 0) continue;
    if (previous.histogram === undefined && last.histogram === undefined) {
      const reset = perSecond && (last.value < previous.value || anew(previous, last));
      const difference = reset ? last.value : last.value - previous.value;
      setFloat(out, step, perSecond ? difference / (interval / 1000) : difference);
    } else if (previous.histogram !== undefined && last.histogram !== undefined) {
      const difference = histogramDifference(windows, previous, last, perSecond);
      if (difference !== undefined)
        setHistogram(out, step, perSecond ? divideHistogram(difference, interval / 1000) : difference);
    } else windows.annotations.mixedFloatsHistograms(windows.metric, windows.position);
  }
}

function anew(previous: Sample, last: Sample): boolean {
  return startedAnew(previous.start, previous.time, last.start, last.time);
}

function histogramDifference(
  windows: Windows,
  previous: Sample,
  last: Sample,
  perSecond: boolean,
): FloatHistogram | undefined {
  const { annotations, metric, position } = windows;
  const before = previous.histogram!;
  const after = last.histogram!;
  const gauges = [before, after].filter(({ counterResetHint }) => counterResetHint === CounterResetHint.Gauge).length;
  if (perSecond && gauges > 0) annotations.histogramNotCounter(metric, position);
  if (!perSecond && gauges < 2) annotations.histogramNotGauge(metric, position);
  const difference = new HistogramSum(after, false);
  if (!perSecond || !(anew(previous, last) || detectReset(after, before))) {
    try {
      if (difference.add(before, -1).boundsReconciled) annotations.mismatchedCustomBuckets("subtraction", position);
    } catch (error) {
      if (!(error instanceof IncompatibleHistogramsError)) throw error;
      annotations.mixedBucketSchemas(metric, position);
      return undefined;
    }
  }
  return { ...compactHistogram(difference.close()), counterResetHint: CounterResetHint.Gauge };
}

/** The last two samples of a window, floats and histograms together, in order of time. */
function lastTwo(windows: Windows, step: number): (Sample | undefined)[] {
  const { floats, floatBounds, histograms, hasHistograms } = windows;
  const samples: Sample[] = [];
  const floatEnd = floatBounds.end[step]!;
  for (let index = Math.max(floatBounds.first[step]!, floatEnd - 2); index < floatEnd; index++) {
    const { timestamps, values, startTimestamps } = floats;
    const start = startTimestamps?.[index] ?? 0;
    samples.push({ time: timestamps[index]!, start, value: values[index]!, histogram: undefined });
  }
  if (hasHistograms) {
    const { first, end } = windows.histogramBounds;
    for (let index = Math.max(first[step]!, end[step]! - 2); index < end[step]!; index++) {
      const start = histograms.startTimestamps?.[index] ?? 0;
      const histogram = histograms.values[index]!;
      samples.push({ time: histograms.timestamps[index]!, start, value: Number.NaN, histogram });
    }
    samples.sort((left, right) => left.time - right.time);
  }
  return samples.length < 2 ? [] : samples.slice(-2);
}
