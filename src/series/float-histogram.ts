/** A run of consecutive buckets: `offset` empty buckets after the end of the previous span, then `length` buckets. */
export interface BucketSpan {
  readonly offset: number;
  readonly length: number;
}

/** Whether a histogram's counter was reset before this sample. Source: Prometheus model/histogram. */
export const CounterResetHint = { Unknown: 0, Reset: 1, NotReset: 2, Gauge: 3 } as const;
export type CounterResetHint = (typeof CounterResetHint)[keyof typeof CounterResetHint];

/** The schema number of histograms with custom bucket boundaries (`customValues`). */
export const CUSTOM_BUCKETS_SCHEMA = -53;

/**
 * A native histogram with absolute float bucket counts (not deltas), as Prometheus' FloatHistogram.
 * Spans describe which bucket indexes the counts of `positiveBuckets`/`negativeBuckets` belong to.
 */
export interface FloatHistogram {
  counterResetHint: CounterResetHint;
  schema: number;
  zeroThreshold: number;
  zeroCount: number;
  count: number;
  sum: number;
  positiveSpans: BucketSpan[];
  negativeSpans: BucketSpan[];
  positiveBuckets: number[];
  negativeBuckets: number[];
  /** Upper bounds of the buckets, only with `CUSTOM_BUCKETS_SCHEMA`. */
  customValues?: number[];
}
