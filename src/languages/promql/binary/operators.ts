import { CounterResetHint, type FloatHistogram } from "../../../series/float-histogram.ts";
import {
  addHistograms,
  compactHistogram,
  divideHistogram,
  multiplyHistogram,
} from "../../../series/histogram-arithmetic.ts";
import { histogramsEqual } from "../../../series/histogram-equal.ts";
import { IncompatibleHistogramsError } from "../../../series/histogram-sum.ts";
import type { BinaryOperator, Position } from "../ast.ts";
import type { Annotations } from "../execute/annotations.ts";
import { power } from "../execute/float-math.ts";
import { trimHistogram } from "../histogram/histogram-trim.ts";

/** Arithmetic between floats. */
export const arithmetic: Readonly<Partial<Record<BinaryOperator, (left: number, right: number) => number>>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": (left, right) => left % right,
  "^": power,
  atan2: Math.atan2,
};

/** Comparisons between floats. */
export const comparisons: Readonly<Partial<Record<BinaryOperator, (left: number, right: number) => boolean>>> = {
  "==": (left, right) => left === right,
  "!=": (left, right) => left !== right,
  ">": (left, right) => left > right,
  "<": (left, right) => left < right,
  ">=": (left, right) => left >= right,
  "<=": (left, right) => left <= right,
};

/** An operation between two scalars: comparisons give 1 or 0. */
export function scalarOperation(operator: BinaryOperator): (left: number, right: number) => number {
  const compute = arithmetic[operator];
  if (compute !== undefined) return compute;
  const compare = comparisons[operator]!;
  return (left, right) => (compare(left, right) ? 1 : 0);
}

/** True where the result is another quantity, so that the metric's name does not fit any more. */
export function changesMeaning(operator: BinaryOperator): boolean {
  return arithmetic[operator] !== undefined;
}

/** Where an operation happens, for annotations. */
export interface OperationContext {
  readonly annotations: Annotations;
  readonly position: Position;
}

/** A float or a histogram. */
export type Element = number | FloatHistogram;

/**
 * An operation of which at least one side is a native histogram: its result, `false` for a comparison that does not
 * hold (the left side otherwise), or undefined, with an annotation, where the types do not go together.
 */
export function histogramOperation(
  operator: BinaryOperator,
  left: Element,
  right: Element,
  context: OperationContext,
): Element | false | undefined {
  if (typeof left === "number") {
    if (typeof right !== "number" && operator === "*") return compactHistogram(multiplyHistogram(right, left));
  } else if (typeof right === "number") {
    if (operator === "*") return compactHistogram(multiplyHistogram(left, right));
    if (operator === "/") return compactHistogram(divideHistogram(left, right));
    if (operator === "</") return trimHistogram(left, right, "upper");
    if (operator === ">/") return trimHistogram(left, right, "lower");
  } else {
    if (operator === "+" || operator === "-") return combine(operator, left, right, context);
    if (operator === "==") return histogramsEqual(left, right) && left;
    if (operator === "!=") return !histogramsEqual(left, right) && left;
  }
  context.annotations.incompatibleTypes(typeName(left), operator, typeName(right), context.position);
  return undefined;
}

function typeName(element: Element): string {
  return typeof element === "number" ? "float" : "histogram";
}

function combine(
  operator: "+" | "-",
  left: FloatHistogram,
  right: FloatHistogram,
  { annotations, position }: OperationContext,
): FloatHistogram | undefined {
  const operation = operator === "+" ? "addition" : "subtraction";
  try {
    const { result, resetCollision, boundsReconciled } = addHistograms(left, right, operator === "+" ? 1 : -1);
    if (resetCollision) annotations.counterResetCollision(operation, position);
    if (boundsReconciled) annotations.mismatchedCustomBuckets(operation, position);
    const compact = compactHistogram(result);
    return operator === "+" ? compact : { ...compact, counterResetHint: CounterResetHint.Gauge };
  } catch (error) {
    if (!(error instanceof IncompatibleHistogramsError)) throw error;
    annotations.incompatibleBucketLayout(operator, position);
    return undefined;
  }
}
