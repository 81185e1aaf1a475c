import type { BinaryExpr, BinaryOp } from "../../languages/logql/ast.ts";
import type { Labels } from "../../series/labels.ts";
import { QueryError } from "./query-error.ts";
import { type MetricResult, makeSeries, type StepSeries } from "./result.ts";

/** Evaluates a binary operation over two results of the same grid. */
export function evaluateBinary(expr: BinaryExpr, left: MetricResult, right: MetricResult, steps: number): MetricResult {
  if (left.kind === "scalar" && right.kind === "scalar") {
    return { kind: "scalar", value: Number(compute(expr.op, left.value, right.value)) };
  }
  if (left.kind === "scalar")
    return withScalar(expr, (right as MetricResult & { kind: "series" }).series, left.value, true, steps);
  if (right.kind === "scalar") return withScalar(expr, left.series, right.value, false, steps);
  if (expr.op === "and" || expr.op === "or" || expr.op === "unless") {
    return { kind: "series", series: setOperation(expr, left.series, right.series, steps) };
  }
  return { kind: "series", series: match(expr, left.series, right.series, steps) };
}

/** The value of an operation; a boolean for comparisons. Division by zero is NaN, as Loki has it. */
function compute(op: BinaryOp, left: number, right: number): number | boolean {
  switch (op) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return right === 0 ? Number.NaN : left / right;
    case "%":
      return right === 0 ? Number.NaN : left % right;
    case "^":
      return left ** right;
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    case "<":
      return left < right;
    default:
      return left <= right;
  }
}

function withScalar(
  expr: BinaryExpr,
  series: readonly StepSeries[],
  scalar: number,
  scalarIsLeft: boolean,
  steps: number,
): MetricResult {
  const result = series.map((one) => {
    const target = makeSeries(one.labels, steps);
    for (let step = 0; step < steps; step++) {
      if (one.present[step] !== 1) continue;
      const value = one.values[step]!;
      put(expr, target, step, scalarIsLeft ? scalar : value, scalarIsLeft ? value : scalar, value);
    }
    return target;
  });
  return { kind: "series", series: result };
}

/** Writes one step; a comparison without `bool` keeps `kept` or leaves the step empty. */
function put(expr: BinaryExpr, target: StepSeries, step: number, left: number, right: number, kept: number): void {
  const value = compute(expr.op, left, right);
  if (typeof value === "boolean" && !expr.returnBool) {
    if (!value) return;
    target.values[step] = kept;
  } else target.values[step] = Number(value);
  target.present[step] = 1;
}

/** The labels by which two sides find each other. */
function signature(expr: BinaryExpr, labels: Labels): string {
  const names = new Set(expr.matching);
  return (expr.on ? labels.keep(names) : labels.without(names)).key;
}

function bySignature(expr: BinaryExpr, series: readonly StepSeries[]): Map<string, StepSeries[]> {
  const groups = new Map<string, StepSeries[]>();
  for (const one of series) {
    const key = signature(expr, one.labels);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
}

function setOperation(
  expr: BinaryExpr,
  left: readonly StepSeries[],
  right: readonly StepSeries[],
  steps: number,
): StepSeries[] {
  const others = bySignature(expr, expr.op === "or" ? left : right);
  const hasOther = (labels: Labels, step: number): boolean =>
    others.get(signature(expr, labels))?.some(({ present }) => present[step] === 1) ?? false;
  const filtered = (expr.op === "or" ? right : left).map((one) => {
    const target = makeSeries(one.labels, steps);
    for (let step = 0; step < steps; step++) {
      if (one.present[step] !== 1 || hasOther(one.labels, step) !== (expr.op === "and")) continue;
      target.present[step] = 1;
      target.values[step] = one.values[step]!;
    }
    return target;
  });
  return expr.op === "or" ? mergeSame([...left, ...filtered], steps) : filtered;
}

/** One series per label set: `or` may give the same one from either side, at different steps. */
function mergeSame(series: readonly StepSeries[], steps: number): StepSeries[] {
  const merged = new Map<string, StepSeries>();
  for (const one of series) {
    const known = merged.get(one.labels.key);
    if (known === undefined) {
      merged.set(one.labels.key, one);
      continue;
    }
    const target = makeSeries(one.labels, steps);
    for (const source of [one, known]) {
      for (let step = 0; step < steps; step++) {
        if (source.present[step] !== 1) continue;
        target.present[step] = 1;
        target.values[step] = source.values[step]!;
      }
    }
    merged.set(one.labels.key, target);
  }
  return [...merged.values()];
}

/** Arithmetic and comparison between vectors: one to one, or many to one with a group modifier. */
function match(
  expr: BinaryExpr,
  left: readonly StepSeries[],
  right: readonly StepSeries[],
  steps: number,
): StepSeries[] {
  const oneIsLeft = expr.group === "right";
  const many = oneIsLeft ? right : left;
  const ones = bySignature(expr, oneIsLeft ? left : right);
  const results = new Map<string, StepSeries>();
  for (const manySeries of many) {
    const candidates = ones.get(signature(expr, manySeries.labels)) ?? [];
    for (const oneSeries of candidates) {
      const labels = resultLabels(expr, manySeries.labels, oneSeries.labels);
      const target = results.get(labels.key) ?? makeSeries(labels, steps);
      for (let step = 0; step < steps; step++) {
        if (manySeries.present[step] !== 1 || oneSeries.present[step] !== 1) continue;
        if (candidates.length > 1) requireSingle(candidates, step, oneIsLeft);
        if (target.present[step] === 1) {
          throw new QueryError(
            400,
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
          );
        }
        const [leftSeries, rightSeries] = oneIsLeft ? [oneSeries, manySeries] : [manySeries, oneSeries];
        put(expr, target, step, leftSeries.values[step]!, rightSeries.values[step]!, leftSeries.values[step]!);
      }
      results.set(labels.key, target);
    }
  }
  return [...results.values()];
}

function requireSingle(candidates: readonly StepSeries[], step: number, oneIsLeft: boolean): void {
  if (candidates.filter(({ present }) => present[step] === 1).length <= 1) return;
  throw new QueryError(
    400,
    `found duplicate series on the ${oneIsLeft ? "left" : "right"} hand-side;many-to-many matching not allowed: matching labels must be unique on one side`,
  );
}

function resultLabels(expr: BinaryExpr, many: Labels, one: Labels): Labels {
  if (expr.group === "none") {
    const names = new Set(expr.matching);
    return expr.on ? many.keep(names) : many.without(names);
  }
  let labels = many;
  for (const name of expr.include) labels = labels.with(name, one.get(name));
  return labels;
}
