import type { Binary, FieldExpr, PipelineElement, Query, Static } from "../../languages/traceql/ast.ts";
import { compileRegex } from "../../series/regex.ts";
import { ValueType } from "../ingest/otlp-reader.ts";
import type { ColumnStats } from "../store/column-codec.ts";
import type { BlockEntry } from "../store/segment-format.ts";
import type { BlockFilter } from "../store/segment-set.ts";
import { columnsOf } from "./field-getter.ts";
import { compareOrder, STATUS_WORDS } from "./values.ts";

/**
 * Leaves out blocks in which the query's first filter cannot match, by what the segment's directory says of their
 * columns. Never leaves out one that could match.
 */
export function blockFilter(query: Query, isWanted: BlockFilter["isWanted"] = () => true): BlockFilter {
  const [first] = query.elements;
  return { isWanted, mayMatch: (block) => first === undefined || elementMayMatch(first, block) };
}

function elementMayMatch(element: PipelineElement, block: BlockEntry): boolean {
  if (element.type === "filter") return mayMatch(element.expression, block);
  if (element.type !== "operation") return true;
  if (element.op === "||") return elementMayMatch(element.left, block) || elementMayMatch(element.right, block);
  // A negated relation holds where the left side is empty; every other operator needs both.
  if (element.op.startsWith("!")) return elementMayMatch(element.right, block);
  return elementMayMatch(element.left, block) && elementMayMatch(element.right, block);
}

function mayMatch(expression: FieldExpr, block: BlockEntry): boolean {
  if (expression.type !== "binary") return true;
  const { op, left, right } = expression;
  if (op === "&&") return mayMatch(left, block) && mayMatch(right, block);
  if (op === "||") return mayMatch(left, block) || mayMatch(right, block);
  if (right.type !== "static" || right.valueType === "nil") return true;
  return comparisonMayMatch(op, left, right, block);
}

function comparisonMayMatch(op: Binary["op"], left: FieldExpr, right: Static, block: BlockEntry): boolean {
  if (left.type === "intrinsic" && !left.parent) {
    if (left.name === "status" && op === "=")
      return (block.statuses & (1 << STATUS_WORDS.indexOf(right.value as never))) !== 0;
    if (left.name === "duration" && (op === ">" || op === ">=")) return block.durationMaxNs >= (right.value as number);
  }
  if (left.type !== "attribute" && left.type !== "intrinsic") return true;
  const places = columnsOf(left);
  if (places.length === 0) return true;
  // A missing attribute matches no comparison, so a block without the column has no match.
  return places.some(({ scope, key }) => {
    const column = block.columns.find((candidate) => candidate.key === key && candidate.scope === scope);
    return column !== undefined && statsMayMatch(op, column.stats, right);
  });
}

function statsMayMatch(op: Binary["op"], stats: ColumnStats, { value }: Static): boolean {
  const has = (type: number): boolean => (stats.types & (1 << type)) !== 0;
  if (has(ValueType.Array)) return true;
  if (typeof value === "string") {
    if (!has(ValueType.String)) return false;
    return stats.texts === undefined || stats.texts.some((text) => textMatches(op, text, value));
  }
  if (typeof value === "boolean") return has(ValueType.Bool);
  if (typeof value !== "number") return true;
  if (!has(ValueType.Int) && !has(ValueType.Float)) return false;
  switch (op) {
    case "=":
      return value >= stats.min && value <= stats.max;
    case ">":
    case ">=":
      return compareOrder(op, stats.max, value);
    case "<":
    case "<=":
      return compareOrder(op, stats.min, value);
    default:
      return true;
  }
}

function textMatches(op: Binary["op"], text: string, value: string): boolean {
  switch (op) {
    case "=~":
      return compileRegex(value).matchesWhole(text);
    case "!~":
      return !compileRegex(value).matchesWhole(text);
    case "=":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
      return compareOrder(op, text, value);
    default:
      return true;
  }
}
