import type { ComparisonOp, FieldExpr, Static } from "../../languages/traceql/ast.ts";
import { compileRegex } from "../../series/regex.ts";
import { ValueType } from "../ingest/otlp-reader.ts";
import type { SpanBlock, ValueColumn } from "../store/span-block.ts";
import { compareOrder, compareValues, KIND_WORDS, STATUS_WORDS, valueAt } from "./values.ts";

/** Whether a row of the block it was compiled for fulfils a condition. */
export type Predicate = (row: number) => boolean;

const never: Predicate = () => false;

/** Fast path: a column against a literal, without making a value per row. Undefined where the shape does not fit. */
export function compileColumnTest(
  op: ComparisonOp,
  left: FieldExpr,
  right: Static,
  block: SpanBlock,
): Predicate | undefined {
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
