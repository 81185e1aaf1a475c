import type { Evaluator } from "../execute/evaluator.ts";
import type { Grid } from "../execute/grid.ts";
import {
  ABSENT,
  countSamples,
  FLOAT,
  hasSamples,
  histogramAt,
  type StepSeries,
  setFloat,
  setHistogram,
} from "../execute/step-series.ts";
import type { BinaryPlan } from "../plan/plan.ts";
import {
  arithmetic,
  changesMeaning,
  comparisons,
  type Element,
  histogramOperation,
  type OperationContext,
} from "./operators.ts";
import { setOperation } from "./set-operators.ts";
import { vectorOperation } from "./vector-matching.ts";

/** A binary operation of which at least one side is a vector. */
export async function binary(evaluator: Evaluator, plan: BinaryPlan, grid: Grid): Promise<StepSeries[]> {
  const { left, right } = plan;
  if (left.type === "scalar")
    return withScalar(evaluator, plan, await evaluator.scalar(left, grid), await evaluator.vector(right, grid), true);
  if (right.type === "scalar")
    return withScalar(evaluator, plan, await evaluator.scalar(right, grid), await evaluator.vector(left, grid), false);
  const leftSeries = await evaluator.vector(left, grid);
  const rightSeries = await evaluator.vector(right, grid);
  const { budget } = evaluator.context;
  const held = countAll(leftSeries) + countAll(rightSeries);
  const result = await betweenVectors(evaluator, plan, leftSeries, rightSeries, grid);
  budget.hold(countAll(result));
  budget.release(held);
  return result;
}

function countAll(list: readonly StepSeries[]): number {
  return list.reduce((count, series) => count + countSamples(series), 0);
}

async function betweenVectors(
  evaluator: Evaluator,
  plan: BinaryPlan,
  leftSeries: StepSeries[],
  rightSeries: StepSeries[],
  grid: Grid,
): Promise<StepSeries[]> {
  const { operator } = plan;
  if (operator === "and" || operator === "or" || operator === "unless")
    return setOperation(operator, plan.matching, leftSeries, rightSeries, grid);
  return vectorOperation(evaluator.context, plan, leftSeries, rightSeries, grid);
}

/** Each sample with the scalar of its step, in place. `swapped` says that the scalar is the left side. */
async function withScalar(
  evaluator: Evaluator,
  plan: BinaryPlan,
  scalars: Float64Array,
  list: StepSeries[],
  swapped: boolean,
): Promise<StepSeries[]> {
  const { operator, returnBool } = plan;
  const { pacer } = evaluator.context;
  const dropName = changesMeaning(operator) || returnBool;
  const context: OperationContext = { annotations: evaluator.context.annotations, position: plan.position };
  for (const series of list) {
    if (pacer.due()) await pacer.breathe();
    if (dropName) series.dropName = true;
    const { kinds, values } = series;
    for (let step = 0; step < kinds.length; step++) {
      if (kinds[step] === ABSENT) continue;
      const scalar = scalars[step]!;
      if (kinds[step] === FLOAT && operator !== "</" && operator !== ">/") {
        const value = values[step]!;
        const result = swapped
          ? floatWithScalar(plan, scalar, value, value)
          : floatWithScalar(plan, value, scalar, value);
        if (result === undefined) kinds[step] = ABSENT;
        else values[step] = result;
        continue;
      }
      const element: Element = kinds[step] === FLOAT ? values[step]! : histogramAt(series, step);
      const result = swapped
        ? histogramOperation(operator, scalar, element, context)
        : histogramOperation(operator, element, scalar, context);
      if (result === undefined || result === false) kinds[step] = ABSENT;
      else if (typeof result === "number") setFloat(series, step, result);
      else setHistogram(series, step, result);
    }
  }
  return list.filter(hasSamples);
}

/** The result, or undefined where a comparison does not hold; `kept` is what a comparison that holds gives. */
function floatWithScalar(plan: BinaryPlan, left: number, right: number, kept: number): number | undefined {
  const compute = arithmetic[plan.operator];
  if (compute !== undefined) return compute(left, right);
  const holds = comparisons[plan.operator]!(left, right);
  if (plan.returnBool) return holds ? 1 : 0;
  return holds ? kept : undefined;
}
