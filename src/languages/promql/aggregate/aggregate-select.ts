import { PromqlError } from "../error.ts";
import type { Evaluator } from "../execute/evaluator.ts";
import type { Grid } from "../execute/grid.ts";
import { ABSENT, FLOAT, HISTOGRAM, hasSamples, type StepSeries } from "../execute/step-series.ts";
import type { AggregatePlan } from "../plan/plan.ts";
import { groupingOf } from "./grouping.ts";
import { hashFraction } from "./hash-fraction.ts";

/** Prometheus takes these parameters as int64. */
const INT64_MAX = 2 ** 63;
/** Up to this many, the chosen are kept in order by insertion; more are sorted. */
const INSERTION_MAX = 64;

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
    for (let step = 0; step < grid.steps; step++) {
      if (evaluator.context.pacer.due()) await evaluator.context.pacer.breathe();
      const chosen = choose(operator, group, step, parameters[step]!, list.length);
      const kinds = chosen.map((series) => series.kinds[step]!);
      for (const series of group) series.kinds[step] = ABSENT;
      for (const [index, series] of chosen.entries()) series.kinds[step] = kinds[index]!;
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
  if (operator === "limit_ratio")
    return group.filter((series) => series.kinds[step] !== ABSENT && inRatio(series, parameter));
  const count = Math.min(Math.trunc(parameter), seriesCount);
  if (count < 1) return [];
  if (operator === "limitk") return firstPresent(group, step, count);
  return best(group, step, count, operator === "topk" ? 1 : -1);
}

function firstPresent(group: readonly StepSeries[], step: number, count: number): StepSeries[] {
  const chosen: StepSeries[] = [];
  for (const series of group) {
    if (series.kinds[step] !== ABSENT) chosen.push(series);
    if (chosen.length === count) break;
  }
  return chosen;
}

/**
 * The `count` series with the greatest (`sign` 1) or least (`sign` -1) floats, the best first. Of equal values those
 * that came first; NaN only where there are too few numbers.
 */
function best(group: readonly StepSeries[], step: number, count: number, sign: 1 | -1): StepSeries[] {
  if (count > INSERTION_MAX) {
    const present = group.filter((series) => series.kinds[step] === FLOAT);
    return present
      .sort((left, right) => compare(left.values[step]! * sign, right.values[step]! * sign))
      .slice(0, count);
  }
  const chosen: StepSeries[] = [];
  const values: number[] = [];
  for (const series of group) {
    if (series.kinds[step] !== FLOAT) continue;
    const value = series.values[step]! * sign;
    if (chosen.length === count && !isBetter(value, values[count - 1]!)) continue;
    let place = Math.min(chosen.length, count - 1);
    while (place > 0 && isBetter(value, values[place - 1]!)) {
      values[place] = values[place - 1]!;
      chosen[place] = chosen[place - 1]!;
      place--;
    }
    values[place] = value;
    chosen[place] = series;
  }
  return chosen;
}

/** The greater first, NaN last. */
function compare(left: number, right: number): number {
  return Number(isBetter(right, left)) - Number(isBetter(left, right));
}

function isBetter(value: number, other: number): boolean {
  return value > other || (Number.isNaN(other) && !Number.isNaN(value));
}

/** A positive ratio takes the series whose hash lies in its lower part, a negative one exactly those it leaves. */
function inRatio(series: StepSeries, ratio: number): boolean {
  const capped = Math.max(-1, Math.min(1, ratio));
  if (capped === 0) return false;
  const at = hashFraction(series.labels);
  return capped > 0 ? at < capped : at >= 1 + capped;
}
