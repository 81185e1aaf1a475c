import type { Grouping, VectorAggregation } from "../../languages/logql/ast.ts";
import { compareLabels, Labels } from "../../series/labels.ts";
import { makeSeries, type StepSeries } from "./result.ts";

/** Aggregates series across labels at each step. */
export function aggregate(expr: VectorAggregation, series: readonly StepSeries[], steps: number): StepSeries[] {
  switch (expr.op) {
    case "sort":
    case "sort_desc":
      return sorted(series, expr.op === "sort_desc");
    case "topk":
    case "bottomk":
      return selectK(expr, series, steps);
    default:
      return [...groupBy(expr.grouping, series)].map(([, { labels, members }]) => {
        const result = makeSeries(labels, steps);
        for (let step = 0; step < steps; step++) combine(expr.op, members, step, result);
        return result;
      });
  }
}

interface Group {
  readonly labels: Labels;
  readonly members: StepSeries[];
}

/** No grouping at all is one group, as `by ()` is. */
function groupBy(grouping: Grouping | undefined, series: readonly StepSeries[]): Map<string, Group> {
  const names = new Set(grouping?.names ?? []);
  const groups = new Map<string, Group>();
  for (const one of series) {
    const labels =
      grouping === undefined ? Labels.EMPTY : grouping.without ? one.labels.without(names) : one.labels.keep(names);
    const group = groups.get(labels.key);
    if (group === undefined) groups.set(labels.key, { labels, members: [one] });
    else group.members.push(one);
  }
  return groups;
}

function combine(op: VectorAggregation["op"], members: readonly StepSeries[], step: number, target: StepSeries): void {
  let count = 0;
  let sum = 0;
  let least = Number.NaN;
  let most = Number.NaN;
  let mean = 0;
  let squares = 0;
  for (const { present, values } of members) {
    if (present[step] !== 1) continue;
    const value = values[step]!;
    count++;
    sum += value;
    if (!(value >= least)) least = Number.isNaN(value) && count > 1 ? least : value;
    if (!(value <= most)) most = Number.isNaN(value) && count > 1 ? most : value;
    const delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
  }
  if (count === 0) return;
  target.present[step] = 1;
  target.values[step] =
    { sum, avg: mean, count, min: least, max: most, stdvar: squares / count }[op as string] ??
    Math.sqrt(squares / count);
}

/** `topk` and `bottomk` choose anew at each step; a series stays with its labels for the steps at which it is chosen. */
function selectK(expr: VectorAggregation, series: readonly StepSeries[], steps: number): StepSeries[] {
  const k = expr.parameter ?? 0;
  const sign = expr.op === "topk" ? -1 : 1;
  const chosen = new Map<StepSeries, StepSeries>();
  for (const { members } of groupBy(expr.grouping, series).values()) {
    for (let step = 0; step < steps; step++) {
      const ranked = members
        .filter(({ present }) => present[step] === 1)
        .sort((left, right) => rank(left.values[step]!, right.values[step]!, sign));
      for (const one of ranked.slice(0, k)) {
        const kept = chosen.get(one) ?? makeSeries(one.labels, steps);
        chosen.set(one, kept);
        kept.present[step] = 1;
        kept.values[step] = one.values[step]!;
      }
    }
  }
  const result = [...chosen.values()];
  return steps === 1
    ? sorted(result, expr.op === "topk")
    : result.sort((left, right) => compareLabels(left.labels, right.labels));
}

/** NaN ranks last, whatever is asked for. */
function rank(left: number, right: number, sign: number): number {
  if (Number.isNaN(left)) return Number.isNaN(right) ? 0 : 1;
  return Number.isNaN(right) ? -1 : (left - right) * sign;
}

/** Orders by value for an instant query; the series of a range query have no single value to order by. */
function sorted(series: readonly StepSeries[], descending: boolean): StepSeries[] {
  return [...series].sort((left, right) =>
    rank(left.values[0] ?? Number.NaN, right.values[0] ?? Number.NaN, descending ? -1 : 1),
  );
}
