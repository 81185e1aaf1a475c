import type { BinaryExpr, BinaryOperator, Call, Expr, Position, ValueType, VectorSelector } from "../ast.ts";
import { ParseError } from "../error.ts";
import { functionTable } from "./function-table.ts";

/** How Prometheus' documentation calls the types. */
const DOCUMENTED: Readonly<Record<ValueType, string>> = {
  none: "none",
  scalar: "scalar",
  vector: "instant vector",
  matrix: "range vector",
  string: "string",
};

const comparisonOperators: ReadonlySet<BinaryOperator> = new Set<BinaryOperator>(["==", "!=", ">", "<", ">=", "<="]);
const setOperators: ReadonlySet<BinaryOperator> = new Set<BinaryOperator>(["and", "or", "unless"]);

/** The type an expression evaluates to. */
export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case "number":
      return "scalar";
    case "string":
      return "string";
    case "selector":
    case "aggregate":
      return "vector";
    case "matrix":
    case "subquery":
      return "matrix";
    case "paren":
      return typeOf(expr.inner);
    case "unary":
      return typeOf(expr.operand);
    case "binary":
      return typeOf(expr.left) === "scalar" && typeOf(expr.right) === "scalar" ? "scalar" : "vector";
    case "call":
      return functionTable.get(expr.name)?.returns ?? "none";
  }
}

/** Checks the types of a whole expression, inner parts first. @throws ParseError with Prometheus' sentence */
export function checkExpr(query: string, expr: Expr): void {
  new Checker(query).check(expr);
}

class Checker {
  readonly #query: string;

  constructor(query: string) {
    this.#query = query;
  }

  check(expr: Expr): void {
    switch (expr.kind) {
      case "number":
      case "string":
        return;
      case "paren":
        this.check(expr.inner);
        return;
      case "unary":
        this.check(expr.operand);
        if (!isScalarOrVector(typeOf(expr.operand)))
          this.#fail(
            expr.position,
            `unary expression only allowed on expressions of type scalar or instant vector, got "${DOCUMENTED[typeOf(expr.operand)]}"`,
          );
        return;
      case "selector":
        this.#selector(expr);
        return;
      case "matrix":
        this.#selector(expr.selector);
        return;
      case "subquery":
        this.check(expr.inner);
        if (typeOf(expr.inner) !== "vector")
          this.#fail(expr.position, `subquery is only allowed on instant vector, got ${typeOf(expr.inner)} instead`);
        return;
      case "aggregate":
        this.#expect(expr.inner, "vector", "aggregation expression");
        if (expr.parameter !== undefined)
          this.#expect(expr.parameter, expr.operator === "count_values" ? "string" : "scalar", "aggregation parameter");
        return;
      case "call":
        this.#call(expr);
        return;
      case "binary":
        this.#binary(expr);
        return;
    }
  }

  #fail(position: Position, reason: string): never {
    throw new ParseError(this.#query, position.start, position.end, reason);
  }

  #expect(expr: Expr, wanted: ValueType, context: string): void {
    this.check(expr);
    const got = typeOf(expr);
    if (got !== wanted)
      this.#fail(expr.position, `expected type ${DOCUMENTED[wanted]} in ${context}, got ${DOCUMENTED[got]}`);
  }

  #selector(selector: VectorSelector, emptyAllowed = false): void {
    const own = selector.matchers.length - 1;
    const second = selector.matchers.find((matcher, index) => matcher.name === "__name__" && index !== own);
    if (selector.name !== "" && second !== undefined)
      this.#fail(
        selector.position,
        `metric name must not be set twice: ${JSON.stringify(selector.name)} or ${JSON.stringify(second.value)}`,
      );
    if (!emptyAllowed && selector.matchers.every((matcher) => matcher.matches("")))
      this.#fail(selector.position, "vector selector must contain at least one non-empty matcher");
  }

  #call(call: Call): void {
    const { name, args, position } = call;
    const signature = functionTable.get(name);
    if (signature === undefined)
      this.#fail(
        { start: position.start, end: position.start + name.length },
        `unknown function with name ${JSON.stringify(name)}`,
      );
    const declared = signature.args.length;
    const quoted = JSON.stringify(name);
    if (signature.variadic === 0) {
      if (args.length !== declared)
        this.#fail(position, `expected ${declared} argument(s) in call to ${quoted}, got ${args.length}`);
    } else {
      const least = declared - 1;
      const most = least + signature.variadic;
      if (args.length < least)
        this.#fail(position, `expected at least ${least} argument(s) in call to ${quoted}, got ${args.length}`);
      if (signature.variadic > 0 && args.length > most)
        this.#fail(position, `expected at most ${most} argument(s) in call to ${quoted}, got ${args.length}`);
    }
    args.forEach((arg, index) => {
      if (name === "info" && index === 1) this.#infoSelector(arg);
      else this.#expect(arg, signature.args[Math.min(index, declared - 1)]!, `call to function ${quoted}`);
    });
  }

  /** The second argument of `info` is a selector of labels, not of series. */
  #infoSelector(arg: Expr): void {
    if (typeOf(arg) !== "vector")
      this.#fail(
        arg.position,
        `expected type ${DOCUMENTED.vector} in call to function "info", got ${DOCUMENTED[typeOf(arg)]}`,
      );
    if (arg.kind !== "selector") this.#fail(arg.position, "expected label selectors only");
    if (arg.name !== "") this.#fail(arg.position, "expected label selectors only, got vector selector instead");
    this.#selector(arg, true);
  }

  #binary(expr: BinaryExpr): void {
    const { operator, left, right, position } = expr;
    this.check(left);
    this.check(right);
    const leftType = typeOf(left);
    const rightType = typeOf(right);
    const between: Position = { start: left.position.end, end: right.position.start };
    const operatorAt: Position = { start: this.#skipSpace(between.start), end: between.end };
    const comparison = comparisonOperators.has(operator);
    if (expr.returnBool && !comparison)
      this.#fail(operatorAt, "bool modifier can only be used on comparison operators");
    if (comparison && !expr.returnBool && leftType === "scalar" && rightType === "scalar")
      this.#fail(operatorAt, "comparisons between scalars must use BOOL modifier");
    const matching = expr.matching!;
    const twice = matching.on ? matching.labels.find((label) => matching.include.includes(label)) : undefined;
    if (twice !== undefined)
      this.#fail(operatorAt, `label ${JSON.stringify(twice)} must not occur in ON and GROUP clause at once`);
    for (const side of [left, right]) {
      if (!isScalarOrVector(typeOf(side)))
        this.#fail(side.position, "binary expression must contain only scalar and instant vector types");
    }
    const filled = matching.fillLeft !== undefined || matching.fillRight !== undefined;
    if (leftType !== "vector" || rightType !== "vector") {
      if (matching.labels.length > 0) this.#fail(position, "vector matching only allowed between instant vectors");
      if (filled) this.#fail(position, "filling in missing series only allowed between instant vectors");
      if (setOperators.has(operator))
        this.#fail(position, `set operator ${JSON.stringify(operator)} not allowed in binary scalar expression`);
      return;
    }
    if (!setOperators.has(operator)) return;
    if (matching.cardinality !== "one-to-one")
      this.#fail(position, `no grouping allowed for ${JSON.stringify(operator)} operation`);
    if (filled) this.#fail(position, "filling in missing series not allowed for set operators");
  }

  #skipSpace(offset: number): number {
    let at = offset;
    while (/\s/.test(this.#query[at] ?? "")) at++;
    return at;
  }
}

function isScalarOrVector(type: ValueType): boolean {
  return type === "scalar" || type === "vector";
}
