import { PromqlError } from "./error.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Grid } from "./grid.ts";
import { groupingOf } from "./grouping.ts";
import { hashFraction } from "./hash-fraction.ts";
import type { AggregatePlan } from "./plan.ts";
import { ABSENT, FLOAT, HISTOGRAM, hasSamples, type StepSeries } from "./step-series.ts";

/** Prometheus takes these parameters as int64. */
const INT64_MAX = 2 ** 63;

/**
 * `topk`, `bottomk`, `limitk` and `limit_ratio`: some series of each group, at every step anew, unchanged otherwise.
 * The result of a single step is ordered: `topk` from the greatest, `bottomk` from the least.
 */
export async function aggregateSelection(evaluator: Evaluator, plan: AggregatePlan, grid: Grid): Promise<StepSeries[]> {
  const { operator } = plan;
  const parameters = await evaluator.scalar(plan.parameter!, grid);
  const list = await evaluator.vector(plan.inner, grid);
  if (!checkParameters(evaluator, plan, parameters)) return [];
  const grouping = groupingOf(plan);
  const groups = new Map<string, StepSeries[]>();
  for (const series of list) {
    const key = grouping.keyOf(series.labels);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [series]);
    else group.push(series);
    const unordered = operator === "topk" || operator === "bottomk";
    if (unordered && series.kinds.includes(HISTOGRAM))
      evaluator.context.annotations.histogramIgnoredInAggregation(operator, plan.position);
  }
  const ordered: StepSeries[] = [];
  for (const group of groups.values()) {
    if (evaluator.context.pacer.due()) await evaluator.context.pacer.breathe();
    for (let step = 0; step < grid.steps; step++) {
      const chosen = choose(operator, group, step, parameters[step]!, list.length);
      const kept = new Set(chosen);
      for (const series of group) if (!kept.has(series)) series.kinds[step] = ABSENT;
      if (grid.steps === 1) ordered.push(...chosen);
    }
  }
  return grid.steps === 1 ? ordered : list.filter(hasSamples);
}

/** False where nothing can be chosen at any step. @throws PromqlError */
function checkParameters(evaluator: Evaluator, plan: AggregatePlan, parameters: Float64Array): boolean {
  const position = plan.parameter!.position;
  let max = Number.NEGATIVE_INFINITY;
  let min = Number.POSITIVE_INFINITY;
  for (const value of parameters) {
    if (value > max) max = value;
    if (value < min) min = value;
  }
  const hasNaN = parameters.some(Number.isNaN);
  if (plan.operator === "limit_ratio") {
    if (max === 0 && min === 0) return false;
    if (hasNaN) throw new PromqlError("execution", "Ratio value is NaN");
    if (max > 1) evaluator.context.annotations.invalidRatio(max, 1, position);
    if (min < -1) evaluator.context.annotations.invalidRatio(min, -1, position);
    return true;
  }
  if (hasNaN) throw new PromqlError("execution", "Parameter value is NaN");
  if (max < 1) return false;
  if (min <= -INT64_MAX) throw new PromqlError("execution", `Scalar value ${min} underflows int64`);
  if (max >= INT64_MAX) throw new PromqlError("execution", `Scalar value ${max} overflows int64`);
  return true;
}

function choose(
  operator: AggregatePlan["operator"],
  group: readonly StepSeries[],
  step: number,
  parameter: number,
  seriesCount: number,
): StepSeries[] {
  const present = group.filter((series) => series.kinds[step] !== ABSENT);
  if (operator === "limit_ratio") return present.filter((series) => inRatio(series, parameter));
  const count = Math.min(Math.trunc(parameter), seriesCount);
  if (count < 1) return [];
  if (operator === "limitk") return present.slice(0, count);
  const sign = operator === "topk" ? -1 : 1;
  // The sort is stable: of equal values, the series that came first stays in front, and NaN is only a stopgap.
  return present
    .filter((series) => series.kinds[step] === FLOAT)
    .sort((left, right) => compare(left.values[step]!, right.values[step]!, sign))
    .slice(0, count);
}

function compare(left: number, right: number, sign: 1 | -1): number {
  if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
  return left === right ? 0 : sign * (left < right ? -1 : 1);
}

/** A positive ratio takes the series whose hash lies in its lower part, a negative one exactly those it leaves. */
function inRatio(series: StepSeries, ratio: number): boolean {
  const capped = Math.max(-1, Math.min(1, ratio));
  if (capped === 0) return false;
  const at = hashFraction(series.labels);
  return capped > 0 ? at < capped : at >= 1 + capped;
}
