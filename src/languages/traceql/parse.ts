import {
  type AggregateOp,
  type ComparisonOp,
  type FieldExpr,
  type FieldRef,
  type Hints,
  type MetricsOp,
  type PipelineElement,
  type Query,
  type Scalar,
  type ScalarFilter,
  type SecondStage,
  type Spanset,
  type SpansetFilter,
  type SpansetOp,
  type Static,
  structuralOps,
} from "./ast.ts";
import { checkQuery } from "./check.ts";
import { AGGREGATES, METRICS } from "./keywords.ts";
import { parseFieldExpr, parseFieldRef } from "./parse-field.ts";
import { TokenStream } from "./token-stream.ts";

const SPANSET_OPS: ReadonlySet<string> = new Set<SpansetOp>([
  "&&",
  "||",
  ...structuralOps,
  ...structuralOps.map((op) => `!${op}` as const),
  ...structuralOps.map((op) => `&${op}` as const),
]);
const SCALAR_COMPARISONS: ReadonlySet<string> = new Set(["=", "!=", "<", "<=", ">", ">="]);
/** Topmost quantiles of one query; each is a series per group. */
const QUANTILES_MAX = 32;
const COMPARE_TOP_DEFAULT = 10;

/**
 * Parses and checks a TraceQL query. The grammar is Tempo's, its newest words included.
 * @throws TraceqlError with Tempo's text: `parse error at line 1, col 5: syntax error: unexpected IDENTIFIER`.
 */
export function parseTraceql(text: string): Query {
  const tokens = new TokenStream(text);
  const elements = [parseElement(tokens, true)];
  let metrics: Query["metrics"];
  const secondStages: SecondStage[] = [];
  while (tokens.take("|")) {
    if (metrics === undefined && tokens.isWord(METRICS)) metrics = parseMetrics(tokens);
    else if (metrics === undefined) elements.push(parseElement(tokens, false));
    else secondStages.push(parseSecondStage(tokens));
  }
  const hints = parseHints(tokens);
  if (!tokens.atEnd) tokens.unexpected();
  const query = { elements: elements.map((element) => closed(element, tokens)), metrics, secondStages, hints };
  checkQuery(query);
  return query;
}

/** Parses one attribute or intrinsic, as APIs name them. @throws TraceqlError */
export function parseTraceqlField(text: string): FieldRef {
  const tokens = new TokenStream(text);
  const field = parseFieldRef(tokens);
  return tokens.atEnd ? field : tokens.unexpected();
}

/** An element of a pipeline, or an aggregate that only a pipeline in parentheses may end with. */
type Open = PipelineElement | Scalar;

function isScalar(node: Open): node is Scalar {
  return (
    node.type === "aggregate" ||
    node.type === "static" ||
    node.type === "scalarBinary" ||
    node.type === "scalarPipeline"
  );
}

/** A scalar that nothing is compared with does not stand in a pipeline. */
function closed(node: Open, tokens: TokenStream): PipelineElement {
  if (isScalar(node)) return tokens.unexpected();
  return node;
}

function parseElement(tokens: TokenStream, isFirst: boolean): Open {
  if (tokens.take("by")) {
    tokens.expect("(");
    const field = parseFieldExpr(tokens);
    tokens.expect(")");
    return { type: "group", field };
  }
  if (!isFirst && tokens.take("coalesce")) {
    tokens.expect("(");
    tokens.expect(")");
    return { type: "coalesce" };
  }
  if (tokens.take("select")) {
    tokens.expect("(");
    const fields = [parseFieldRef(tokens)];
    while (tokens.take(",")) fields.push(parseFieldRef(tokens));
    tokens.expect(")");
    return { type: "select", fields };
  }
  return parseOperation(tokens, 0);
}

const Precedence = { Logical: 1, Structural: 2, Sum: 3, Product: 4, Power: 5 } as const;

/** How tightly an operator binds after `left`; 0 where it cannot follow. */
function precedenceOf(op: string, left: Open): number {
  if (isScalar(left)) {
    if (SCALAR_COMPARISONS.has(op)) return Precedence.Structural;
    if (op === "+" || op === "-") return Precedence.Sum;
    if (op === "*" || op === "/" || op === "%") return Precedence.Product;
    return op === "^" ? Precedence.Power : 0;
  }
  if (left.type !== "filter" && left.type !== "operation" && left.type !== "pipeline") return 0;
  if (!SPANSET_OPS.has(op)) return 0;
  return op === "&&" || op === "||" ? Precedence.Logical : Precedence.Structural;
}

/** Spanset and scalar operations by precedence climbing; which operators may follow depends on what stands left. */
function parseOperation(tokens: TokenStream, least: number): Open {
  let left = parseOperand(tokens);
  while (true) {
    const op = tokens.symbol;
    const precedence = precedenceOf(op, left);
    if (precedence === 0 || precedence <= least - 1) return left;
    tokens.takeOperator();
    // Equal precedence groups to the left, but powers to the right.
    const right = parseOperation(tokens, op === "^" ? precedence : precedence + 1);
    left = combine(tokens, op, left, right);
  }
}

