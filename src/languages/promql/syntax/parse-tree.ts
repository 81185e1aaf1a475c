import type { SyntaxNode } from "@lezer/common";
import { makeMatcher } from "../../../series/matcher.ts";
import type { Matcher, MatchType } from "../../../series/queryable.ts";
import { RegexError } from "../../../series/regex.ts";
import type {
  AggregateOperator,
  BinaryOperator,
  Expr,
  Position,
  SubqueryExpr,
  VectorMatching,
  VectorSelector,
} from "../ast.ts";
import { ParseError } from "../error.ts";
import { childrenOf, firstError, parseTree } from "./grammar.ts";
import { buildOperations, type ExpressionItem } from "./operator-precedence.ts";
import { parseDuration, requirePositive } from "./parse-duration.ts";
import { explainSyntaxError } from "./parse-errors.ts";
import { parseNumberLiteral, unquote } from "./parse-literals.ts";

/** Longest query text accepted, in UTF-16 units. */
const QUERY_LENGTH_MAX = 256 * 1024;
/** Deepest nesting accepted; deeper queries would exhaust the stack of every recursive pass. */
const QUERY_DEPTH_MAX = 500;
/** Most operators and modifiers one after the other, for the same reason: `1 + 1 + …` is a tree that leans left. */
const OPERATORS_MAX = 2_000;

