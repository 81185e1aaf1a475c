import { CounterResetHint, type FloatHistogram } from "../../../series/float-histogram.ts";
import { addHistograms, compactHistogram } from "../../../series/histogram-arithmetic.ts";
import { usesCustomBuckets } from "../../../series/histogram-buckets.ts";
import { detectReset } from "../../../series/histogram-reset.ts";
import { HistogramSum, IncompatibleHistogramsError } from "../../../series/histogram-sum.ts";
import { startedAnew } from "./start-timestamps.ts";
import type { Windows } from "./windows.ts";

/**
 * Last histogram minus first of a window of at least two, with what was lost at counter resets added. Undefined, with a
 * warning, where the histograms do not fit together. Source: Prometheus promql/functions.go, histogramRate.
 */
export function histogramIncrease(
  windows: Windows,
  first: number,
  end: number,
  counter: boolean,
): FloatHistogram | undefined {
  const { annotations, metric, position } = windows;
  const { values } = windows.histograms;
  const last = values[end - 1]!;
  // A first sample before a reset only counts as "what was lost", whatever its layout.
  const resetAtOnce = counter && resetBefore(windows, first + 1, values[first]!);
  const base = resetAtOnce ? emptyLike(values[first + 1]!) : values[first]!;
  const custom = usesCustomBuckets(base);
  const mixed = (histogram: FloatHistogram) => usesCustomBuckets(histogram) !== custom;
  const window = values.slice(first, end);
  const edgeIsGauge = counter && (isGauge(values[first]!) || isGauge(last));
  const mixedInside = counter && window.slice(1, -1).some(mixed);
  if (edgeIsGauge && (mixed(last) || !mixedInside)) annotations.histogramNotCounter(metric, position);
  if (mixed(last) || mixedInside) {
    annotations.mixedBucketSchemas(metric, position);
    return undefined;
  }
  if (counter && window.some(isGauge)) annotations.histogramNotCounter(metric, position);
  try {
    const sum = new HistogramSum(last, false);
    if (counter) sum.reduceTo(Math.min(base.schema, ...window.slice(1).map(({ schema }) => schema)));
    if (sum.add(base, -1).boundsReconciled) annotations.mismatchedCustomBuckets("subtraction", position);
    if (counter) addLosses(windows, sum, first, end, base);
    else if (!isGauge(values[first]!) || !isGauge(last)) annotations.histogramNotGauge(metric, position);
    return { ...compactHistogram(sum.close()), counterResetHint: CounterResetHint.Gauge };
  } catch (error) {
    if (!(error instanceof IncompatibleHistogramsError)) throw error;
    annotations.mixedBucketSchemas(metric, position);
    return undefined;
  }
}

/** `left + right` (or minus, with `sign` -1), or undefined with a warning where they do not fit together. */
export function addAnnotated(
  { annotations, metric, position }: Pick<Windows, "annotations" | "metric" | "position">,
  left: FloatHistogram,
  right: FloatHistogram,
  sign: 1 | -1 = 1,
): FloatHistogram | undefined {
  try {
    const { result, boundsReconciled } = addHistograms(left, right, sign);
    if (boundsReconciled) annotations.mismatchedCustomBuckets(sign === 1 ? "addition" : "subtraction", position);
    return result;
  } catch (error) {
    if (!(error instanceof IncompatibleHistogramsError)) throw error;
    annotations.mixedBucketSchemas(metric, position);
    return undefined;
  }
}

function addLosses(windows: Windows, sum: HistogramSum, first: number, end: number, base: FloatHistogram): void {
  const { values } = windows.histograms;
  let previous = base;
  for (let index = first + 1; index < end; index++) {
    if (resetBefore(windows, index, previous) && sum.add(previous).boundsReconciled)
      windows.annotations.mismatchedCustomBuckets("addition", windows.position);
    previous = values[index]!;
  }
}

/** Whether the counter was reset between the sample before `index`, which looks like `previous`, and `index`. */
function resetBefore(windows: Windows, index: number, previous: FloatHistogram): boolean {
  const { timestamps, values, startTimestamps } = windows.histograms;
  const restarted =
    startTimestamps !== undefined &&
    startedAnew(startTimestamps[index - 1]!, timestamps[index - 1]!, startTimestamps[index]!, timestamps[index]!);
  return restarted || detectReset(values[index]!, previous);
}

function isGauge(histogram: FloatHistogram): boolean {
  return histogram.counterResetHint === CounterResetHint.Gauge;
}

function emptyLike({ schema, customValues }: FloatHistogram): FloatHistogram {
  return {
    counterResetHint: CounterResetHint.Unknown,
    schema,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positiveSpans: [],
    negativeSpans: [],
    positiveBuckets: [],
    negativeBuckets: [],
    customValues,
  };
}