function combine(tokens: TokenStream, op: string, left: Open, right: Open): Open {
  if (!isScalar(left)) {
    if (isScalar(right) || !isSpanset(right)) return tokens.unexpected();
    return { type: "operation", op: op as SpansetOp, left: left as Spanset, right };
  }
  if (!isScalar(right)) return tokens.unexpected();
  if (SCALAR_COMPARISONS.has(op))
    return { type: "scalarFilter", op: op as ComparisonOp, left, right } satisfies ScalarFilter;
  return { type: "scalarBinary", op: op as "+", left, right };
}

function isSpanset(node: Open): node is Spanset {
  return node.type === "filter" || node.type === "operation" || node.type === "pipeline";
}

function parseOperand(tokens: TokenStream): Open {
  if (tokens.symbol === "{") return parseFilter(tokens);
  if (tokens.take("(")) return tokens.nested(() => parseParentheses(tokens));
  if (tokens.isWord(AGGREGATES)) return parseAggregate(tokens);
  return parseStatic(tokens);
}

function parseStatic(tokens: TokenStream): Static {
  const negative = tokens.take("-");
  const value = tokens.takeStatic();
  if (value === undefined) return tokens.unexpected();
  if (!negative) return value;
  if (typeof value.value !== "number") return tokens.unexpected();
  return { ...value, value: -value.value };
}

function parseParentheses(tokens: TokenStream): Open {
  const elements: Open[] = [parseElement(tokens, true)];
  while (tokens.take("|")) elements.push(parseElement(tokens, false));
  const last = elements.at(-1)!;
  // `( 1 )` is no pipeline; `({} | count())` is a scalar one.
  if (elements.length === 1) {
    tokens.expect(")");
    if (isScalar(last) || isSpanset(last)) return last;
    return { type: "pipeline", elements: [last] };
  }
  const before = elements.slice(0, -1).map((element) => closed(element, tokens));
  tokens.expect(")");
  if (isScalar(last)) return { type: "scalarPipeline", elements: before, aggregate: last };
  return { type: "pipeline", elements: [...before, last] };
}

function parseFilter(tokens: TokenStream): SpansetFilter {
  tokens.expect("{");
  if (tokens.take("}")) return { type: "filter", expression: { type: "static", valueType: "bool", value: true } };
  const expression = parseFieldExpr(tokens);
  tokens.expect("}");
  return { type: "filter", expression };
}

function parseAggregate(tokens: TokenStream): Scalar {
  const op = tokens.takeWord() as AggregateOp;
  tokens.expect("(");
  const field: FieldExpr | undefined = op === "count" ? undefined : parseFieldExpr(tokens);
  tokens.expect(")");
  return { type: "aggregate", op, field };
}

function parseMetrics(tokens: TokenStream): Query["metrics"] {
  const op = tokens.takeWord() as MetricsOp;
  tokens.expect("(");
  let field: FieldRef | undefined;
  let compare: NonNullable<Query["metrics"]>["compare"];
  const quantiles: number[] = [];
  if (op === "compare") {
    const filter = parseFilter(tokens);
    const numbers: number[] = [];
    while (numbers.length < 3 && tokens.take(",")) numbers.push(tokens.takeNumber());
    compare = { filter, topN: numbers[0] ?? COMPARE_TOP_DEFAULT, startNs: numbers[1] ?? 0, endNs: numbers[2] ?? 0 };
  } else if (op !== "rate" && op !== "count_over_time") {
    field = parseFieldRef(tokens);
    if (op === "quantile_over_time") {
      tokens.expect(",");
      do quantiles.push(tokens.takeNumber());
      while (quantiles.length < QUANTILES_MAX && tokens.take(","));
    }
  }
  tokens.expect(")");
  const by: FieldRef[] = [];
  if (op !== "compare" && tokens.take("by")) {
    tokens.expect("(");
    do by.push(parseFieldRef(tokens));
    while (tokens.take(","));
    tokens.expect(")");
  }
  return { op, field, quantiles, by, compare };
}

function parseSecondStage(tokens: TokenStream): SecondStage {
  for (const type of ["topk", "bottomk"] as const) {
    if (!tokens.take(type)) continue;
    tokens.expect("(");
    const limit = tokens.takeInteger();
    tokens.expect(")");
    return { type, limit };
  }
  const op = tokens.symbol;
  if (!SCALAR_COMPARISONS.has(op)) return tokens.unexpected();
  tokens.advance();
  const negative = tokens.take("-");
  const value = tokens.takeNumber();
  return { type: "filter", op: op as ComparisonOp, value: negative ? -value : value };
}

function parseHints(tokens: TokenStream): Hints {
  const hints: Record<string, Static> = Object.create(null);
  while (tokens.take("with")) {
    tokens.expect("(");
    do {
      const name = tokens.takeName();
      tokens.expect("=");
      hints[name] = parseStatic(tokens);
    } while (tokens.take(","));
    tokens.expect(")");
  }
  return hints;
}