/** Turns Lezer's tree into the typed one, with the checks that the real grammar makes while it reduces. */
export class TreeBuilder {
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
    const items: ExpressionItem[] = [];
    this.#flatten(node, items);
    if (items.length > 2 * OPERATORS_MAX) this.#fail(positionOf(node), `more than ${OPERATORS_MAX} operators in a row`);
    return buildOperations(items);
  }

  /** Adds the operands and operators of an expression in text order, parentheses being operands. */
  #flatten(node: SyntaxNode, items: ExpressionItem[], depth = 0): void {
    if (depth > OPERATORS_MAX) this.#fail(positionOf(node), `more than ${OPERATORS_MAX} operators in a row`);
    const children = childrenOf(node);
    switch (node.name) {
      case "BinaryExpr": {
        const modifiers = children.slice(2, -1);
        this.#flatten(children[0]!, items, depth + 1);
        items.push({
          kind: "operator",
          operator: this.#text(children[1]!).toLowerCase() as BinaryOperator,
          returnBool: modifiers.some((child) => child.name === "BoolModifier"),
          matching: this.#matching(modifiers),
        });
        this.#flatten(children.at(-1)!, items, depth + 1);
        return;
      }
      case "UnaryExpr":
        items.push(this.#sign(children[0]!.from));
        this.#flatten(children[1]!, items, depth + 1);
        return;
      case "NumberDurationLiteral":
        if (/^[+-]/.test(this.#text(node))) items.push(this.#sign(node.from));
        items.push({ kind: "operand", expr: this.#unsignedNumber(node) });
        return;
      case "MatrixSelector":
      case "SubqueryExpr":
      case "OffsetExpr":
      case "StepInvariantExpr":
      case "AnchoredExpr":
      case "SmoothedExpr": {
        this.#flatten(children[0]!, items, depth + 1);
        // Modifiers bind tightest, so it belongs to the last operand, whatever the grammar hung it on.
        const last = items.pop()!;
        const target = last.kind === "operand" ? last.expr : this.#fail(positionOf(node), "modifier without operand");
        const position = { start: target.position.start, end: node.to };
        items.push({ kind: "operand", expr: this.#modified(node.name, target, children, position) });
        return;
      }
      default:
        items.push({ kind: "operand", expr: this.#operand(node, children) });
    }
  }

  #sign(at: number): ExpressionItem {
    return { kind: "sign", operator: this.#query[at] as "+" | "-", position: { start: at, end: at + 1 } };
  }

  #operand(node: SyntaxNode, children: SyntaxNode[]): Expr {
    const position = positionOf(node);
    switch (node.name) {
      case "StringLiteral":
        return { kind: "string", value: this.#string(node), position };
      case "ParenExpr":
        return { kind: "paren", inner: this.#expr(children[0]!), position };
      case "AggregateExpr":
        return this.#aggregate(children, position);
      case "FunctionCall": {
        const args = childrenOf(children[1]!).map((child) => this.#expr(child));
        return { kind: "call", name: this.#text(children[0]!), args, position };
      }
      case "VectorSelector":
        return this.#selector(node, children);
      default:
        return this.#fail(position, `unexpected ${node.name}`);
    }
  }

  #modified(modifier: string, target: Expr, children: SyntaxNode[], position: Position): Expr {
    switch (modifier) {
      case "MatrixSelector":
        return this.#matrix(target, children, position);
      case "SubqueryExpr":
        return this.#subquery(target, children, position);
      case "OffsetExpr":
        return this.#offset(target, children, position);
      case "StepInvariantExpr":
        return this.#at(target, children, position);
      default:
        return this.#extended(target, modifier === "AnchoredExpr" ? "anchored" : "smoothed", position);
    }
  }

  #unsignedNumber(node: SyntaxNode): Expr & { kind: "number" } {
    const text = this.#text(node);
    const digits = text.replace(/^[+-]\s*/, "");
    const position = { start: node.to - digits.length, end: node.to };
    const literal = parseNumberLiteral(digits);
    if (literal === undefined) this.#fail(position, `bad number or duration syntax: ${JSON.stringify(text)}`);
    return { kind: "number", ...literal, position };
  }

  #numberOf(node: SyntaxNode): number {
    const { value } = this.#unsignedNumber(node);
    return this.#text(node).startsWith("-") ? -value : value;
  }

  #string(node: SyntaxNode): string {
    const literal = this.#text(node);
    const value = unquote(literal);
    if (value !== undefined) return value;
    const terminated = literal.length > 1 && literal.at(-1) === literal[0];
    if (!terminated || literal.includes("\n")) this.#fail(positionOf(node), "unterminated quoted string");
    const wrong = /^(?:[^\\]|\\(?:[abfnrtv\\'"]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}))*\\(.)/s.exec(
      literal,
    );
    const codePoint = wrong?.[1]?.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0") ?? "005C";
    return this.#fail(positionOf(node), `unknown escape sequence U+${codePoint} '${wrong?.[1] ?? "\\"}'`);
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
          const value = this.#numberOf(childrenOf(clause)[1]!);
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

  #matrix(target: Expr, children: SyntaxNode[], position: Position): Expr {
    const range = requirePositive(this.#query, parseDuration(this.#query, children[1]!));
    const brackets: Position = { start: this.#query.indexOf("[", target.position.end), end: position.end };
    if (target.kind !== "selector") this.#fail(brackets, "ranges only allowed for vector selectors");
    if (target.offset !== undefined) this.#fail(brackets, "no offset modifiers allowed before range");
    if (target.at !== undefined) this.#fail(brackets, "no @ modifiers allowed before range");
    return { kind: "matrix", selector: target, range, position };
  }

  #subquery(inner: Expr, children: SyntaxNode[], position: Position): Expr {
    const range = requirePositive(this.#query, parseDuration(this.#query, children[1]!));
    const step =
      children[2] === undefined ? undefined : requirePositive(this.#query, parseDuration(this.#query, children[2]));
    return { kind: "subquery", inner, range, step, position };
  }

  #offset(target: Expr, children: SyntaxNode[], position: Position): Expr {
    const offset = parseDuration(this.#query, children.at(-1)!);
    const { offset: earlier } = this.#modifiable(target, "offset modifier");
    if (earlier !== undefined) this.#fail(target.position, "offset may not be set multiple times");
    return withModifiers(target, { offset }, position);
  }

  #at(target: Expr, children: SyntaxNode[], position: Position): Expr {
    const { at: earlier } = this.#modifiable(target, "@ modifier");
    if (earlier !== undefined) this.#fail(target.position, "@ <timestamp> may not be set multiple times");
    const written = children.at(-1)!;
    if (written.name === "AtModifierPreprocessors")
      return withModifiers(target, { at: this.#text(written).toLowerCase() as "start" | "end" }, position);
    const seconds = this.#numberOf(written);
    if (!(Math.abs(seconds) < 2 ** 63))
      this.#fail(target.position, `timestamp out of bounds for @ modifier: ${formatOutOfBounds(seconds)}`);
    return withModifiers(target, { at: Math.round(seconds * 1000) }, position);
  }

  #modifiable(target: Expr, modifier: string): VectorSelector | SubqueryExpr {
    if (target.kind === "selector" || target.kind === "subquery") return target;
    if (target.kind === "matrix") return target.selector;
    return this.#fail(
      target.position,
      `${modifier} must be preceded by an instant vector selector or range vector selector or a subquery`,
    );
  }

  #extended(target: Expr, extension: "anchored" | "smoothed", position: Position): Expr {
    const selector = target.kind === "matrix" ? target.selector : target;
    if (selector.kind === "subquery")
      this.#fail(target.position, `${extension} modifier is not supported for subqueries`);
    if (selector.kind !== "selector") this.#fail(target.position, `${extension} modifier not implemented`);
    if (selector.extension !== undefined && selector.extension !== extension)
      this.#fail(target.position, "anchored and smoothed modifiers cannot be used together");
    if (target.kind === "matrix") return { ...target, selector: { ...selector, extension }, position };
    return { ...selector, extension, position };
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
