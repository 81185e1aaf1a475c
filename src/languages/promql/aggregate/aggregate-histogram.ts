import { CounterResetHint } from "../../../series/float-histogram.ts";
import { compactHistogram } from "../../../series/histogram-arithmetic.ts";
import { HistogramSum, IncompatibleHistogramsError } from "../../../series/histogram-sum.ts";
import type { Position } from "../ast.ts";
import type { Annotations } from "../execute/annotations.ts";
import { histogramAt, type StepSeries, setHistogram } from "../execute/step-series.ts";
import { HistogramMean } from "../range/over-time-histogram.ts";

/** The native histograms of one group at one step. */
interface HistogramState {
  readonly sum?: HistogramSum;
  readonly mean?: HistogramMean;
  incompatible: boolean;
  resetSeen: boolean;
  notResetSeen: boolean;
}

/** Shape [steps], a hole where no histogram was seen. */
export type HistogramGroup = (HistogramState | undefined)[];

/** Adds the histogram of a step to its group's sum or mean. */
export function addHistogramSample(
  group: HistogramGroup,
  step: number,
  series: StepSeries,
  operator: "sum" | "avg",
  annotations: Annotations,
  position: Position,
): void {
  const histogram = histogramAt(series, step);
  const known = group[step];
  const state: HistogramState = known ?? {
    sum: operator === "sum" ? new HistogramSum(histogram, true) : undefined,
    mean: operator === "avg" ? new HistogramMean(histogram) : undefined,
    incompatible: false,
    resetSeen: false,
    notResetSeen: false,
  };
  if (state.incompatible) return;
  group[step] = state;
  if (histogram.counterResetHint === CounterResetHint.Reset) state.resetSeen = true;
  if (histogram.counterResetHint === CounterResetHint.NotReset) state.notResetSeen = true;
  if (known === undefined) return;
  const add = (sum: HistogramSum, other: typeof histogram): void => {
    if (sum.add(other).boundsReconciled) annotations.mismatchedCustomBuckets("aggregation", position);
  };
  try {
    if (state.sum !== undefined) add(state.sum, histogram);
    else state.mean!.add(histogram, add);
  } catch (error) {
    if (!(error instanceof IncompatibleHistogramsError)) throw error;
    annotations.mixedBucketSchemas(series.labels.get("__name__"), position);
    state.incompatible = true;
  }
}

/** Writes the sum or mean of a step; nothing, with a warning, where floats were among the histograms. */
export function histogramResult(
  state: HistogramState,
  out: StepSeries,
  step: number,
  withFloats: boolean,
  annotations: Annotations,
  position: Position,
): void {
  if (withFloats) {
    annotations.mixedFloatsHistogramsInAggregation(position);
    return;
  }
  if (state.incompatible) return;
  if (state.resetSeen && state.notResetSeen) annotations.counterResetCollision("aggregation", position);
  setHistogram(out, step, compactHistogram((state.sum ?? state.mean)!.close()));
}
