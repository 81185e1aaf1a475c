import { CounterResetHint } from "../../../series/float-histogram.ts";
import type { SelectorPlan } from "../plan/plan.ts";
import { rangeSeriesOf } from "../range/range-series.ts";
import { Windows, windowShape } from "../range/windows.ts";
import type { EvalContext } from "./evaluator.ts";
import { type Grid, timeOf } from "./grid.ts";
import { interpolateFloats, smoothedHistogram } from "./interpolate.ts";
import { fetchColumns, lookedAt, releaseColumns } from "./select.ts";
import { hasSamples, newStepSeries, type StepSeries, setFloat, setHistogram } from "./step-series.ts";

/**
 * `v smoothed`: the value at each step on the line between the samples before and after it, none further away than the
 * lookback; without one after it, the one before.
 */
export async function selectSmoothed(
  context: EvalContext,
  selector: SelectorPlan,
  grid: Grid,
  visit: (series: StepSeries) => void,
): Promise<void> {
  const { lookbackMs, annotations, pacer } = context;
  const { firstMs, lastMs } = lookedAt(selector, grid);
  const columns = await fetchColumns(context, selector, firstMs - lookbackMs + 1, lastMs + lookbackMs);
  const shape = windowShape(grid, selector, lookbackMs, { beforeMs: 0, afterMs: lookbackMs });
  const windows = new Windows(shape, annotations, selector.position);
  for (const column of columns) {
    if (pacer.due()) await pacer.breathe();
    windows.load(rangeSeriesOf(column));
    const out = newStepSeries(column.labels, false, grid.steps);
    for (let step = 0; step < grid.steps; step++) {
      const time = (selector.atMs ?? timeOf(grid, step)) - selector.offsetMs;
      smoothStep(windows, out, step, time);
    }
    if (hasSamples(out)) visit(out);
  }
  releaseColumns(context, columns);
}

function smoothStep(windows: Windows, out: StepSeries, step: number, time: number): void {
  const { floatBounds, hasHistograms } = windows;
  const hasFloats = floatBounds.end[step]! > floatBounds.first[step]!;
  const bounds = hasHistograms ? windows.histogramBounds : undefined;
  if (bounds !== undefined && bounds.end[step]! > bounds.first[step]!) {
    if (hasFloats) windows.annotations.mixedFloatsHistograms(windows.metric, windows.position);
    else smoothHistogram(windows, out, step, time);
    return;
  }
  if (!hasFloats) return;
  const { timestamps, values } = windows.floats;
  const sample = (index: number) => ({ time: timestamps[index]!, value: values[index]! });
  const first = floatBounds.first[step]!;
  const end = floatBounds.end[step]!;
  const at = firstFrom(timestamps, first, end, time);
  if (at < end && timestamps[at] === time) setFloat(out, step, values[at]!);
  else if (at > first && at < end) setFloat(out, step, interpolateFloats(sample(at - 1), sample(at), time, false));
  else if (at > first) setFloat(out, step, values[at - 1]!);
}

function smoothHistogram(windows: Windows, out: StepSeries, step: number, time: number): void {
  const { timestamps, values } = windows.histograms;
  const first = windows.histogramBounds.first[step]!;
  const end = windows.histogramBounds.end[step]!;
  const at = firstFrom(timestamps, first, end, time);
  if (at < end && timestamps[at] === time) setHistogram(out, step, values[at]!);
  else if (at > first && at < end) {
    const pair = {
      before: values[at - 1]!,
      beforeMs: timestamps[at - 1]!,
      after: values[at]!,
      afterMs: timestamps[at]!,
    };
    const result = smoothedHistogram(windows, pair, time);
    if (result !== undefined) setHistogram(out, step, result);
  } else if (at > first)
    // What it says about a reset before it is not true of a value carried forward.
    setHistogram(out, step, { ...values[at - 1]!, counterResetHint: CounterResetHint.Unknown });
}

/** The first index in `[first, end)` at or after `time`, or `end`. */
function firstFrom(timestamps: Float64Array, first: number, end: number, time: number): number {
  let index = first;
  while (index < end && timestamps[index]! < time) index++;
  return index;
}
