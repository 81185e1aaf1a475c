import type { Binary, ComparisonOp, FieldExpr, Static } from "../../languages/traceql/ast.ts";
import { impliedType } from "../../languages/traceql/check.ts";
import { compileRegex } from "../../series/regex.ts";
import { ValueType } from "../ingest/otlp-reader.ts";
import type { SpanBlock, ValueColumn } from "../store/span-block.ts";
import type { BlockFacts } from "./block-facts.ts";
import { compileValue } from "./compile-value.ts";
import { compareOrder, compareValues, KIND_WORDS, STATUS_WORDS, valueAt } from "./values.ts";

export type Predicate = (row: number) => boolean;

const never: Predicate = () => false;
const always: Predicate = () => true;

/** Compiles a condition against one block, whose columns must be prepared. */
export function compilePredicate(expression: FieldExpr, facts: BlockFacts): Predicate {
  if (expression.type === "static") return expression.value === true ? always : never;
  if (expression.type === "unary" && expression.op === "!") {
    const operand = compileValue(expression.operand, facts);
    return (row) => operand(row) === false;
  }
  if (expression.type === "binary") {
    const { op } = expression;
    if (op === "&&" || op === "||") {
      const left = compilePredicate(expression.left, facts);
      const right = compilePredicate(expression.right, facts);
      return op === "&&" ? (row) => left(row) && right(row) : (row) => left(row) || right(row);
    }
    if (isComparison(op)) return compileComparison(op, expression, facts);
  }
  const value = compileValue(expression, facts);
  return (row) => value(row) === true;
}

function isComparison(op: Binary["op"]): op is ComparisonOp {
  return ["=", "!=", "<", "<=", ">", ">=", "=~", "!~"].includes(op);
}

const MIRRORED: Readonly<Partial<Record<ComparisonOp, ComparisonOp>>> = {
  "=": "=",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

function compileComparison(op: ComparisonOp, { left, right }: Binary, facts: BlockFacts): Predicate {
  if (left.type === "static" && right.type !== "static") {
    const mirrored = MIRRORED[op];
    if (mirrored !== undefined)
      return compileComparison(mirrored, { type: "binary", op: mirrored, left: right, right: left }, facts);
  }
  if (right.type === "static" && right.valueType === "nil") {
    const value = compileValue(left, facts);
    return op === "=" ? (row) => value(row) === undefined : (row) => value(row) !== undefined;
  }
  // Words of status and kind are types of their own: an attribute with the text "error" is no status.
  const types = [impliedType(left), impliedType(right)];
  if (types.includes("attribute") && (types.includes("status") || types.includes("kind"))) return never;
  if (right.type === "static") {
    const fast = compileColumnTest(op, left, right, facts.block);
    if (fast !== undefined) return fast;
  }
  const a = compileValue(left, facts);
  const b = compileValue(right, facts);
  return (row) => compareValues(op, a(row), b(row));
}

/** Fast path: a column against a literal, without making a value per row. Undefined where the shape does not fit. */
function compileColumnTest(op: ComparisonOp, left: FieldExpr, right: Static, block: SpanBlock): Predicate | undefined {
  if (left.type === "intrinsic" && !left.parent) {
    if (left.name === "duration") {
      const { durationNs } = block;
      const bound = right.value as number;
      return (row) => compareOrder(op, durationNs[row]!, bound);
    }
    if (left.name === "name" || left.name === "statusMessage") {
      const ids = left.name === "name" ? block.names : block.statusMessages;
      const test = memoized(op, right.value as string, block);
      return (row) => test(ids[row]!);
    }
    if (left.name === "status" || left.name === "kind") {
      const codes = left.name === "status" ? block.statuses : block.kinds;
      const words: readonly string[] = left.name === "status" ? STATUS_WORDS : KIND_WORDS;
      const code = words.indexOf(right.value as string);
      return op === "=" ? (row) => codes[row] === code : (row) => codes[row] !== code;
    }
    return undefined;
  }
  if (left.type !== "attribute" || left.parent) return undefined;
  switch (left.scope) {
    case "span":
      return columnTest(op, block.column("span", left.name), right, block);
    case "resource": {
      const test = columnTest(op, block.column("resource", left.name), right, block);
      const { resources, resourceCount } = block;
      const results = new Uint8Array(resourceCount);
      for (let resource = 0; resource < resourceCount; resource++) results[resource] = test(resource) ? 1 : 0;
      return (row) => results[resources[row]!] === 1;
    }
    default:
      return undefined;
  }
}

function columnTest(op: ComparisonOp, column: ValueColumn | undefined, right: Static, block: SpanBlock): Predicate {
  if (column === undefined) return never;
  const { types, values } = column;
  const { strings } = block;
  const slow = (row: number): boolean => compareValues(op, valueAt(column, row, strings), right.value ?? undefined);
  if (typeof right.value === "string") {
    const test = memoized(op, right.value, block);
    return (row) =>
      types[row] === ValueType.String ? test(values[row]!) : types[row] === ValueType.Array && slow(row);
  }
  if (typeof right.value === "number") {
    const bound = right.value;
    return (row) => {
      const type = types[row];
      if (type === ValueType.Int || type === ValueType.Float) return compareOrder(op, values[row]!, bound);
      return type === ValueType.Array && slow(row);
    };
  }
  return slow;
}

/** A test of string ids that runs the comparison once per distinct string. */
function memoized(op: ComparisonOp, operand: string, { strings }: SpanBlock): (id: number) => boolean {
  if (op === "=" || op === "!=") {
    const wanted = strings.find(operand);
    return op === "=" ? (id) => id === wanted : (id) => id !== wanted;
  }
  const regex = op === "=~" || op === "!~" ? compileRegex(operand) : undefined;
  const known = new Uint8Array(strings.count); // 0: not tested, 1: no, 2: yes
  return (id) => {
    if (known[id] === 0) {
      const text = strings.text(id);
      const matches =
        regex === undefined ? compareOrder(op, text, operand) : regex.matchesWhole(text) === (op === "=~");
      known[id] = matches ? 2 : 1;
    }
    return known[id] === 2;
  };
}
