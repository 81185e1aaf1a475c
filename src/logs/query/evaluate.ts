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
  const result = await evaluate(store, expr, grid, run);
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

async function evaluate(store: LogStore, expr: MetricExpr, grid: Grid, run: QueryRun): Promise<MetricResult> {
  switch (expr.kind) {
    case "literal":
      return { kind: "scalar", value: expr.value };
    case "vector":
      return { kind: "series", series: [constant(expr.value, grid.steps)] };
    case "range":
      return { kind: "series", series: await evaluateRange(store, expr, grid, run) };
    case "vectorAggregation":
      return { kind: "series", series: await evaluateAggregation(store, expr, grid, run) };
    case "binary": {
      const left = await evaluate(store, expr.left, grid, run);
      const right = await evaluate(store, expr.right, grid, run);
      return evaluateBinary(expr, left, right, grid.steps);
    }
    case "labelReplace": {
      const result = await evaluate(store, expr.expr, grid, run);
      return result.kind === "scalar" ? result : { kind: "series", series: replaceLabels(expr, result.series) };
    }
  }
}

async function evaluateAggregation(
  store: LogStore,
  expr: VectorAggregation,
  grid: Grid,
  run: QueryRun,
): Promise<StepSeries[]> {
  const inner = expr.expr;
  const groups = expr.grouping?.without === true ? undefined : (expr.grouping?.names ?? []);
  if (expr.op === "sum" && groups !== undefined && inner.kind === "range" && SUMMABLE.has(inner.op)) {
    return evaluateRange(store, inner, grid, run, groups);
  }
  const result = await evaluate(store, inner, grid, run);
  return aggregate(expr, result.kind === "scalar" ? [constant(result.value, grid.steps)] : result.series, grid.steps);
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
