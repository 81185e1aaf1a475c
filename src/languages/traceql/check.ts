import { compileRegex, RegexError } from "../../series/regex.ts";
import type {
  Aggregate,
  ArithmeticOp,
  Binary,
  ComparisonOp,
  FieldExpr,
  IntrinsicName,
  LogicalOp,
  PipelineElement,
  Query,
  Scalar,
  Spanset,
  StaticType,
} from "./ast.ts";
import { formatFieldExpr, formatFieldRef, formatScalar } from "./format.ts";
import { TraceqlError } from "./traceql-error.ts";

/** The type that an expression has before any span is seen; an attribute may hold anything. */
export type ImpliedType = StaticType | "attribute";

const NUMERIC: ReadonlySet<ImpliedType> = new Set<ImpliedType>(["int", "float", "duration"]);
const ARITHMETIC: ReadonlySet<string> = new Set<ArithmeticOp>(["+", "-", "*", "/", "%", "^"]);
const LOGICAL: ReadonlySet<string> = new Set<LogicalOp>(["&&", "||"]);
const ORDER: ReadonlySet<string> = new Set<ComparisonOp>(["<", "<=", ">", ">="]);

const INTRINSIC_TYPES: Readonly<Record<IntrinsicName, ImpliedType>> = {
  duration: "duration",
  traceDuration: "duration",
  "event:timeSinceStart": "duration",
  childCount: "int",
  nestedSetLeft: "int",
  nestedSetRight: "int",
  nestedSetParent: "int",
  status: "status",
  kind: "kind",
  parent: "nil",
  name: "string",
  statusMessage: "string",
  rootName: "string",
  rootServiceName: "string",
  "trace:id": "string",
  "span:id": "string",
  "span:parentID": "string",
  "event:name": "string",
  "link:traceID": "string",
  "link:spanID": "string",
  "instrumentation:name": "string",
  "instrumentation:version": "string",
};

/** Refuses what parses but cannot mean anything. @throws TraceqlError with Tempo's text. */
export function checkQuery(query: Query): void {
  for (const element of query.elements) checkElement(element);
  const { metrics } = query;
  if (metrics === undefined) return;
  if (metrics.field !== undefined) {
    const type = typeOf(metrics.field);
    if (type !== "attribute" && !NUMERIC.has(type)) {
      throw new TraceqlError(
        `metrics aggregate field expressions must resolve to a number type: ${metrics.op}(${formatFieldRef(metrics.field)})`,
      );
    }
  }
  for (const quantile of metrics.quantiles) {
    if (!(quantile >= 0 && quantile <= 1)) throw new TraceqlError(`quantile must be between 0 and 1: ${quantile}`);
  }
  if (metrics.compare !== undefined) checkElement(metrics.compare.filter);
  for (const stage of query.secondStages) {
    if (stage.type !== "filter" && stage.limit <= 0) {
      throw new TraceqlError(`${stage.type}(${stage.limit}): limit must be greater than 0`);
    }
  }
}

function checkElement(element: PipelineElement): void {
  switch (element.type) {
    case "filter": {
      const type = checkField(element.expression);
      if (type === "attribute" || type === "bool") return;
      throw new TraceqlError(
        `span filter field expressions must resolve to a boolean: { ${formatFieldExpr(element.expression)} }`,
      );
    }
    case "operation":
      checkElement(element.left satisfies Spanset);
      checkElement(element.right);
      return;
    case "pipeline":
      for (const inner of element.elements) checkElement(inner);
      return;
    case "group":
      checkField(element.field);
      if (!referencesSpan(element.field)) {
        throw new TraceqlError(
          `grouping field expressions must reference the span: by(${formatFieldExpr(element.field)})`,
        );
      }
      return;
    case "scalarFilter": {
      const left = checkScalar(element.left);
      const right = checkScalar(element.right);
      const text = `${formatScalar(element.left)} ${element.op} ${formatScalar(element.right)}`;
      checkBinary(element.op, left, right, text);
      return;
    }
    case "select":
    case "coalesce":
      return;
  }
}

function checkScalar(scalar: Scalar): ImpliedType {
  switch (scalar.type) {
    case "static":
      return scalar.valueType;
    case "aggregate":
      return checkAggregate(scalar);
    case "scalarBinary": {
      const left = checkScalar(scalar.left);
      return checkBinary(scalar.op, left, checkScalar(scalar.right), formatScalar(scalar));
    }
    case "scalarPipeline":
      for (const element of scalar.elements) checkElement(element);
      return checkScalar(scalar.aggregate);
  }
}

