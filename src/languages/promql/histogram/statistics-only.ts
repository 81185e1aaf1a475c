import { CounterResetHint, type FloatHistogram } from "../../../series/float-histogram.ts";
import { detectReset } from "../../../series/histogram-reset.ts";

/**
 * Leaves of each native histogram only count, sum and whether a reset came before it (which the buckets told). Cheaper
 * to add up, and without warnings about buckets that nobody looks at. Source: Prometheus' HistogramStatsIterator.
 */
export function statisticsOnly(histograms: readonly (FloatHistogram | undefined)[]): (FloatHistogram | undefined)[] {
  let previous: FloatHistogram | undefined;
  return histograms.map((histogram) => {
    if (histogram === undefined) return undefined;
    const hint = hintOf(histogram, previous);
    previous = histogram;
    return bare(histogram, hint);
  });
}

function hintOf(histogram: FloatHistogram, previous: FloatHistogram | undefined): CounterResetHint {
  if (histogram.counterResetHint !== CounterResetHint.Unknown || previous === undefined)
    return histogram.counterResetHint;
  return detectReset(histogram, previous) ? CounterResetHint.Reset : CounterResetHint.NotReset;
}

function bare({ schema, count, sum }: FloatHistogram, counterResetHint: CounterResetHint): FloatHistogram {
  return {
    counterResetHint,
    schema,
    zeroThreshold: 0,
    zeroCount: 0,
    count,
    sum,
    positiveSpans: [],
    negativeSpans: [],
    positiveBuckets: [],
    negativeBuckets: [],
  };
}
