import type { Labels } from "../../../series/labels.ts";
import type { Evaluator } from "../execute/evaluator.ts";
import type { Grid } from "../execute/grid.ts";
import { quantileOf } from "../execute/quantile.ts";
import {
  ABSENT,
  copySeries,
  FLOAT,
  HISTOGRAM,
  hasSamples,
  newStepSeries,
  type StepSeries,
  setFloat,
} from "../execute/step-series.ts";
import type { AggregatePlan } from "../plan/plan.ts";
import { aggregateCountValues } from "./aggregate-count-values.ts";
import { addHistogramSample, type HistogramGroup, histogramResult } from "./aggregate-histogram.ts";
import { aggregateSelection } from "./aggregate-select.ts";
import { groupingOf } from "./grouping.ts";

/**
 * One group of an aggregation while its series go by, columns of shape [steps]. The meaning of `values` and `extra`
 * depends on the operator; unused columns stay empty.
 */
interface Group {
  readonly labels: Labels;
  dropName: boolean;
  /** Float samples so far (for `count` and `group`: samples of any type). */
  readonly counts: Float64Array;
  /** The sum, the mean, the extreme, the sum of squared differences. */
  readonly values: Float64Array;
  /** Kahan's compensation of `values`, or the mean beside the squares. */
  readonly extra: Float64Array;
  /** Steps at which an average had to go on as a running mean. */
  running: Uint8Array | undefined;
  /** Every series, for `quantile`. */
  readonly members: StepSeries[];
  /** Present once a native histogram was seen. */
  histograms: HistogramGroup | undefined;
}

/** Evaluates an aggregation: its series go by one at a time and are added to their group's columns. */
export async function aggregate(evaluator: Evaluator, plan: AggregatePlan, grid: Grid): Promise<StepSeries[]> {
  switch (plan.operator) {
    case "count_values":
      return aggregateCountValues(evaluator, plan, grid);
    case "topk":
    case "bottomk":
    case "limitk":
    case "limit_ratio":
      return aggregateSelection(evaluator, plan, grid);
  }
  const quantiles = plan.parameter === undefined ? undefined : await evaluator.scalar(plan.parameter, grid);
  if (quantiles !== undefined) warnOfQuantiles(evaluator, plan, quantiles);
  const grouping = groupingOf(plan);
  const groups = new Map<string, Group>();
  await evaluator.each(plan.inner, grid, (series) => {
    const key = grouping.keyOf(series.labels);
    let group = groups.get(key);
    if (group === undefined) {
      group = newGroup(grouping.labelsOf(series.labels), grid.steps);
      groups.set(key, group);
    }
    if (series.dropName) group.dropName = true;
    accumulate(evaluator, plan, group, series);
  });
  const result: StepSeries[] = [];
  for (const group of groups.values()) {
    const series = finish(evaluator, plan, group, grid, quantiles);
    if (hasSamples(series)) result.push(series);
  }
  return result;
}

function newGroup(labels: Labels, steps: number): Group {
  return {
    labels,
    dropName: false,
    counts: new Float64Array(steps),
    values: new Float64Array(steps),
    extra: new Float64Array(steps),
    running: undefined,
    members: [],
    histograms: undefined,
  };
}

function warnOfQuantiles(evaluator: Evaluator, plan: AggregatePlan, quantiles: Float64Array): void {
  const { annotations } = evaluator.context;
  const position = plan.parameter!.position;
  const numbers = quantiles.filter((value) => !Number.isNaN(value));
  const max = numbers.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const min = numbers.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  if (numbers.length < quantiles.length) annotations.invalidQuantile(Number.NaN, position);
  if (max > 1) annotations.invalidQuantile(max, position);
  if (min < 0) annotations.invalidQuantile(min, position);
}

function accumulate(evaluator: Evaluator, plan: AggregatePlan, group: Group, series: StepSeries): void {
  if (series.histograms !== undefined) accumulateHistograms(evaluator, plan, group, series);
  switch (plan.operator) {
    case "sum":
      addSum(group, series);
      return;
    case "avg":
      addAverage(group, series);
      return;
    case "max":
      addExtreme(group, series, 1);
      return;
    case "min":
      addExtreme(group, series, -1);
      return;
    case "stddev":
    case "stdvar":
      addSquares(group, series);
      return;
    case "quantile":
      for (let step = 0; step < series.kinds.length; step++) if (series.kinds[step] === FLOAT) group.counts[step]!++;
      group.members.push(copySeries(series));
      return;
    default:
      for (let step = 0; step < series.kinds.length; step++) if (series.kinds[step] !== ABSENT) group.counts[step]!++;
  }
}

function accumulateHistograms(evaluator: Evaluator, plan: AggregatePlan, group: Group, series: StepSeries): void {
  const { operator, inner } = plan;
  const { annotations } = evaluator.context;
  if (operator === "sum" || operator === "avg") {
    group.histograms ??= new Array(series.kinds.length);
    for (let step = 0; step < series.kinds.length; step++) {
      if (series.kinds[step] === HISTOGRAM)
        addHistogramSample(group.histograms, step, series, operator, annotations, inner.position);
    }
  } else if (operator !== "count" && operator !== "group" && series.kinds.includes(HISTOGRAM)) {
    annotations.histogramIgnoredInAggregation(operator, inner.position);
  }
}

