import type { MetricExpr, RangeOp, VectorAggregation } from "../../languages/logql/ast.ts";
import { compareLabels, Labels } from "../../series/labels.ts";
import { compileRegex } from "../../series/regex.ts";
import { SERIES_MAX } from "../limits.ts";
import type { LogStore } from "../store/store.ts";
import { evaluateBinary } from "./binary.ts";
import { QueryError } from "./query-error.ts";
import type { QueryRun } from "./query-run.ts";
import { evaluateRange } from "./range-aggregation.ts";
import { type Grid, type MetricResult, makeSeries, type StepSeries } from "./result.ts";
import { aggregate } from "./vector-aggregation.ts";

/** Operations whose sum over series is the operation over their lines together. */
const SUMMABLE: ReadonlySet<RangeOp> = new Set([
  "count_over_time",
  "rate",
  "bytes_over_time",
  "bytes_rate",
  "sum_over_time",
]);

/** Evaluates a metric query over a grid; series come sorted by labels (or as `sort` and `topk` order them). */
export async function evaluateMetric(
  store: LogStore,
  expr: MetricExpr,
  grid: Grid,
  run: QueryRun,
): Promise<MetricResult> {
  const result = await evaluate({ store, grid, run, named: namedLabels(expr) }, expr);
  if (result.kind === "scalar") return result;
  const series = result.series.filter(({ present }) => present.includes(1));
  if (series.length > SERIES_MAX) {
    throw new QueryError(
      400,
      `maximum number of series (${SERIES_MAX}) reached for a single query; consider reducing query cardinality by adding more specific stream selectors, reducing the time range, or aggregating results with functions like sum, count or topk`,
      "max_query_series",
    );
  }
  if (grid.steps === 1 && isOrdered(expr)) return { kind: "series", series };
  return { kind: "series", series: series.sort((left, right) => compareLabels(left.labels, right.labels)) };
}

function isOrdered(expr: MetricExpr): boolean {
  return expr.kind === "vectorAggregation" && ["sort", "sort_desc", "topk", "bottomk"].includes(expr.op);
}

/** What is the same for all parts of one query. */
export interface Evaluation {
  readonly store: LogStore;
  readonly grid: Grid;
  readonly run: QueryRun;
  /** Label names that the query groups or matches by: structured metadata of these names make series. */
  readonly named: ReadonlySet<string>;
}

async function evaluate(query: Evaluation, expr: MetricExpr): Promise<MetricResult> {
  const { steps } = query.grid;
  switch (expr.kind) {
    case "literal":
      return { kind: "scalar", value: expr.value };
    case "vector":
      return { kind: "series", series: [constant(expr.value, steps)] };
    case "range":
      return { kind: "series", series: await evaluateRange(query, expr) };
    case "vectorAggregation":
      return { kind: "series", series: await evaluateAggregation(query, expr) };
    case "binary": {
      const left = await evaluate(query, expr.left);
      const right = await evaluate(query, expr.right);
      return evaluateBinary(expr, left, right, steps);
    }
    case "labelReplace": {
      const result = await evaluate(query, expr.expr);
      return result.kind === "scalar" ? result : { kind: "series", series: replaceLabels(expr, result.series) };
    }
  }
}

async function evaluateAggregation(query: Evaluation, expr: VectorAggregation): Promise<StepSeries[]> {
  const { steps } = query.grid;
  const inner = expr.expr;
  const groups = expr.grouping?.without === true ? undefined : (expr.grouping?.names ?? []);
  if (expr.op === "sum" && groups !== undefined && inner.kind === "range" && SUMMABLE.has(inner.op)) {
    return evaluateRange(query, inner, groups);
  }
  const result = await evaluate(query, inner);
  return aggregate(expr, result.kind === "scalar" ? [constant(result.value, steps)] : result.series, steps);
}

function namedLabels(expr: MetricExpr, names = new Set<string>()): Set<string> {
  const add = (more: readonly string[]): void => {
    for (const name of more) names.add(name);
  };
  if (expr.kind === "vectorAggregation") {
    if (expr.grouping?.without === false) add(expr.grouping.names);
    namedLabels(expr.expr, names);
  } else if (expr.kind === "binary") {
    if (expr.on) add(expr.matching);
    add(expr.include);
    namedLabels(expr.left, names);
    namedLabels(expr.right, names);
  } else if (expr.kind === "labelReplace") {
    add([expr.source]);
    namedLabels(expr.expr, names);
  }
  return names;
}

function constant(value: number, steps: number): StepSeries {
  const series = makeSeries(Labels.EMPTY, steps);
  series.values.fill(value);
  series.present.fill(1);
  return series;
}

function replaceLabels(expr: MetricExpr & { kind: "labelReplace" }, series: readonly StepSeries[]): StepSeries[] {
  const regex = compileRegex(expr.pattern);
  return series.map((one) => {
    const groups = regex.groupsOfWhole(one.labels.get(expr.source));
    if (groups === undefined) return one;
    const value = expr.replacement.replace(
      /\$(?:\$|(\d+)|(\w+)|\{(\w+)\})/g,
      (whole, number?: string, bare?: string, braced?: string) => {
        if (whole === "$$") return "$";
        const name = number ?? bare ?? braced!;
        const index = /^\d+$/.test(name) ? Number(name) : (regex.groupNames[name] ?? -1);
        return groups[index] ?? "";
      },
    );
    return { ...one, labels: one.labels.with(expr.destination, value) };
  });
}
