import type { SyntaxNode } from "@lezer/common";
import { makeMatcher } from "../../series/matcher.ts";
import type { Matcher, MatchType } from "../../series/queryable.ts";
import { RegexError } from "../../series/regex.ts";
import type {
  AggregateOperator,
  BinaryOperator,
  Expr,
  Position,
  SubqueryExpr,
  VectorMatching,
  VectorSelector,
} from "./ast.ts";
import { checkExpr } from "./check.ts";
import { ParseError } from "./error.ts";
import { childrenOf, firstError, parseTree } from "./grammar.ts";
import { parseDuration, requirePositive } from "./parse-duration.ts";
import { explainSyntaxError } from "./parse-errors.ts";
import { parseNumberLiteral, unquote } from "./parse-literals.ts";

/** Longest query text accepted, in UTF-16 units. */
const QUERY_LENGTH_MAX = 256 * 1024;
/** Deepest nesting accepted; deeper queries would exhaust the stack of every recursive pass. */
const QUERY_DEPTH_MAX = 500;

/** Parses and type-checks one expression. @throws ParseError */
export function parsePromql(text: string): Expr {
  const builder = new TreeBuilder(text);
  const expr = builder.build();
  checkExpr(text, expr);
  return expr;
}

/** The matchers of a series selector such as `up{job="x"}`, for `match[]` parameters. @throws ParseError */
export function matchersOf(selector: string): Matcher[] {
  const expr = new TreeBuilder(selector).build();
  if (expr.kind !== "selector" || expr.offset !== undefined || expr.at !== undefined)
    throw new ParseError(selector, 0, selector.length, "expected a series selector");
  checkExpr(selector, expr);
  return [...expr.matchers];
}

/** Turns Lezer's tree into the typed one, with the checks that the real grammar makes while it reduces. */
class TreeBuilder {
  readonly #query: string;
  #depth = 0;

  constructor(query: string) {
    this.#query = query;
  }

  build(): Expr {
    const query = this.#query;
    if (query.length > QUERY_LENGTH_MAX)
      throw new ParseError(query, 0, 0, `query is ${query.length} characters long; the limit is ${QUERY_LENGTH_MAX}`);
    if (query.trim() === "") throw new ParseError(query, 0, 0, "no expression found in input");
    const tree = parseTree(query);
    const error = firstError(tree);
    if (error !== undefined) throw explainSyntaxError(query, error);
    const root = childrenOf(tree.topNode)[0];
    if (root === undefined) throw new ParseError(query, 0, 0, "no expression found in input");
    return this.#expr(root);
  }

