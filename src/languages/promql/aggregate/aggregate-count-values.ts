import { formatFloat } from "../../../series/format-value.ts";
import { histogramText } from "../../../series/histogram-text.ts";
import { PromqlError } from "../error.ts";
import type { Evaluator } from "../execute/evaluator.ts";
import type { Grid } from "../execute/grid.ts";
import { stringOf } from "../execute/label-functions.ts";
import { ABSENT, FLOAT, histogramAt, newStepSeries, type StepSeries, setFloat } from "../execute/step-series.ts";
import type { AggregatePlan } from "../plan/plan.ts";
import { isLabelName, quote } from "../syntax/parse-literals.ts";
import { groupingOf } from "./grouping.ts";

/** `count_values("label", v)`: how many series have each value, the value as a label. @throws PromqlError */
export async function aggregateCountValues(
  evaluator: Evaluator,
  plan: AggregatePlan,
  grid: Grid,
): Promise<StepSeries[]> {
  const label = stringOf(plan.parameter);
  if (!isLabelName(label)) throw new PromqlError("execution", `invalid label name ${quote(label)}`);
  const grouping = groupingOf(plan.without ? plan : { ...plan, grouping: [...plan.grouping, label].sort() });
  const groups = new Map<string, StepSeries>();
  await evaluator.each(plan.inner, grid, (series) => {
    for (let step = 0; step < grid.steps; step++) {
      if (series.kinds[step] === ABSENT) continue;
      const isFloat = series.kinds[step] === FLOAT;
      const value = isFloat ? formatFloat(series.values[step]!) : histogramText(histogramAt(series, step));
      const labels = grouping.labelsOf(series.labels.with(label, value));
      let group = groups.get(labels.key);
      if (group === undefined) {
        group = newStepSeries(labels, false, grid.steps);
        groups.set(labels.key, group);
      }
      setFloat(group, step, group.kinds[step] === FLOAT ? group.values[step]! + 1 : 1);
    }
  });
  return [...groups.values()];
}
