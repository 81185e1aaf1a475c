import type { Labels } from "../../series/labels.ts";

/** Points of one series over a step grid. */
export interface StepSeries {
  readonly labels: Labels;
  /** Shape [steps]. */
  readonly values: Float64Array;
  /** 1 where the series has a value; shape [steps]. */
  readonly present: Uint8Array;
}

/** Evenly spaced instants, both ends in; one step for an instant query. */
export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly steps: number;
}

/** What a metric expression is over a grid: one number throughout, or series. */
export type MetricResult =
  | { readonly kind: "scalar"; readonly value: number }
  | { readonly kind: "series"; readonly series: readonly StepSeries[] };

/** An empty series over a grid. */
export function makeSeries(labels: Labels, steps: number): StepSeries {
  return { labels, values: new Float64Array(steps), present: new Uint8Array(steps) };
}
