import { invariant } from "../../../runtime/invariant.ts";
import { Labels } from "../../../series/labels.ts";
import { anyPresent } from "../binary/signature.ts";
import { absentLabels } from "../execute/absent.ts";
import type { Evaluator } from "../execute/evaluator.ts";
import type { Grid } from "../execute/grid.ts";
import { clearSeries, FLOAT, hasSamples, newStepSeries, type StepSeries, setFloat } from "../execute/step-series.ts";
import type { CallPlan, MatrixPlan, SubqueryPlan } from "../plan/plan.ts";
import { extensionOf, rangeFunctions } from "./range-functions.ts";
import type { RangeSeries } from "./range-series.ts";
import { Windows, windowShape } from "./windows.ts";

/** Functions that pick a sample and therefore keep the metric's name. */
const NAME_KEEPING: ReadonlySet<string> = new Set(["first_over_time", "last_over_time"]);
/** Endings of counters' names. */
const COUNTER_NAME = /_(?:total|sum|count|bucket)$/;

/** A function over a range vector: series by series, each over the windows of all steps. */
export async function rangeCall(
  evaluator: Evaluator,
  call: CallPlan,
  grid: Grid,
  visit: (series: StepSeries) => void,
): Promise<void> {
  if (call.name === "absent_over_time") return absentOverTime(evaluator, call, grid, visit);
  return windowed(evaluator, call, grid, visit);
}

async function windowed(
  evaluator: Evaluator,
  call: CallPlan,
  grid: Grid,
  visit: (series: StepSeries) => void,
): Promise<void> {
  const { context } = evaluator;
  const range = call.args.find((arg): arg is MatrixPlan | SubqueryPlan => arg.type === "matrix");
  invariant(range !== undefined, `${call.name} without a range`);
  const compute = rangeFunctions.get(call.name)!;
  const extension = extensionOf(call.name, range);
  const scalars: Float64Array[] = [];
  for (const arg of call.args) if (arg.type === "scalar") scalars.push(await evaluator.scalar(arg, grid));
  const list = await evaluator.ranges(range, grid);
  const shape = windowShape(grid, range.kind === "matrix" ? range.selector : range, range.rangeMs, {
    beforeMs: extension === undefined ? 0 : context.lookbackMs,
    afterMs: extension === "smoothed" ? context.lookbackMs : 0,
  });
  const windows = new Windows(shape, context.annotations, call.args[0]!.position);
  const scratch = newStepSeries(Labels.EMPTY, false, grid.steps);
  const dropName = !NAME_KEEPING.has(call.name);
  const counterExpected = call.name === "rate" || call.name === "increase";
  for (const series of list) {
    if (context.pacer.due()) await context.pacer.breathe();
    windows.load(series);
    context.budget.countRead(windows.countSamples());
    clearSeries(scratch);
    scratch.labels = series.labels;
    scratch.dropName = dropName || series.dropName;
    compute(windows, scratch, scalars, extension);
    if (!hasSamples(scratch)) continue;
    if (counterExpected) warnOfNonCounter(windows, scratch);
    visit(scratch);
  }
  context.budget.release(list.reduce((count, series) => count + lengthOf(series), 0));
}

/** Samples of a series, which the selector or subquery has counted as held. */
function lengthOf({ floats, histograms }: RangeSeries): number {
  return floats.timestamps.length + (histograms?.timestamps.length ?? 0);
}

function warnOfNonCounter(windows: Windows, out: StepSeries): void {
  const { metric } = windows;
  if (metric === "" || COUNTER_NAME.test(metric) || !out.kinds.includes(FLOAT)) return;
  windows.annotations.possibleNonCounter(metric, windows.position);
}

/** 1 at each step where no series has a sample in its window. */
async function absentOverTime(
  evaluator: Evaluator,
  call: CallPlan,
  grid: Grid,
  visit: (series: StepSeries) => void,
): Promise<void> {
  const present = new Uint8Array(grid.steps);
  await windowed(evaluator, call, grid, (series) => {
    const here = anyPresent([series], grid.steps);
    for (let step = 0; step < grid.steps; step++) if (here[step] === 1) present[step] = 1;
  });
  const series = newStepSeries(absentLabels(call.args[0]!), true, grid.steps);
  for (let step = 0; step < grid.steps; step++) if (present[step] === 0) setFloat(series, step, 1);
  if (hasSamples(series)) visit(series);
}
