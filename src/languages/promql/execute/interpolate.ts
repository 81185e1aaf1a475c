import { CounterResetHint, type FloatHistogram } from "../../../series/float-histogram.ts";
import { multiplyHistogram } from "../../../series/histogram-arithmetic.ts";
import { usesCustomBuckets } from "../../../series/histogram-buckets.ts";
import { detectReset } from "../../../series/histogram-reset.ts";
import { addAnnotated } from "../range/rate-histogram.ts";
import type { Windows } from "../range/windows.ts";

/** The value at `time` on the line between two samples; a counter that was reset between them rises from zero. */
export function interpolateFloats(
  before: { time: number; value: number },
  after: { time: number; value: number },
  time: number,
  counter: boolean,
): number {
  const from = counter && after.value < before.value ? 0 : before.value;
  return from + ((after.value - from) * (time - before.time)) / (after.time - before.time);
}

/** Two histograms with their times in Unix ms. */
export interface HistogramPair {
  readonly before: FloatHistogram;
  readonly beforeMs: number;
  readonly after: FloatHistogram;
  readonly afterMs: number;
}

/** The same for histograms; undefined, with a warning, where they do not fit together. */
export function interpolateHistograms(
  annotate: Pick<Windows, "annotations" | "metric" | "position">,
  pair: HistogramPair,
  timeMs: number,
  counter: boolean,
): FloatHistogram | undefined {
  const { before, beforeMs, after, afterMs } = pair;
  if (timeMs === beforeMs) return before;
  if (timeMs === afterMs) return after;
  const fraction = (timeMs - beforeMs) / (afterMs - beforeMs);
  if (counter && detectReset(after, before)) return multiplyHistogram(after, fraction);
  const difference = addAnnotated(annotate, after, before, -1);
  return difference && addAnnotated(annotate, multiplyHistogram(difference, fraction), before);
}

/** What a smoothed selector finds at a time between two histograms. */
export function smoothedHistogram(
  annotate: Pick<Windows, "annotations" | "metric" | "position">,
  pair: HistogramPair,
  timeMs: number,
): FloatHistogram | undefined {
  if (usesCustomBuckets(pair.before) !== usesCustomBuckets(pair.after)) {
    annotate.annotations.mixedBucketSchemas(annotate.metric, annotate.position);
    return undefined;
  }
  const gauge = CounterResetHint.Gauge;
  const counter = pair.before.counterResetHint !== gauge || pair.after.counterResetHint !== gauge;
  return interpolateHistograms(annotate, pair, timeMs, counter);
}