function checkAggregate(aggregate: Aggregate): ImpliedType {
  if (aggregate.field === undefined) return "int";
  const type = checkField(aggregate.field);
  if (type !== "attribute" && !NUMERIC.has(type)) {
    throw new TraceqlError(`aggregate field expressions must resolve to a number type: ${formatScalar(aggregate)}`);
  }
  if (!referencesSpan(aggregate.field)) {
    throw new TraceqlError(`aggregate field expressions must reference the span: ${formatScalar(aggregate)}`);
  }
  return type;
}

/** The type of a field expression. @throws TraceqlError where operand types do not fit. */
function checkField(expression: FieldExpr): ImpliedType {
  if (expression.type === "unary") {
    const type = checkField(expression.operand);
    const fits = type === "attribute" || (expression.op === "!" ? type === "bool" : NUMERIC.has(type));
    if (!fits) throw new TraceqlError(`illegal operation for the given type: ${formatFieldExpr(expression)}`);
    return expression.op === "!" ? "bool" : type;
  }
  if (expression.type !== "binary") return typeOf(expression);
  const left = checkField(expression.left);
  const right = checkField(expression.right);
  const type = checkBinary(expression.op, left, right, formatFieldExpr(expression));
  checkPattern(expression);
  return type;
}

/** The type that a checked expression has before any span is seen. */
export function impliedType(expression: FieldExpr): ImpliedType {
  if (expression.type === "unary") return expression.op === "!" ? "bool" : impliedType(expression.operand);
  if (expression.type !== "binary") return typeOf(expression);
  if (!ARITHMETIC.has(expression.op)) return "bool";
  return arithmeticType(impliedType(expression.left), impliedType(expression.right));
}

function arithmeticType(left: ImpliedType, right: ImpliedType): ImpliedType {
  if (left === "duration" || right === "duration") return "duration";
  if (left === "attribute" || right === "attribute") return "attribute";
  return left === "int" && right === "int" ? "int" : "float";
}

function typeOf(expression: Exclude<FieldExpr, Binary | { type: "unary" }>): ImpliedType {
  if (expression.type === "static") return expression.valueType;
  return expression.type === "intrinsic" ? INTRINSIC_TYPES[expression.name] : "attribute";
}

function checkBinary(op: Binary["op"], left: ImpliedType, right: ImpliedType, text: string): ImpliedType {
  // Any value may be asked whether it is nil.
  const isNilTest = (op === "=" || op === "!=") && (left === "nil" || right === "nil");
  if (isNilTest) return "bool";
  if (!matches(left, right)) throw new TraceqlError(`binary operations must operate on the same type: ${text}`);
  if (!operatesOn(op, left) || !operatesOn(op, right)) {
    throw new TraceqlError(`illegal operation for the given types: ${text}`);
  }
  return ARITHMETIC.has(op) ? arithmeticType(left, right) : "bool";
}

function matches(left: ImpliedType, right: ImpliedType): boolean {
  if (left === "attribute" || right === "attribute" || left === right) return true;
  return NUMERIC.has(left) && NUMERIC.has(right);
}

function operatesOn(op: Binary["op"], type: ImpliedType): boolean {
  if (type === "attribute") return true;
  if (type === "nil") return false;
  if (LOGICAL.has(op)) return type === "bool";
  if (ARITHMETIC.has(op)) return NUMERIC.has(type);
  if (ORDER.has(op)) return NUMERIC.has(type) || type === "string";
  if (op === "=~" || op === "!~") return type === "string";
  return true;
}

/** A literal pattern is compiled now, so that a wrong one is the query's error and not a span's. */
function checkPattern(expression: Binary): void {
  if (expression.op !== "=~" && expression.op !== "!~") return;
  const { right } = expression;
  if (right.type !== "static" || typeof right.value !== "string") return;
  try {
    compileRegex(right.value);
  } catch (error) {
    if (error instanceof RegexError) throw new TraceqlError(`invalid regex: ${error.message}`);
    throw error;
  }
}

function referencesSpan(expression: FieldExpr): boolean {
  switch (expression.type) {
    case "static":
      return false;
    case "unary":
      return referencesSpan(expression.operand);
    case "binary":
      return referencesSpan(expression.left) || referencesSpan(expression.right);
    default:
      return true;
  }
}
