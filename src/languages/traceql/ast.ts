/** A literal's type. Durations are ns; `nil` says that an attribute is absent. */
export type StaticType = "int" | "float" | "string" | "bool" | "nil" | "duration" | "status" | "kind";

export interface Static {
  readonly type: "static";
  readonly valueType: StaticType;
  /** Number for int, float and duration (ns); word for string, status and kind. */
  readonly value: number | string | boolean | null;
}

/** Where an attribute is looked for; `none` tries the span, then the resource. */
export type AttributeScopeName = "none" | "span" | "resource" | "event" | "link" | "instrumentation";

export interface AttributeRef {
  readonly type: "attribute";
  readonly scope: AttributeScopeName;
  /** Of the parent span instead of the span itself. */
  readonly parent: boolean;
  readonly name: string;
}

export const intrinsics = [
  "duration",
  "name",
  "status",
  "statusMessage",
  "kind",
  "childCount",
  "parent",
  "traceDuration",
  "rootName",
  "rootServiceName",
  "nestedSetLeft",
  "nestedSetRight",
  "nestedSetParent",
  "trace:id",
  "span:id",
  "span:parentID",
  "event:name",
  "event:timeSinceStart",
  "link:traceID",
  "link:spanID",
  "instrumentation:name",
  "instrumentation:version",
] as const;
export type IntrinsicName = (typeof intrinsics)[number];

export interface IntrinsicRef {
  readonly type: "intrinsic";
  readonly name: IntrinsicName;
  readonly parent: boolean;
  /** As the query wrote it (`trace:rootName`), for labels and messages. */
  readonly text: string;
}

export type FieldRef = AttributeRef | IntrinsicRef;

export type ArithmeticOp = "+" | "-" | "*" | "/" | "%" | "^";
export type ComparisonOp = "=" | "!=" | "<" | "<=" | ">" | ">=" | "=~" | "!~";
export type LogicalOp = "&&" | "||";

export interface Unary {
  readonly type: "unary";
  readonly op: "-" | "!";
  readonly operand: FieldExpr;
}

export interface Binary {
  readonly type: "binary";
  readonly op: ArithmeticOp | ComparisonOp | LogicalOp;
  readonly left: FieldExpr;
  readonly right: FieldExpr;
}

export type FieldExpr = Static | FieldRef | Unary | Binary;

/** `{ … }`; `{}` is the filter `true`. */
export interface SpansetFilter {
  readonly type: "filter";
  readonly expression: FieldExpr;
}

export const structuralOps = [">", ">>", "<", "<<", "~"] as const;
export type StructuralOp = (typeof structuralOps)[number];
/** `!` before a structural operator negates it, `&` keeps the matching spans of both sides. */
export type SpansetOp = LogicalOp | StructuralOp | `!${StructuralOp}` | `&${StructuralOp}`;

export interface SpansetOperation {
  readonly type: "operation";
  readonly op: SpansetOp;
  readonly left: Spanset;
  readonly right: Spanset;
}

/** A pipeline in parentheses, used as a spanset. */
export interface WrappedPipeline {
  readonly type: "pipeline";
  readonly elements: readonly PipelineElement[];
}

export type Spanset = SpansetFilter | SpansetOperation | WrappedPipeline;

export type AggregateOp = "count" | "avg" | "min" | "max" | "sum";

export interface Aggregate {
  readonly type: "aggregate";
  readonly op: AggregateOp;
  /** Absent for count. */
  readonly field: FieldExpr | undefined;
}

export interface ScalarBinary {
  readonly type: "scalarBinary";
  readonly op: ArithmeticOp;
  readonly left: Scalar;
  readonly right: Scalar;
}

/** A pipeline in parentheses that ends with an aggregate. */
export interface ScalarPipeline {
  readonly type: "scalarPipeline";
  readonly elements: readonly PipelineElement[];
  readonly aggregate: Scalar;
}

export type Scalar = Aggregate | Static | ScalarBinary | ScalarPipeline;

export interface ScalarFilter {
  readonly type: "scalarFilter";
  readonly op: ComparisonOp;
  readonly left: Scalar;
  readonly right: Scalar;
}

export interface GroupBy {
  readonly type: "group";
  readonly field: FieldExpr;
}

export interface Coalesce {
  readonly type: "coalesce";
}

export interface Select {
  readonly type: "select";
  readonly fields: readonly FieldRef[];
}

export type PipelineElement = Spanset | ScalarFilter | GroupBy | Coalesce | Select;

export type MetricsOp =
  | "rate"
  | "count_over_time"
  | "min_over_time"
  | "max_over_time"
  | "avg_over_time"
  | "sum_over_time"
  | "quantile_over_time"
  | "histogram_over_time"
  | "compare";

/** The function that turns spans into series. */
export interface MetricsStage {
  readonly op: MetricsOp;
  readonly field: FieldRef | undefined;
  /** Of `quantile_over_time`, 0 to 1. */
  readonly quantiles: readonly number[];
  readonly by: readonly FieldRef[];
  /** Of `compare`: the selection, how many values per attribute, and its time range in Unix ns (0 for none). */
  readonly compare:
    | { readonly filter: SpansetFilter; readonly topN: number; readonly startNs: number; readonly endNs: number }
    | undefined;
}

/** What happens to finished series. */
export type SecondStage =
  | { readonly type: "topk" | "bottomk"; readonly limit: number }
  | { readonly type: "filter"; readonly op: ComparisonOp; readonly value: number };

/** `with(name=value, …)`. */
export type Hints = Readonly<Record<string, Static>>;

export interface Query {
  readonly elements: readonly PipelineElement[];
  readonly metrics: MetricsStage | undefined;
  readonly secondStages: readonly SecondStage[];
  readonly hints: Hints;
}