  #text(node: SyntaxNode): string {
    return this.#query.slice(node.from, node.to);
  }

  #fail(position: Position, reason: string): never {
    throw new ParseError(this.#query, position.start, position.end, reason);
  }

  #expr(node: SyntaxNode): Expr {
    if (++this.#depth > QUERY_DEPTH_MAX)
      this.#fail(positionOf(node), `query is nested deeper than ${QUERY_DEPTH_MAX} levels`);
    const expr = this.#exprOf(node);
    this.#depth--;
    return expr;
  }

  #exprOf(node: SyntaxNode): Expr {
    const position = positionOf(node);
    const children = childrenOf(node);
    switch (node.name) {
      case "NumberDurationLiteral":
        return this.#number(node);
      case "StringLiteral":
        return { kind: "string", value: this.#string(node), position };
      case "ParenExpr":
        return { kind: "paren", inner: this.#expr(children[0]!), position };
      case "UnaryExpr":
        return this.#unary(this.#text(children[0]!) as "+" | "-", this.#expr(children[1]!), position);
      case "BinaryExpr":
        return this.#binary(node, children);
      case "AggregateExpr":
        return this.#aggregate(children, position);
      case "FunctionCall": {
        const args = childrenOf(children[1]!).map((child) => this.#expr(child));
        return { kind: "call", name: this.#text(children[0]!), args, position };
      }
      case "VectorSelector":
        return this.#selector(node, children);
      case "MatrixSelector":
        return this.#matrix(children, position);
      case "SubqueryExpr":
        return this.#subquery(children, position);
      case "OffsetExpr":
        return this.#offset(children, position);
      case "StepInvariantExpr":
        return this.#at(children, position);
      case "AnchoredExpr":
      case "SmoothedExpr":
        return this.#extended(children, node.name === "AnchoredExpr" ? "anchored" : "smoothed", position);
      default:
        return this.#fail(position, `unexpected ${node.name}`);
    }
  }

  #number(node: SyntaxNode): Expr {
    const text = this.#text(node);
    const sign = /^([+-]?)\s*(.*)$/s.exec(text)!;
    const literal = parseNumberLiteral(sign[2]!);
    const position = positionOf(node);
    if (literal === undefined) this.#fail(position, `bad number or duration syntax: ${JSON.stringify(text)}`);
    const value = sign[1] === "-" ? -literal.value : literal.value;
    return { kind: "number", value, isDuration: literal.isDuration, position };
  }

  #string(node: SyntaxNode): string {
    const literal = this.#text(node);
    const value = unquote(literal);
    if (value !== undefined) return value;
    const terminated = literal.length > 1 && literal.at(-1) === literal[0];
    if (!terminated || literal.includes("\n")) this.#fail(positionOf(node), "unterminated quoted string");
    return this.#fail(positionOf(node), "unknown escape sequence");
  }

  #unary(operator: "+" | "-", operand: Expr, position: Position): Expr {
    if (operand.kind === "number")
      return { ...operand, value: operator === "-" ? -operand.value : operand.value, position };
    return { kind: "unary", operator, operand, position };
  }

  #binary(node: SyntaxNode, children: SyntaxNode[]): Expr {
    const position = positionOf(node);
    const leftNode = children[0]!;
    const operator = this.#text(children[1]!).toLowerCase() as BinaryOperator;
    const modifiers = children.slice(2, -1);
    const left = this.#expr(leftNode);
    const right = this.#expr(children.at(-1)!);
    const returnBool = modifiers.some((child) => child.name === "BoolModifier");
    const matching = this.#matching(modifiers);
    // The grammar reads -1^2 as (-1)^2; the power binds tighter than the sign.
    const signed = operator === "^" && leftNode.name === "NumberDurationLiteral" && /^[+-]/.test(this.#text(leftNode));
    if (signed && left.kind === "number") {
      const sign = this.#text(leftNode)[0] as "+" | "-";
      const unsigned: Expr = {
        ...left,
        value: sign === "-" ? -left.value : left.value,
        position: { start: left.position.start + 1, end: left.position.end },
      };
      const inner: Position = { start: unsigned.position.start, end: position.end };
      return this.#unary(
        sign,
        { kind: "binary", operator, left: unsigned, right, returnBool, matching, position: inner },
        position,
      );
    }
    return { kind: "binary", operator, left, right, returnBool, matching, position };
  }

  /** The matching as written, whatever the operands turn out to be; the checker drops it between scalars. */
  #matching(modifiers: SyntaxNode[]): VectorMatching {
    let on = false;
    let labels: string[] = [];
    let include: string[] = [];
    let cardinality: VectorMatching["cardinality"] = "one-to-one";
    let fillLeft: number | undefined;
    let fillRight: number | undefined;
    for (const modifier of modifiers) {
      if (modifier.name === "MatchingModifierClause") {
        const parts = childrenOf(modifier);
        on = parts[0]!.name === "On";
        labels = this.#labels(parts[1]!);
        if (parts[2] !== undefined) cardinality = parts[2].name === "GroupLeft" ? "many-to-one" : "one-to-many";
        if (parts[3] !== undefined) include = this.#labels(parts[3]);
      } else if (modifier.name === "FillModifier") {
        for (const clause of childrenOf(modifier)) {
          const literal = this.#number(childrenOf(clause)[1]!);
          const value = literal.kind === "number" ? literal.value : Number.NaN;
          if (clause.name !== "FillRightClause") fillLeft = value;
          if (clause.name !== "FillLeftClause") fillRight = value;
        }
      }
    }
    return { cardinality, on, labels, include, fillLeft, fillRight };
  }

  #labels(node: SyntaxNode): string[] {
    return childrenOf(node).map((child) => {
      if (child.name !== "QuotedLabelName") return this.#text(child);
      const name = this.#string(childrenOf(child)[0]!);
      if (name === "") this.#fail(positionOf(child), `invalid label name for grouping: ${JSON.stringify(name)}`);
      return name;
    });
  }

  #aggregate(children: SyntaxNode[], position: Position): Expr {
    const operator = this.#text(children[0]!).toLowerCase() as AggregateOperator;
    const modifier = children.find((child) => child.name === "AggregateModifier");
    const body = children.find((child) => child.name === "FunctionCallBody")!;
    const parts = modifier === undefined ? [] : childrenOf(modifier);
    const grouping = parts[1] === undefined ? [] : this.#labels(parts[1]);
    const args = childrenOf(body).map((child) => this.#expr(child));
    const wanted = PARAMETER_AGGREGATIONS.has(operator) ? 2 : 1;
    if (args.length === 0) this.#fail(position, "no arguments for aggregate expression provided");
    if (args.length !== wanted)
      this.#fail(
        position,
        `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`,
      );
    return {
      kind: "aggregate",
      operator,
      inner: args[wanted - 1]!,
      parameter: wanted === 2 ? args[0] : undefined,
      grouping,
      without: parts[0]?.name === "Without",
      position,
    };
  }

  #selector(node: SyntaxNode, children: SyntaxNode[]): VectorSelector {
    const identifier = children.find((child) => child.name === "Identifier");
    const braces = children.find((child) => child.name === "LabelMatchers");
    const name = identifier === undefined ? "" : this.#text(identifier);
    const matchers = (braces === undefined ? [] : childrenOf(braces)).map((child) => this.#matcher(child));
    if (name !== "") matchers.push(makeMatcher("=", "__name__", name));
    return { kind: "selector", name, matchers, position: positionOf(node) };
  }

  #matcher(node: SyntaxNode): Matcher {
    if (node.name === "QuotedLabelName") return makeMatcher("=", "__name__", this.#string(childrenOf(node)[0]!));
    const [nameNode, operator, valueNode] = childrenOf(node);
    const name = nameNode!.name === "QuotedLabelName" ? this.#string(childrenOf(nameNode!)[0]!) : this.#text(nameNode!);
    try {
      return makeMatcher(this.#text(operator!) as MatchType, name, this.#string(valueNode!));
    } catch (error) {
      if (error instanceof RegexError) this.#fail(positionOf(node), error.message);
      throw error;
    }
  }

  #matrix(children: SyntaxNode[], position: Position): Expr {
    const range = requirePositive(this.#query, parseDuration(this.#query, children[1]!));
    return onTightest(this.#expr(children[0]!), position, (inner, place) => {
      const brackets: Position = { start: this.#query.indexOf("[", inner.position.end), end: place.end };
      if (inner.kind !== "selector") this.#fail(brackets, "ranges only allowed for vector selectors");
      if (inner.offset !== undefined) this.#fail(brackets, "no offset modifiers allowed before range");
      if (inner.at !== undefined) this.#fail(brackets, "no @ modifiers allowed before range");
      return { kind: "matrix", selector: inner, range, position: place };
    });
  }

  #subquery(children: SyntaxNode[], position: Position): Expr {
    const range = requirePositive(this.#query, parseDuration(this.#query, children[1]!));
    const step =
      children[2] === undefined ? undefined : requirePositive(this.#query, parseDuration(this.#query, children[2]));
    return onTightest(this.#expr(children[0]!), position, (inner, place) => {
      return { kind: "subquery", inner, range, step, position: place };
    });
  }

  #offset(children: SyntaxNode[], position: Position): Expr {
    const offset = parseDuration(this.#query, children.at(-1)!);
    return onTightest(this.#expr(children[0]!), position, (target, place) => {
      const { offset: earlier } = this.#modifiable(target, "offset modifier");
      if (earlier !== undefined) this.#fail(target.position, "offset may not be set multiple times");
      return withModifiers(target, { offset }, place);
    });
  }

  #at(children: SyntaxNode[], position: Position): Expr {
    return onTightest(this.#expr(children[0]!), position, (target, place) => {
      const { at: earlier } = this.#modifiable(target, "@ modifier");
      if (earlier !== undefined) this.#fail(target.position, "@ <timestamp> may not be set multiple times");
      const written = children.at(-1)!;
      if (written.name === "AtModifierPreprocessors")
        return withModifiers(target, { at: this.#text(written).toLowerCase() as "start" | "end" }, place);
      const literal = this.#number(written);
      const seconds = literal.kind === "number" ? literal.value : Number.NaN;
      if (!(Math.abs(seconds) < 2 ** 63))
        this.#fail(target.position, `timestamp out of bounds for @ modifier: ${formatOutOfBounds(seconds)}`);
      return withModifiers(target, { at: Math.round(seconds * 1000) }, place);
    });
  }

  #modifiable(target: Expr, modifier: string): VectorSelector | SubqueryExpr {
    if (target.kind === "selector" || target.kind === "subquery") return target;
    if (target.kind === "matrix") return target.selector;
    return this.#fail(
      target.position,
      `${modifier} must be preceded by an instant vector selector or range vector selector or a subquery`,
    );
  }

  #extended(children: SyntaxNode[], extension: "anchored" | "smoothed", position: Position): Expr {
    return onTightest(this.#expr(children[0]!), position, (target, place) => {
      const selector = target.kind === "matrix" ? target.selector : target;
      if (selector.kind === "subquery")
        this.#fail(target.position, `${extension} modifier is not supported for subqueries`);
      if (selector.kind !== "selector") this.#fail(target.position, `${extension} modifier not implemented`);
      if (selector.extension !== undefined && selector.extension !== extension)
        this.#fail(target.position, "anchored and smoothed modifiers cannot be used together");
      if (target.kind === "matrix") return { ...target, selector: { ...selector, extension }, position: place };
      return { ...selector, extension, position: place };
    });
  }
}

