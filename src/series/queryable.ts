import type { FloatHistogram } from "./float-histogram.ts";
import type { Labels } from "./labels.ts";

export type MatchType = "=" | "!=" | "=~" | "!~";

/** A label matcher; `value` is the literal or the RE2 pattern, which matches the whole value (anchored). */
export interface Matcher {
  readonly type: MatchType;
  readonly name: string;
  readonly value: string;
  /** True where the label value (`""` when the label is absent) matches. Compiled once. */
  matches(value: string): boolean;
}

/** One series as columns, sorted by time, no timestamp twice. Borrowed: do not write into the arrays. */
export interface SeriesColumns {
  readonly labels: Labels;
  /** Unix time in ms, shape [n]. */
  readonly timestamps: Float64Array;
  /**
   * Shape [n]. A staleness marker (see `series/stale.ts`) is always a float, also in a series of histograms. NaN where
   * `histograms` holds a sample.
   */
  readonly values: Float64Array;
  /** Shape [n], `undefined` for a float sample; absent for a series of floats only. */
  readonly histograms?: readonly (FloatHistogram | undefined)[];
  /** Start (created) timestamps in ms, shape [n], 0 where unknown; absent when no sample has one. */
  readonly startTimestamps?: Float64Array;
}

/** What the caller will do with the selected series, so that a store may drop what is not needed. */
export interface SelectHints {
  /** First and last wanted time, Unix ms, inclusive. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** Most series the caller accepts; 0 or absent for no limit. */
  readonly limit?: number;
  /** True when only the label sets are wanted (`/api/v1/series`): columns may be empty. */
  readonly labelsOnly?: boolean;
  readonly signal?: AbortSignal;
}

/** Where PromQL reads from: the metrics store, a test script's fixture, or a remote server. */
export interface Queryable {
  /** Series that match all matchers and have samples in the range, sorted by `compareLabels`. */
  select(matchers: readonly Matcher[], hints: SelectHints): SeriesColumns[] | Promise<SeriesColumns[]>;
  labelNames(matchers: readonly Matcher[], hints: SelectHints): string[] | Promise<string[]>;
  labelValues(name: string, matchers: readonly Matcher[], hints: SelectHints): string[] | Promise<string[]>;
}
