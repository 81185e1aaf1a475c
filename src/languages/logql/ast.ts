import type { Matcher } from "../../series/queryable.ts";

/** `{selector} | stages`: what to read and how each line is filtered and parsed. */
export interface LogExpr {
  readonly kind: "log";
  readonly matchers: readonly Matcher[];
  readonly stages: readonly Stage[];
}

export type LineFilterOp = "|=" | "!=" | "|~" | "!~" | "|>" | "!>";
export type CompareOp = "=" | "==" | "!=" | ">" | ">=" | "<" | "<=";

/** One line filter; several `values` are an `or` chain (any for the positive operators, none for the negative). */
export interface LineFilterStage {
  readonly kind: "lineFilter";
  readonly op: LineFilterOp;
  readonly values: readonly { readonly text: string; readonly ip: boolean }[];
}

export type LabelFilter =
  | { readonly kind: "match"; readonly matcher: Matcher }
  | { readonly kind: "ip"; readonly name: string; readonly op: "=" | "!="; readonly pattern: string }
  | {
      readonly kind: "compare";
      readonly name: string;
      readonly op: CompareOp;
      readonly unit: "number" | "duration" | "bytes";
      /** Plain number, nanoseconds or bytes. */
      readonly value: number;
      /** The value as it was written. */
      readonly text: string;
    }
  | { readonly kind: "and"; readonly left: LabelFilter; readonly right: LabelFilter }
  | { readonly kind: "or"; readonly left: LabelFilter; readonly right: LabelFilter };

/** `name="expression"` of `| json` and `| logfmt`; the expression defaults to the name. */
export interface Extraction {
  readonly name: string;
  readonly expression: string;
}

/** `a=b` copies a label, `a="template"` renders one. */
export interface LabelFormat {
  readonly name: string;
  readonly value: string;
  readonly template: boolean;
}

export type DropKeep = { readonly name: string; readonly matcher?: Matcher };

export type Stage =
  | LineFilterStage
  | { readonly kind: "labelFilter"; readonly filter: LabelFilter }
  | { readonly kind: "json"; readonly extractions: readonly Extraction[] }
  | {
      readonly kind: "logfmt";
      readonly extractions: readonly Extraction[];
      readonly strict: boolean;
      readonly keepEmpty: boolean;
    }
  | { readonly kind: "regexp"; readonly text: string }
  | { readonly kind: "pattern"; readonly text: string }
  | { readonly kind: "lineFormat"; readonly text: string }
  | { readonly kind: "unpack" }
  | { readonly kind: "decolorize" }
  | { readonly kind: "labelFormat"; readonly formats: readonly LabelFormat[] }
  | { readonly kind: "drop" | "keep"; readonly labels: readonly DropKeep[] };

export interface Unwrap {
  readonly name: string;
  readonly conversion?: "bytes" | "duration" | "duration_seconds";
  /** Label filters after the unwrap. */
  readonly filters: readonly LabelFilter[];
}

export interface Grouping {
  readonly without: boolean;
  readonly names: readonly string[];
}

export const RANGE_OPS = [
  "count_over_time",
  "rate",
  "rate_counter",
  "bytes_over_time",
  "bytes_rate",
  "avg_over_time",
  "sum_over_time",
  "min_over_time",
  "max_over_time",
  "stddev_over_time",
  "stdvar_over_time",
  "quantile_over_time",
  "first_over_time",
  "last_over_time",
  "absent_over_time",
] as const;
export type RangeOp = (typeof RANGE_OPS)[number];

export interface RangeAggregation {
  readonly kind: "range";
  readonly op: RangeOp;
  /** The quantile of `quantile_over_time`. */
  readonly parameter?: number;
  readonly log: LogExpr;
  readonly rangeMs: number;
  readonly offsetMs: number;
  readonly unwrap?: Unwrap;
  readonly grouping?: Grouping;
}

export const VECTOR_OPS = [
  "sum",
  "avg",
  "count",
  "max",
  "min",
  "stddev",
  "stdvar",
  "bottomk",
  "topk",
  "sort",
  "sort_desc",
] as const;
export type VectorOp = (typeof VECTOR_OPS)[number];

export interface VectorAggregation {
  readonly kind: "vectorAggregation";
  readonly op: VectorOp;
  /** The k of `topk` and `bottomk`. */
  readonly parameter?: number;
  readonly expr: MetricExpr;
  readonly grouping?: Grouping;
}

export type BinaryOp =
  | "or"
  | "and"
  | "unless"
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "^"
  | "=="
  | "!="
  | ">"
  | ">="
  | "<"
  | "<=";

export interface BinaryExpr {
  readonly kind: "binary";
  readonly op: BinaryOp;
  readonly left: MetricExpr;
  readonly right: MetricExpr;
  readonly returnBool: boolean;
  /** Label names to match on (`on`) or to leave out (`ignoring`, the default with no names). */
  readonly on: boolean;
  readonly matching: readonly string[];
  readonly group: "left" | "right" | "none";
  /** Labels that the "one" side gives to the result of a group_left or group_right. */
  readonly include: readonly string[];
}

export type MetricExpr =
  | RangeAggregation
  | VectorAggregation
  | BinaryExpr
  | { readonly kind: "literal"; readonly value: number }
  | { readonly kind: "vector"; readonly value: number }
  | {
      readonly kind: "labelReplace";
      readonly expr: MetricExpr;
      readonly destination: string;
      readonly replacement: string;
      readonly source: string;
      readonly pattern: string;
    };

export type Expr = LogExpr | MetricExpr;
