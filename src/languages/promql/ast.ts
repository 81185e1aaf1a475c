import type { Matcher } from "../../series/queryable.ts";

/** Offsets into the query text, in UTF-16 units; `end` is exclusive. */
export interface Position {
  readonly start: number;
  readonly end: number;
}

export type ValueType = "none" | "scalar" | "vector" | "matrix" | "string";

/** A duration as written: a constant, or an expression over `step()` and `range()` that the plan resolves. */
export type Duration =
  | { readonly kind: "constant"; readonly seconds: number; readonly position: Position }
  | { readonly kind: "step" | "range"; readonly position: Position }
  | { readonly kind: "unary"; readonly operator: "+" | "-"; readonly operand: Duration; readonly position: Position }
  | {
      readonly kind: "binary";
      readonly operator: DurationOperator;
      readonly left: Duration;
      readonly right: Duration;
      readonly position: Position;
    }
  | { readonly kind: "parenthesis"; readonly inner: Duration; readonly position: Position };

export type DurationOperator = "+" | "-" | "*" | "/" | "%" | "^" | "min_of" | "max_of";

/** `@ 1234` (Unix ms) or `@ start()` / `@ end()`. */
export type AtModifier = number | "start" | "end";

/** Modifiers that a vector selector and a subquery share. */
interface Modifiers {
  readonly offset?: Duration;
  readonly at?: AtModifier;
}

interface NumberLiteral {
  readonly kind: "number";
  readonly value: number;
  /** True where it was written as a duration (`5m`), for the formatter. */
  readonly isDuration: boolean;
  readonly position: Position;
}

interface StringLiteral {
  readonly kind: "string";
  readonly value: string;
  readonly position: Position;
}

interface ParenExpr {
  readonly kind: "paren";
  readonly inner: Expr;
  readonly position: Position;
}

interface UnaryExpr {
  readonly kind: "unary";
  readonly operator: "+" | "-";
  readonly operand: Expr;
  readonly position: Position;
}

type ArithmeticOperator = "+" | "-" | "*" | "/" | "%" | "^" | "atan2";
type ComparisonOperator = "==" | "!=" | ">" | "<" | ">=" | "<=";
export type SetOperator = "and" | "or" | "unless";
/** `</` and `>/` cut histograms. */
type TrimOperator = "</" | ">/";
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | SetOperator | TrimOperator;

export interface VectorMatching {
  readonly cardinality: "one-to-one" | "many-to-one" | "one-to-many" | "many-to-many";
  /** True for `on(…)`, false for `ignoring(…)` or nothing. */
  readonly on: boolean;
  readonly labels: readonly string[];
  /** Labels of the "one" side that `group_left(…)` / `group_right(…)` copy. */
  readonly include: readonly string[];
  /** Values that stand in for a missing left or right sample. */
  readonly fillLeft?: number;
  readonly fillRight?: number;
}

export interface BinaryExpr {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expr;
  readonly right: Expr;
  readonly returnBool: boolean;
  /** Present exactly where both sides are vectors. */
  readonly matching?: VectorMatching;
  readonly position: Position;
}

export type AggregateOperator =
  | "sum"
  | "avg"
  | "count"
  | "min"
  | "max"
  | "group"
  | "stddev"
  | "stdvar"
  | "topk"
  | "bottomk"
  | "count_values"
  | "quantile"
  | "limitk"
  | "limit_ratio";

interface AggregateExpr {
  readonly kind: "aggregate";
  readonly operator: AggregateOperator;
  readonly inner: Expr;
  readonly parameter?: Expr;
  readonly grouping: readonly string[];
  readonly without: boolean;
  readonly position: Position;
}

export interface Call {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly Expr[];
  readonly position: Position;
}

export interface VectorSelector extends Modifiers {
  readonly kind: "selector";
  /** The name written outside the braces, "" where there is none. */
  readonly name: string;
  /** All matchers, that of the name included. */
  readonly matchers: readonly Matcher[];
  readonly extension?: "anchored" | "smoothed";
  readonly position: Position;
}

interface MatrixSelector {
  readonly kind: "matrix";
  readonly selector: VectorSelector;
  readonly range: Duration;
  readonly position: Position;
}

export interface SubqueryExpr extends Modifiers {
  readonly kind: "subquery";
  readonly inner: Expr;
  readonly range: Duration;
  /** Absent for the default step (`[1h:]`). */
  readonly step?: Duration;
  readonly position: Position;
}

export type Expr =
  | NumberLiteral
  | StringLiteral
  | ParenExpr
  | UnaryExpr
  | BinaryExpr
  | AggregateExpr
  | Call
  | VectorSelector
  | MatrixSelector
  | SubqueryExpr;
