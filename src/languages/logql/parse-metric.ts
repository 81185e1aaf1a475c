import type { SyntaxNode } from "@lezer/common";
import { compileRegex } from "../../series/regex.ts";
import {
  type BinaryExpr,
  type BinaryOp,
  type Grouping,
  type LabelFilter,
  type MetricExpr,
  type RangeAggregation,
  type RangeOp,
  type Unwrap,
  VECTOR_OPS,
  type VectorOp,
} from "./ast.ts";
import { checkRangeAggregation, checkVectorAggregation } from "./check.ts";
import { errorAt, ParseError } from "./parse-error.ts";
import { descendants, readLabelFilter, readPipeline, readSelector, stringOf, textOf } from "./parse-pipeline.ts";
import { parseDurationNs, parseFloat64 } from "./units.ts";

/** What was blanked out of the text because the grammar refuses it; each entry is taken by the node around it. */
export interface Fixes {
  readonly offsets: { readonly at: number; readonly duration: string }[];
  readonly negatedVectors: Set<number>;
}

/** Binary operators by how tightly they bind, as in Loki's grammar; the editor grammar's own order is not Loki's. */
const PRECEDENCE: Readonly<Record<BinaryOp, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  "==": 3,
  "!=": 3,
  ">": 3,
  ">=": 3,
  "<": 3,
  "<=": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
  "^": 6,
};

/** Reads a `MetricExpr` node. */
export function readMetric(node: SyntaxNode, text: string, fixes: Fixes): MetricExpr {
  const inner = node.name === "MetricExpr" || node.name === "Expr" ? node.firstChild! : node;
  switch (inner.name) {
    case "RangeAggregationExpr":
      return readRange(inner, text, fixes);
    case "VectorAggregationExpr":
      return readVectorAggregation(inner, text, fixes);
    case "BinOpExpr":
      return readBinary(inner, text, fixes);
    case "LiteralExpr":
      return { kind: "literal", value: readNumber(inner, text) };
    case "LabelReplaceExpr":
      return readLabelReplace(inner, text, fixes);
    case "VectorExpr": {
      const value = readNumber(inner.getChild("Number")!, text);
      return { kind: "vector", value: fixes.negatedVectors.has(inner.from) ? -value : value };
    }
    case "LogExpr":
      throw new ParseError("unexpected type for left leg of binary operation (logs): need a metric expression");
    default:
      return readMetric(node.getChild("MetricExpr") ?? inner, text, fixes);
  }
}

function readRange(node: SyntaxNode, text: string, fixes: Fixes): RangeAggregation {
  const op = textOf(node.getChild("RangeOp")!, text) as RangeOp;
  const parameter = node.getChild("Number");
  let range = node.getChild("LogRangeExpr")!;
  let offset = range.getChild("OffsetExpr");
  for (let inner = range.getChild("LogRangeExpr"); inner !== null; inner = range.getChild("LogRangeExpr")) {
    range = inner;
    offset ??= range.getChild("OffsetExpr");
  }
  const pipeline = range.getChild("PipelineExpr");
  const unwrap = range.getChild("UnwrapExpr");
  const grouping = node.getChild("Grouping");
  const rangeText = textOf(range.getChild("Range")!.getChild("Duration")!, text);
  const offsetText =
    offset === null ? takeOffset(fixes, node) : text.slice(offset.firstChild!.to, offset.to).replace(/\s+/g, "");
  const result: RangeAggregation = {
    kind: "range",
    op,
    parameter: parameter === null ? undefined : readNumber(parameter, text),
    log: {
      kind: "log",
      matchers: readSelector(range.getChild("Selector")!, text),
      stages: pipeline === null ? [] : readPipeline(pipeline, text),
    },
    rangeMs: durationMs(rangeText, text, range.from),
    offsetMs: offsetText === undefined ? 0 : durationMs(offsetText, text, range.from),
    unwrap: unwrap === null ? undefined : readUnwrap(unwrap, text),
    grouping: grouping === null ? undefined : readGrouping(grouping, text),
  };
  checkRangeAggregation(result);
  return result;
}

/** The blanked-out `offset` that lies inside this aggregation's parentheses; the innermost aggregation asks first. */
function takeOffset(fixes: Fixes, node: SyntaxNode): string | undefined {
  const index = fixes.offsets.findIndex(({ at }) => at > node.from && at < node.to);
  return index === -1 ? undefined : fixes.offsets.splice(index, 1)[0]!.duration;
}

function readUnwrap(node: SyntaxNode, text: string): Unwrap {
  const filters: LabelFilter[] = [];
  let core = node;
  for (let inner = core.getChild("UnwrapExpr"); inner !== null; inner = core.getChild("UnwrapExpr")) {
    filters.unshift(readLabelFilter(core.getChild("LabelFilter")!, text));
    core = inner;
  }
  const conversion = core.getChild("ConvOp");
  return {
    name: textOf(core.getChild("Identifier")!, text),
    conversion: conversion === null ? undefined : (textOf(conversion, text) as Unwrap["conversion"]),
    filters,
  };
}