/** Kahan's summation, written out: this is the loop of every `sum(rate(…))`. */
function addSum(group: Group, { kinds, values }: StepSeries): void {
  const { counts, values: sums, extra: errors } = group;
  for (let step = 0; step < kinds.length; step++) {
    if (kinds[step] !== FLOAT) continue;
    const value = values[step]!;
    if (counts[step]!++ === 0) {
      sums[step] = value;
      continue;
    }
    addKahan(sums, errors, step, value);
  }
}

function addKahan(sums: Float64Array, errors: Float64Array, step: number, value: number): void {
  const sum = sums[step]!;
  const total = sum + value;
  if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) errors[step] = 0;
  else if (Math.abs(sum) >= Math.abs(value)) errors[step]! += sum - total + value;
  else errors[step]! += value - total + sum;
  sums[step] = total;
}

/** The plain sum as long as it does not overflow; from there on a running mean. */
function addAverage(group: Group, { kinds, values }: StepSeries): void {
  const { counts, values: sums, extra: errors } = group;
  for (let step = 0; step < kinds.length; step++) {
    if (kinds[step] !== FLOAT) continue;
    const value = values[step]!;
    const count = ++counts[step]!;
    if (count === 1) {
      sums[step] = value;
      continue;
    }
    if (group.running?.[step] !== 1) {
      const sum = sums[step]!;
      const error = errors[step]!;
      addKahan(sums, errors, step, value);
      if (sums[step] !== Number.POSITIVE_INFINITY && sums[step] !== Number.NEGATIVE_INFINITY) continue;
      group.running ??= new Uint8Array(kinds.length);
      group.running[step] = 1;
      sums[step] = sum / (count - 1);
      errors[step] = error / (count - 1);
    }
    const weight = (count - 1) / count;
    sums[step]! *= weight;
    errors[step]! *= weight;
    addKahan(sums, errors, step, value / count);
  }
}

/** `sign` 1 for the maximum, -1 for the minimum; any number beats NaN. */
function addExtreme(group: Group, { kinds, values }: StepSeries, sign: 1 | -1): void {
  const { counts, values: extremes } = group;
  for (let step = 0; step < kinds.length; step++) {
    if (kinds[step] !== FLOAT) continue;
    const value = values[step]!;
    const extreme = extremes[step]!;
    if (counts[step]!++ === 0 || sign * extreme < sign * value || Number.isNaN(extreme)) extremes[step] = value;
  }
}

/** Welford's running variance: `values` is the sum of squared differences, `extra` the mean. */
function addSquares(group: Group, { kinds, values }: StepSeries): void {
  const { counts, values: squares, extra: means } = group;
  for (let step = 0; step < kinds.length; step++) {
    if (kinds[step] !== FLOAT) continue;
    const value = values[step]!;
    const count = ++counts[step]!;
    if (count === 1) {
      means[step] = value;
      squares[step] = Number.isFinite(value) ? 0 : Number.NaN;
      continue;
    }
    const delta = value - means[step]!;
    means[step]! += delta / count;
    squares[step]! += delta * (value - means[step]!);
  }
}

function finish(
  evaluator: Evaluator,
  plan: AggregatePlan,
  group: Group,
  grid: Grid,
  quantiles: Float64Array | undefined,
): StepSeries {
  const series = newStepSeries(group.labels, group.dropName, grid.steps);
  const { counts, values, extra } = group;
  for (let step = 0; step < grid.steps; step++) {
    const count = counts[step]!;
    if (group.histograms?.[step] !== undefined) {
      histogramResult(
        group.histograms[step]!,
        series,
        step,
        count > 0,
        evaluator.context.annotations,
        plan.inner.position,
      );
      continue;
    }
    if (count === 0) continue;
    setFloat(series, step, resultAt(plan, group, step, count, values[step]!, extra[step]!, quantiles));
  }
  return series;
}

function resultAt(
  plan: AggregatePlan,
  group: Group,
  step: number,
  count: number,
  value: number,
  extra: number,
  quantiles: Float64Array | undefined,
): number {
  switch (plan.operator) {
    case "sum":
      return value + extra;
    case "avg":
      return group.running?.[step] === 1 ? value + extra : value / count + extra / count;
    case "count":
      return count;
    case "group":
      return 1;
    case "stdvar":
      return value / count;
    case "stddev":
      return Math.sqrt(value / count);
    case "quantile": {
      const window = new Float64Array(count);
      let at = 0;
      for (const { kinds, values } of group.members) if (kinds[step] === FLOAT) window[at++] = values[step]!;
      return quantileOf(quantiles![step]!, window);
    }
    default:
      return value;
  }
}
