import { invariant } from "../../../runtime/invariant.ts";
import { Labels } from "../../../series/labels.ts";
import { histogramFractions, histogramQuantiles, manyQuantiles } from "../histogram/histogram-functions.ts";
import type { CallPlan } from "../plan/plan.ts";
import { absentLabels } from "./absent.ts";
import type { Evaluator } from "./evaluator.ts";
import { type Grid, timeOf } from "./grid.ts";
import { addInfo } from "./info.ts";
import { dateOfSteps, mapSamples } from "./instant-functions.ts";
import { labelJoin, labelReplace } from "./label-functions.ts";
import { selectInstant } from "./select.ts";
import { sortSeries } from "./sort-functions.ts";
import {
  ABSENT,
  copySeries,
  countSamples,
  hasSamples,
  newStepSeries,
  type StepSeries,
  setFloat,
} from "./step-series.ts";

/** A function over instant vectors. */
export async function evaluateCall(evaluator: Evaluator, call: CallPlan, grid: Grid): Promise<StepSeries[]> {
  const { name, args } = call;
  switch (name) {
    case "absent":
      return absent(evaluator, call, grid);
    case "vector": {
      const series = newStepSeries(Labels.EMPTY, false, grid.steps);
      const values = await evaluator.scalar(args[0]!, grid);
      for (let step = 0; step < grid.steps; step++) setFloat(series, step, values[step]!);
      return [series];
    }
    case "timestamp":
    case "start_timestamp":
      return timestamps(evaluator, call, grid);
    case "histogram_quantile":
      return histogramQuantiles(evaluator, call, grid);
    case "histogram_quantiles":
      return manyQuantiles(evaluator, call, grid);
    case "histogram_fraction":
      return histogramFractions(evaluator, call, grid);
    case "info":
      return addInfo(evaluator, call, grid);
    case "label_replace":
      return labelReplace(call, await evaluator.vector(args[0]!, grid));
    case "label_join":
      return labelJoin(call, await evaluator.vector(args[0]!, grid));
    case "sort":
    case "sort_desc":
    case "sort_by_label":
    case "sort_by_label_desc":
      if (grid.steps > 1) evaluator.context.annotations.sortInRangeQuery(call.position);
      return sortSeries(call, await evaluator.vector(args[0]!, grid)).filter(hasSamples);
  }
  if (args.length === 0) {
    const series = newStepSeries(Labels.EMPTY, false, grid.steps);
    dateOfSteps(name, grid, series);
    return [series];
  }
  const list = await evaluator.vector(args[0]!, grid);
  const scalars: Float64Array[] = [];
  for (const arg of args.slice(1)) scalars.push(await evaluator.scalar(arg, grid));
  for (const series of list) {
    if (evaluator.context.pacer.due()) await evaluator.context.pacer.breathe();
    invariant(mapSamples(name, series, scalars), `function ${name} has no implementation`);
  }
  return list.filter(hasSamples);
}

async function absent(evaluator: Evaluator, call: CallPlan, grid: Grid): Promise<StepSeries[]> {
  const present = new Uint8Array(grid.steps);
  await evaluator.each(call.args[0]!, grid, ({ kinds }) => {
    for (let step = 0; step < grid.steps; step++) if (kinds[step] !== ABSENT) present[step] = 1;
  });
  const series = newStepSeries(absentLabels(call.args[0]!), false, grid.steps);
  for (let step = 0; step < grid.steps; step++) if (present[step] === 0) setFloat(series, step, 1);
  return hasSamples(series) ? [series] : [];
}

/** `timestamp` and `start_timestamp`: of the sample under a bare selector, else of the evaluation. */
async function timestamps(evaluator: Evaluator, call: CallPlan, grid: Grid): Promise<StepSeries[]> {
  const [arg] = call.args;
  const { budget } = evaluator.context;
  if (arg?.kind === "selector") {
    const list: StepSeries[] = [];
    const wanted = call.name === "timestamp" ? "timestamp" : "startTimestamp";
    await selectInstant(evaluator.context, arg, grid, wanted, (series) => {
      budget.countRead(countSamples(series));
      budget.hold(countSamples(series));
      list.push({ ...copySeries(series), dropName: true });
    });
    return list;
  }
  // A start is known only of stored samples.
  if (call.name === "start_timestamp") return [];
  const list = await evaluator.vector(arg!, grid);
  for (const series of list) {
    series.dropName = true;
    for (let step = 0; step < grid.steps; step++)
      if (series.kinds[step] !== ABSENT) setFloat(series, step, timeOf(grid, step) / 1000);
  }
  return list;
}