function readVectorAggregation(node: SyntaxNode, text: string, fixes: Fixes): MetricExpr {
  const written = textOf(node.getChild("VectorOp")!, text);
  const op = VECTOR_OPS.find((name) => name === written.toLowerCase()) as VectorOp;
  const parameterNode = node.getChild("Number");
  const groupingNode = node.getChild("Grouping");
  const parameter = parameterNode === null ? undefined : readNumber(parameterNode, text);
  const grouping = groupingNode === null ? undefined : readGrouping(groupingNode, text);
  checkVectorAggregation(op, parameter, grouping);
  const expr = readMetric(node.getChild("MetricExpr")!, text, fixes);
  return { kind: "vectorAggregation", op, parameter, expr, grouping };
}

/** `by ()` groups everything together; `without ()` keeps every label. */
function readGrouping(node: SyntaxNode, text: string): Grouping {
  return {
    without: node.getChild("Without") !== null,
    names: descendants(node, "Identifier", "Labels").map((name) => textOf(name, text)),
  };
}

interface Operator {
  readonly op: BinaryOp;
  readonly modifier: SyntaxNode;
}

/** Takes the chain of operands and operators apart in text order and puts it together by Loki's precedence. */
function readBinary(node: SyntaxNode, text: string, fixes: Fixes): MetricExpr {
  const operands: MetricExpr[] = [];
  const operators: Operator[] = [];
  const pending: SyntaxNode[] = [node];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.name === "BinOpModifier") {
      operators.push({ op: textOf(next.prevSibling!, text) as BinaryOp, modifier: next });
      continue;
    }
    const binary = asBinary(next);
    if (binary === undefined) {
      operands.push(readMetric(next, text, fixes));
      continue;
    }
    const [left, right] = binary.getChildren("Expr");
    pending.push(right!, binary.getChild("BinOpModifier")!, left!);
  }
  return climb(operands, operators, text);
}

/** The `BinOpExpr` that a node is without parentheses around it. */
function asBinary(node: SyntaxNode): SyntaxNode | undefined {
  let inner = node;
  while ((inner.name === "Expr" || inner.name === "MetricExpr") && inner.firstChild !== null) {
    if (inner.firstChild.from !== inner.from) return undefined; // starts with "("
    inner = inner.firstChild;
  }
  return inner.name === "BinOpExpr" ? inner : undefined;
}

/** Shunting-yard over the chain; `^` groups to the right, everything else to the left. */
function climb(operands: readonly MetricExpr[], operators: readonly Operator[], text: string): MetricExpr {
  const output: MetricExpr[] = [operands[0]!];
  const stack: Operator[] = [];
  const reduce = (): void => {
    const right = output.pop()!;
    const left = output.pop()!;
    output.push(makeBinary(stack.pop()!, left, right, text));
  };
  for (const [index, operator] of operators.entries()) {
    const strength = PRECEDENCE[operator.op] + (operator.op === "^" ? 0.5 : 0);
    while (stack.length > 0 && PRECEDENCE[stack.at(-1)!.op] >= strength) reduce();
    stack.push(operator);
    output.push(operands[index + 1]!);
  }
  while (stack.length > 0) reduce();
  return output[0]!;
}

function makeBinary({ op, modifier }: Operator, left: MetricExpr, right: MetricExpr, text: string): BinaryExpr {
  if (op === "and" || op === "or" || op === "unless") {
    for (const [side, expr] of [
      ["left", left],
      ["right", right],
    ] as const) {
      if (expr.kind === "literal") {
        throw new ParseError(
          `unexpected literal for ${side} side of logical/set binary operation (${op}): ${expr.value.toFixed(6)}`,
        );
      }
    }
  }
  const matching = modifier.getChild("OnOrIgnoringModifier");
  const group =
    modifier.getChild("GroupLeft") !== null ? "left" : modifier.getChild("GroupRight") !== null ? "right" : "none";
  const labels = (node: SyntaxNode | null): string[] =>
    node === null ? [] : descendants(node, "GroupingLabel", "GroupingLabelList").map((label) => textOf(label, text));
  return {
    kind: "binary",
    op,
    left,
    right,
    returnBool: modifier.getChild("Bool") !== null,
    on: matching !== null && matching.getChild("On") !== null,
    matching: labels(matching?.getChild("GroupingLabels") ?? null),
    group,
    include: labels(modifier.getChild("GroupingLabels")),
  };
}

function readLabelReplace(node: SyntaxNode, text: string, fixes: Fixes): MetricExpr {
  const [destination, replacement, source, pattern] = node.getChildren("String").map((part) => stringOf(part, text));
  try {
    compileRegex(pattern!);
  } catch (error) {
    throw new ParseError(`invalid regex in label_replace: ${(error as Error).message}`);
  }
  return {
    kind: "labelReplace",
    expr: readMetric(node.getChild("MetricExpr")!, text, fixes),
    destination: destination!,
    replacement: replacement!,
    source: source!,
    pattern: pattern!,
  };
}

function readNumber(node: SyntaxNode, text: string): number {
  const value = parseFloat64(textOf(node, text).replace(/\s+/g, ""));
  if (value === undefined) throw errorAt(text, node.from, `unable to parse number: ${textOf(node, text)}`);
  return value;
}

function durationMs(written: string, text: string, at: number): number {
  const nanoseconds = parseDurationNs(written);
  if (nanoseconds === undefined) throw errorAt(text, at, `not a valid duration string: ${JSON.stringify(written)}`);
  return nanoseconds / 1_000_000;
}
