import type { Binary, ComparisonOp, FieldExpr } from "../../languages/traceql/ast.ts";
import { impliedType } from "../../languages/traceql/check.ts";
import type { BlockFacts } from "./block-facts.ts";
import { compileColumnTest, type Predicate } from "./column-test.ts";
import { fieldGetter, type Getter } from "./field-getter.ts";
import { compareValues } from "./values.ts";

/** Compiles an expression against one block, whose columns must be prepared. */
export function compileValue(expression: FieldExpr, facts: BlockFacts): Getter {
  switch (expression.type) {
    case "static": {
      const value = expression.value ?? undefined;
      return () => value;
    }
    case "attribute":
    case "intrinsic":
      return fieldGetter(expression, facts);
    case "unary": {
      if (expression.op === "!") return compilePredicate(expression, facts);
      const operand = compileValue(expression.operand, facts);
      return (row) => {
        const value = operand(row);
        return typeof value === "number" ? -value : undefined;
      };
    }
    case "binary":
      return isArithmetic(expression.op) ? arithmetic(expression, facts) : compilePredicate(expression, facts);
  }
}

function isArithmetic(op: Binary["op"]): boolean {
  return "+-*/%^".includes(op);
}

function arithmetic(expression: Binary, facts: BlockFacts): Getter {
  const left = compileValue(expression.left, facts);
  const right = compileValue(expression.right, facts);
  return (row) => {
    const a = left(row);
    const b = right(row);
    return typeof a === "number" && typeof b === "number" ? calculate(expression.op, a, b) : undefined;
  };
}

/** One of the six arithmetic operators on numbers; anything else is NaN. */
export function calculate(op: Binary["op"], left: number, right: number): number {
  switch (op) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
    case "%":
      return left % right;
    case "^":
      return left ** right;
    default:
      return Number.NaN;
  }
}

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
