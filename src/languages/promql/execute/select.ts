import { Labels } from "../../../series/labels.ts";
import type { SeriesColumns } from "../../../series/queryable.ts";
import { bitsOf, isStale } from "../../../series/stale.ts";
import { PromqlError } from "../error.ts";
import { statisticsOnly } from "../histogram/statistics-only.ts";
import type { SelectorPlan, TimeShift } from "../plan/plan.ts";
import type { EvalContext } from "./evaluator.ts";
import { endOf, type Grid, timeOf } from "./grid.ts";
import { clearSeries, hasSamples, newStepSeries, type StepSeries, setFloat, setHistogram } from "./step-series.ts";

/** What a step of an instant selector takes from the sample it finds. */
export type Wanted = "value" | "timestamp" | "infoTimestamp" | "startTimestamp";

/** First and last time that the steps of a grid look at, Unix ms. */
export function lookedAt(shift: TimeShift, grid: Grid): { firstMs: number; lastMs: number } {
  const firstMs = (shift.atMs ?? grid.startMs) - shift.offsetMs;
  const lastMs = (shift.atMs ?? endOf(grid)) - shift.offsetMs;
  return { firstMs, lastMs };
}

/**
 * The stored series of a selector in `[minTimeMs, maxTimeMs]`. Their samples count as held until `releaseColumns`.
 * @throws PromqlError over the limit of samples
 */
export async function fetchColumns(
  context: EvalContext,
  selector: Pick<SelectorPlan, "matchers" | "bucketsUnused">,
  minTimeMs: number,
  maxTimeMs: number,
): Promise<readonly SeriesColumns[]> {
  const { queryable, signal, pacer } = context;
  const columns = await queryable.select(selector.matchers, { minTimeMs, maxTimeMs, signal });
  pacer.check();
  context.budget.hold(samplesOf(columns));
  if (!selector.bucketsUnused) return columns;
  return columns.map((column) => ({ ...column, histograms: column.histograms && statisticsOnly(column.histograms) }));
}

/** Says that the columns of `fetchColumns` are not needed any more. */
export function releaseColumns(context: EvalContext, columns: readonly SeriesColumns[]): void {
  context.budget.release(samplesOf(columns));
}

function samplesOf(columns: readonly SeriesColumns[]): number {
  return columns.reduce((count, { timestamps }) => count + timestamps.length, 0);
}

/**
 * An instant selector: at each step the last sample that is not older than the lookback and no staleness marker.
 * `visit` gets only series with a sample, each lent until it returns.
 */
export async function selectInstant(
  context: EvalContext,
  selector: SelectorPlan,
  grid: Grid,
  wanted: Wanted,
  visit: (series: StepSeries) => void,
): Promise<void> {
  const { firstMs, lastMs } = lookedAt(selector, grid);
  const columns = await fetchColumns(context, selector, firstMs - context.lookbackMs + 1, lastMs);
  const scratch = newStepSeries(Labels.EMPTY, false, grid.steps);
  for (const column of columns) {
    if (context.pacer.due()) await context.pacer.breathe();
    clearSeries(scratch);
    scratch.labels = column.labels;
    scratch.dropName = false;
    pickSamples(column, selector, grid, context.lookbackMs, wanted, scratch);
    if (hasSamples(scratch)) visit(scratch);
  }
  releaseColumns(context, columns);
}

function pickSamples(
  column: SeriesColumns,
  shift: TimeShift,
  grid: Grid,
  lookbackMs: number,
  wanted: Wanted,
  out: StepSeries,
): void {
  const { timestamps, values, histograms, startTimestamps } = column;
  const bits = bitsOf(values);
  const { length } = timestamps;
  let next = 0;
  for (let step = 0; step < grid.steps; step++) {
    const time = (shift.atMs ?? timeOf(grid, step)) - shift.offsetMs;
    while (next < length && timestamps[next]! <= time) next++;
    const index = next - 1;
    if (index < 0 || timestamps[index]! <= time - lookbackMs) continue;
    const histogram = histograms?.[index];
    if (histogram === undefined && isStale(bits, index)) continue;
    if (wanted === "infoTimestamp" && histogram !== undefined)
      throw new PromqlError("execution", `this should be an info metric, with float samples: ${column.labels}`);
    if (wanted === "timestamp" || wanted === "infoTimestamp") setFloat(out, step, timestamps[index]! / 1000);
    else if (wanted === "startTimestamp") setFloat(out, step, (startTimestamps?.[index] ?? 0) / 1000);
    else if (histogram === undefined) setFloat(out, step, values[index]!);
    else setHistogram(out, step, histogram);
  }
}
