import type { AttributeRef, AttributeScopeName, Binary, FieldExpr, FieldRef } from "./ast.ts";
import { INTRINSIC_WORDS } from "./keywords.ts";
import type { TokenStream } from "./token-stream.ts";

/** Operators of field expressions by how tightly they bind. `&&` and `||` bind alike and group left, as in Tempo. */
const PRECEDENCE: Readonly<Record<string, number>> = {
  "&&": 1,
  "||": 1,
  "=": 2,
  "!=": 2,
  "<": 2,
  "<=": 2,
  ">": 2,
  ">=": 2,
  "=~": 2,
  "!~": 2,
  "+": 3,
  "-": 3,
  "*": 5,
  "/": 5,
  "%": 5,
  "^": 6,
};
const PRECEDENCE_MINUS = 3;
const PRECEDENCE_NOT = 4;
const POWER = 6;

/** A field expression, as it stands in `{ }`, `by( )` and aggregates. @throws TraceqlError */
export function parseFieldExpr(tokens: TokenStream, least = 1): FieldExpr {
  let left = parseOperand(tokens);
  while (true) {
    const op = tokens.symbol;
    const precedence = PRECEDENCE[op] ?? 0;
    if (precedence < least || precedence === 0) return left;
    tokens.takeOperator();
    const right = tokens.nested(() => parseFieldExpr(tokens, precedence === POWER ? precedence : precedence + 1));
    left = { type: "binary", op: op as Binary["op"], left, right };
  }
}

function parseOperand(tokens: TokenStream): FieldExpr {
  if (tokens.take("(")) {
    const inner = tokens.nested(() => parseFieldExpr(tokens));
    tokens.expect(")");
    return inner;
  }
  // The yacc precedence of a prefix decides how much stands under it: `-a * b` is -(a * b), `!a = b` is (!a) = b.
  if (tokens.take("-")) {
    const operand = tokens.nested(() => parseFieldExpr(tokens, PRECEDENCE_MINUS + 1));
    return { type: "unary", op: "-", operand };
  }
  if (tokens.take("!")) {
    const operand = tokens.nested(() => parseFieldExpr(tokens, PRECEDENCE_NOT + 1));
    return { type: "unary", op: "!", operand };
  }
  return tokens.takeStatic() ?? parseFieldRef(tokens);
}

/** An attribute or an intrinsic. @throws TraceqlError */
export function parseFieldRef(tokens: TokenStream): FieldRef {
  const { type, text, scope } = tokens.current;
  if (type === "attribute") {
    tokens.advance();
    return attributeRef(scope, text);
  }
  if (type === "word" && Object.hasOwn(INTRINSIC_WORDS, text)) {
    tokens.advance();
    return { type: "intrinsic", name: INTRINSIC_WORDS[text]!, parent: false, text };
  }
  return tokens.unexpected();
}

function attributeRef(scope: string, name: string): FieldRef {
  if (scope === "") return { type: "attribute", scope: "none", parent: false, name };
  const [first, second] = scope.split(".");
  if (first !== "parent") return { type: "attribute", scope: first as AttributeScopeName, parent: false, name };
  if (second !== undefined) return { type: "attribute", scope: second as AttributeRef["scope"], parent: true, name };
  // `parent.duration` is the parent's intrinsic, `parent.foo` its attribute.
  if (Object.hasOwn(INTRINSIC_WORDS, name)) {
    return { type: "intrinsic", name: INTRINSIC_WORDS[name]!, parent: true, text: `parent.${name}` };
  }
  return { type: "attribute", scope: "none", parent: true, name };
}