/** Aggregations whose first argument is a parameter. */
const PARAMETER_AGGREGATIONS: ReadonlySet<AggregateOperator> = new Set([
  "topk",
  "bottomk",
  "count_values",
  "quantile",
  "limitk",
  "limit_ratio",
] as const);

function positionOf(node: SyntaxNode): Position {
  return { start: node.from, end: node.to };
}

/**
 * Applies a modifier to the operand it stands next to. Modifiers bind tightest, but the grammar gives them no
 * precedence and may hang one onto a whole operation: in `-x @ 5` and `a or b offset 5m` it belongs to the last operand.
 */
function onTightest(expr: Expr, position: Position, apply: (target: Expr, position: Position) => Expr): Expr {
  const inside = (start: number): Position => ({ start, end: position.end });
  if (expr.kind === "binary")
    return { ...expr, right: onTightest(expr.right, inside(expr.right.position.start), apply), position };
  if (expr.kind === "unary")
    return { ...expr, operand: onTightest(expr.operand, inside(expr.operand.position.start), apply), position };
  return apply(expr, position);
}

function withModifiers(expr: Expr, modifiers: Pick<VectorSelector, "offset" | "at">, position: Position): Expr {
  if (expr.kind === "matrix") return { ...expr, selector: { ...expr.selector, ...modifiers }, position };
  if (expr.kind === "selector" || expr.kind === "subquery") return { ...expr, ...modifiers, position };
  return expr;
}

/** Go's `%f`. */
function formatOutOfBounds(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  return Number.isFinite(value) ? value.toFixed(6) : value > 0 ? "+Inf" : "-Inf";
}
