import type { SyntaxNode } from "@lezer/common";
import type { Duration, DurationOperator, Position } from "../ast.ts";
import { ParseError } from "../error.ts";
import { childrenOf } from "./grammar.ts";
import { parseNumberLiteral } from "./parse-literals.ts";

/** Longest duration that Prometheus' int64 nanoseconds hold, in seconds. */
const DURATION_SECONDS_MAX = 2 ** 63 / 1e9;

/** The duration that a `DurationExpr` or `OffsetDurationExpr` node writes. @throws ParseError */
export function parseDuration(query: string, node: SyntaxNode): Duration {
  const position: Position = { start: node.from, end: node.to };
  const children = childrenOf(node);
  const first = children[0]!;
  switch (first.name) {
    case "NumberDurationLiteralInDurationContext":
      return constant(query, query.slice(first.from, first.to), position);
    case "DurationStep":
      return { kind: "step", position };
    case "DurationRange":
      return { kind: "range", position };
    case "DurationMinOf":
    case "DurationMaxOf": {
      const left = parseDuration(query, children[1]!);
      const right = parseDuration(query, children[2]!);
      const operator = first.name === "DurationMinOf" ? "min_of" : "max_of";
      return { kind: "binary", operator, left, right, position };
    }
    case "UnaryOp":
      return unary(query.slice(first.from, first.to) as "+" | "-", parseDuration(query, children[1]!), position);
    default:
      return children.length === 1
        ? { kind: "parenthesis", inner: parseDuration(query, first), position }
        : binary(query, children, position);
  }
}

/** The duration itself where it may be positive; a constant must be. @throws ParseError */
export function requirePositive(query: string, duration: Duration): Duration {
  if (duration.kind === "constant" && duration.seconds <= 0)
    throw new ParseError(query, duration.position.start, duration.position.end, "duration must be greater than 0");
  return duration;
}

function constant(query: string, text: string, position: Position): Duration {
  const literal = parseNumberLiteral(text);
  if (literal === undefined)
    throw new ParseError(query, position.start, position.end, `bad number or duration syntax: ${JSON.stringify(text)}`);
  if (!(Math.abs(literal.value) <= DURATION_SECONDS_MAX))
    throw new ParseError(query, position.start, position.end, "duration out of range");
  return { kind: "constant", seconds: literal.value, position };
}

function unary(operator: "+" | "-", operand: Duration, position: Position): Duration {
  if (operand.kind !== "constant") return { kind: "unary", operator, operand, position };
  return { ...operand, seconds: operator === "-" ? -operand.seconds : operand.seconds, position };
}

function binary(query: string, children: SyntaxNode[], position: Position): Duration {
  const left = parseDuration(query, children[0]!);
  const right = parseDuration(query, children[2]!);
  const operator = query.slice(children[1]!.from, children[1]!.to) as DurationOperator;
  const byZero = right.kind === "constant" && right.seconds === 0;
  const operatorAt = children[1]!;
  if (byZero && operator === "/") throw new ParseError(query, operatorAt.from, operatorAt.to, "division by zero");
  if (byZero && operator === "%") throw new ParseError(query, operatorAt.from, operatorAt.to, "modulo by zero");
  return { kind: "binary", operator, left, right, position };
}
