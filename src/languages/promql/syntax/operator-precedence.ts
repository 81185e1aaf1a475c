import { invariant } from "../../../runtime/invariant.ts";
import type { BinaryOperator, Expr, Position, VectorMatching } from "../ast.ts";

/** A piece of an expression without parentheses, in text order: operand, sign in front of one, or operator. */
export type ExpressionItem =
  | { readonly kind: "operand"; readonly expr: Expr }
  | { readonly kind: "sign"; readonly operator: "+" | "-"; readonly position: Position }
  | {
      readonly kind: "operator";
      readonly operator: BinaryOperator;
      readonly returnBool: boolean;
      readonly matching: VectorMatching;
    };

/** How tight operators bind; of equal ones the left binds first, but for the power. */
const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  "==": 3,
  "!=": 3,
  ">": 3,
  "<": 3,
  ">=": 3,
  "<=": 3,
  "</": 3,
  ">/": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
  atan2: 5,
  "^": 6,
};

/**
 * Builds the tree of operands and operators. The grammar's own tree is not used for it, because it lets a modifier end
 * an operation (`a + b offset 5m * 2`) and a sign bind tighter than the power (`-1 ^ 2`).
 */
export function buildOperations(items: readonly ExpressionItem[]): Expr {
  return new Climber(items).climb(0);
}

class Climber {
  readonly #items: readonly ExpressionItem[];
  #at = 0;

  constructor(items: readonly ExpressionItem[]) {
    this.#items = items;
  }

  climb(least: number): Expr {
    let left = this.#operand();
    for (;;) {
      const item = this.#items[this.#at];
      if (item?.kind !== "operator") return left;
      const precedence = PRECEDENCE[item.operator];
      if (precedence < least) return left;
      this.#at++;
      const right = this.climb(item.operator === "^" ? precedence : precedence + 1);
      const position = { start: left.position.start, end: right.position.end };
      const { operator, returnBool, matching } = item;
      left = { kind: "binary", operator, left, right, returnBool, matching, position };
    }
  }

  #operand(): Expr {
    const item = this.#items[this.#at++];
    if (item?.kind === "operand") return item.expr;
    invariant(item?.kind === "sign", "an operand or a sign after every operator");
    // A sign binds like a product: looser than the power, tighter than a sum.
    const operand = this.climb(PRECEDENCE["^"]);
    const position = { start: item.position.start, end: operand.position.end };
    const { operator } = item;
    if (operand.kind === "number")
      return { ...operand, value: operator === "-" ? -operand.value : operand.value, position };
    return { kind: "unary", operator, operand, position };
  }
}
