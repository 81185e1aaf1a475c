import type { ComparisonOp } from "../../languages/traceql/ast.ts";
import { compileRegex, RegexError } from "../../series/regex.ts";
import { ValueType } from "../ingest/otlp-reader.ts";
import type { ValueColumn } from "../store/span-block.ts";
import type { StringTable } from "../store/string-table.ts";

/** A value at evaluation time; arrays hold scalars, undefined is nil. */
export type Scalar = string | number | boolean;
export type Value = Scalar | readonly Scalar[] | undefined;

/** OTLP SpanKind and StatusCode by number, as TraceQL writes them. */
export const KIND_WORDS = ["unspecified", "internal", "server", "client", "producer", "consumer"] as const;
export const STATUS_WORDS = ["unset", "ok", "error"] as const;

/** The value of a column at `row`. */
export function valueAt(column: ValueColumn | undefined, row: number, strings: StringTable): Value {
  if (column === undefined) return undefined;
  const value = column.values[row]!;
  switch (column.types[row]) {
    case ValueType.String:
      return strings.text(value);
    case ValueType.Int:
    case ValueType.Float:
      return value;
    case ValueType.Bool:
      return value === 1;
    case ValueType.Array:
      return JSON.parse(strings.text(value)) as Scalar[];
    case ValueType.Other:
      return []; // exists, but compares with nothing
    default:
      return undefined;
  }
}

/**
 * Compares as TraceQL does: values of different types never match, a missing one matches nothing, an array matches
 * where one element does (for `!=` and `!~`: where all do).
 */
export function compareValues(op: ComparisonOp, left: Value, right: Value): boolean {
  if (left === undefined || right === undefined) return false;
  if (typeof left === "object") {
    const negated = op === "!=" || op === "!~";
    return negated
      ? left.every((element) => compareValues(op, element, right))
      : left.some((element) => compareValues(op, element, right));
  }
  if (typeof right === "object") return right.some((element) => compareValues(op, left, element));
  if (typeof left !== typeof right) return false;
  switch (op) {
    case "=":
      return left === right;
    case "!=":
      return left !== right;
    case "=~":
    case "!~":
      return typeof left === "string" && matchesPattern(right as string, left) === (op === "=~");
    default:
      return typeof left !== "boolean" && compareOrder(op, left as string, right as string);
  }
}

/** Undefined for a pattern that is none: it came from a span, as the query's own are checked before. */
function matchesPattern(pattern: string, text: string): boolean | undefined {
  try {
    return compileRegex(pattern).matchesWhole(text);
  } catch (error) {
    if (error instanceof RegexError) return undefined;
    throw error;
  }
}

/** Orders numbers by size and strings by code unit; both operands have one type. */
export function compareOrder<T extends string | number>(op: ComparisonOp, left: T, right: T): boolean {
  switch (op) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    case "!=":
      return left !== right;
    default:
      return left === right;
  }
}
