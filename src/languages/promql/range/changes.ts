import type { FloatHistogram } from "../../../series/float-histogram.ts";
import { histogramsEqual } from "../../../series/histogram-equal.ts";
import { detectReset } from "../../../series/histogram-reset.ts";
import { type StepSeries, setFloat } from "../execute/step-series.ts";
import { startedAnew } from "./start-timestamps.ts";
import type { Windows } from "./windows.ts";

interface Sample {
  time: number;
  start: number;
  value: number;
  histogram: FloatHistogram | undefined;
}

/** `resets` counts steps down (or new starts), `changes` any step to a different value. */
export function countTransitions(
  windows: Windows,
  out: StepSeries,
  what: "resets" | "changes",
  anchored: boolean,
): void {
  const differs = what === "resets" ? isReset : isChange;
  for (let step = 0; step < out.kinds.length; step++) {
    const samples = samplesOf(windows, step, anchored);
    if (samples.length === 0) continue;
    let count = 0;
    for (let index = 1; index < samples.length; index++) if (differs(samples[index - 1]!, samples[index]!)) count++;
    setFloat(out, step, count);
  }
}

function isReset(previous: Sample, current: Sample): boolean {
  if ((previous.histogram === undefined) !== (current.histogram === undefined)) return true;
  if (startedAnew(previous.start, previous.time, current.start, current.time)) return true;
  if (previous.histogram === undefined || current.histogram === undefined) return current.value < previous.value;
  return detectReset(current.histogram, previous.histogram);
}

function isChange(previous: Sample, current: Sample): boolean {
  if ((previous.histogram === undefined) !== (current.histogram === undefined)) return true;
  if (previous.histogram === undefined || current.histogram === undefined)
    return current.value !== previous.value && !(Number.isNaN(current.value) && Number.isNaN(previous.value));
  return !histogramsEqual(current.histogram, previous.histogram);
}

/**
 * All samples of a window in order of time. With an anchor, which is the last sample at or before the window's start,
 * only it and what follows; nothing where nothing follows.
 */
function samplesOf(windows: Windows, step: number, anchored: boolean): Sample[] {
  const { floats, floatBounds, histograms, hasHistograms, shape } = windows;
  const samples: Sample[] = [];
  for (let index = floatBounds.first[step]!; index < floatBounds.end[step]!; index++) {
    const start = floats.startTimestamps?.[index] ?? 0;
    samples.push({ time: floats.timestamps[index]!, start, value: floats.values[index]!, histogram: undefined });
  }
  if (hasHistograms) {
    const { first, end } = windows.histogramBounds;
    for (let index = first[step]!; index < end[step]!; index++) {
      const start = histograms.startTimestamps?.[index] ?? 0;
      const histogram = histograms.values[index]!;
      samples.push({ time: histograms.timestamps[index]!, start, value: Number.NaN, histogram });
    }
    samples.sort((left, right) => left.time - right.time);
  }
  if (!anchored) return samples;
  const rangeStart = shape.endMs[step]! - shape.rangeMs;
  const following = samples.findIndex((sample) => sample.time > rangeStart);
  return following === -1 ? [] : samples.slice(Math.max(0, following - 1));
}
