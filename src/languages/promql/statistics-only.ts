import { CounterResetHint, type FloatHistogram } from "../../series/float-histogram.ts";
import { detectReset } from "../../series/histogram-reset.ts";
import type { RangeSeries } from "./range-series.ts";

/**
 * Leaves of each native histogram only count, sum and whether a reset came before it (which the buckets told). Cheaper
 * to add up, and without warnings about buckets that nobody looks at. Source: Prometheus' HistogramStatsIterator.
 */
export function statisticsOnly(series: RangeSeries): RangeSeries {
  const { histograms } = series;
  if (histograms === undefined) return series;
  const values = histograms.values.map((histogram, index) => {
    const previous = histograms.values[index - 1];
    return bare(histogram, hintOf(histogram, previous));
  });
  return { ...series, histograms: { ...histograms, values } };
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
