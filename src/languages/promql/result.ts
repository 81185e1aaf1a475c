import type { FloatHistogram } from "../../series/float-histogram.ts";
import type { Labels } from "../../series/labels.ts";

/** One sample of an instant query; `value` is NaN where `histogram` is present. */
export interface VectorSample {
  readonly labels: Labels;
  readonly timeMs: number;
  readonly value: number;
  readonly histogram?: FloatHistogram;
}

/** One series of a matrix: float samples and histogram samples in two pairs of columns, each sorted by time. */
export interface MatrixSeries {
  readonly labels: Labels;
  /** Unix ms, shape [n]. */
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  /** Shape [m]; both empty for a series of floats only. */
  readonly histogramTimestamps: Float64Array;
  readonly histograms: readonly FloatHistogram[];
}

export type QueryValue =
  /** Sorted only where the query sorts (`sort`, `topk`, …). */
  | { readonly type: "vector"; readonly samples: readonly VectorSample[] }
  /** Sorted by labels. */
  | { readonly type: "matrix"; readonly series: readonly MatrixSeries[] }
  | { readonly type: "scalar"; readonly timeMs: number; readonly value: number }
  | { readonly type: "string"; readonly timeMs: number; readonly value: string };

interface QueryStatistics {
  /** Samples that selectors and subqueries handed to the evaluation, counted at every step they were used. */
  readonly totalQueryableSamples: number;
  /** Most samples held at once. */
  readonly peakSamples: number;
}

export interface QueryResult {
  readonly value: QueryValue;
  /** Complete sentences (`PromQL warning: … (1:6)`), without duplicates. */
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly statistics: QueryStatistics;
}
