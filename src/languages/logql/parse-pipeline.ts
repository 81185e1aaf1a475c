import type { SyntaxNode } from "@lezer/common";
import { makeMatcher } from "../../series/matcher.ts";
import type { Matcher, MatchType } from "../../series/queryable.ts";
import type {
  CompareOp,
  DropKeep,
  Extraction,
  LabelFilter,
  LabelFormat,
  LineFilterOp,
  LineFilterStage,
  LogExpr,
  Stage,
} from "./ast.ts";
import { errorAt, ParseError } from "./parse-error.ts";
import { unquote } from "./string-literal.ts";
import { parseBytes, parseDurationNs, parseFloat64 } from "./units.ts";

const NO_MATCHER =
  "queries require at least one regexp or equality matcher that does not have an empty-compatible value. " +
  'For instance, app=~".*" does not meet this requirement, but app=~".+" will';

/** Reads `LogExpr`: a selector with its pipeline, possibly in parentheses. */
export function readLog(node: SyntaxNode, text: string): LogExpr {
  const inner = node.getChild("LogExpr");
  if (inner !== null) return readLog(inner, text);
  const pipeline = node.getChild("PipelineExpr");
  return {
    kind: "log",
    matchers: readSelector(node.getChild("Selector")!, text),
    stages: pipeline === null ? [] : readPipeline(pipeline, text),
  };
}

/** @throws ParseError where every matcher accepts an empty value, since that would read everything. */
export function readSelector(node: SyntaxNode, text: string): Matcher[] {
  const matchers = descendants(node, "Matcher", "Matchers").map((matcher) => readMatcher(matcher, text));
  if (!matchers.some((matcher) => !matcher.matches(""))) throw new ParseError(NO_MATCHER);
  return matchers;
}

export function readPipeline(node: SyntaxNode, text: string): Stage[] {
  return descendants(node, "PipelineStage", "PipelineExpr").flatMap((stage) => readStage(stage, text));
}

function readStage(stage: SyntaxNode, text: string): Stage[] {
  const filters = stage.getChild("LineFilters");
  if (filters !== null) {
    return descendants(filters, "LineFilter", "LineFilters").map((filter) => readLineFilter(filter, text));
  }
  const node = stage.lastChild!;
  switch (node.name) {
    case "LabelParser":
      return [readParser(node, text)];
    case "JsonExpressionParser":
      return [{ kind: "json", extractions: readExtractions(node, text) }];
    case "LogfmtParser":
    case "LogfmtExpressionParser": {
      const flags = descendants(node, "ParserFlag", "LogfmtParserFlags").map((flag) => textOf(flag, text));
      return [
        {
          kind: "logfmt",
          extractions: readExtractions(node, text),
          strict: flags.includes("--strict"),
          keepEmpty: flags.includes("--keep-empty"),
        },
      ];
    }
    case "LabelFilter":
      return [{ kind: "labelFilter", filter: readLabelFilter(node, text) }];
    case "LineFormatExpr":
      return [{ kind: "lineFormat", text: stringOf(node.getChild("String")!, text) }];
    case "LabelFormatExpr":
      return [{ kind: "labelFormat", formats: readLabelFormats(node, text) }];
    case "DecolorizeExpr":
      return [{ kind: "decolorize" }];
    case "DropLabelsExpr":
      return [{ kind: "drop", labels: readDropKeep(node, "DropLabel", text) }];
    case "KeepLabelsExpr":
      return [{ kind: "keep", labels: readDropKeep(node, "KeepLabel", text) }];
  }
  throw errorAt(text, node.from, `syntax error: unexpected ${node.name}`);
}

function readParser(node: SyntaxNode, text: string): Stage {
  const kind = node.firstChild!.name;
  const argument = node.getChild("String");
  if (kind === "Json") return { kind: "json", extractions: [] };
  if (kind === "Unpack") return { kind: "unpack" };
  if (kind === "Logfmt") return { kind: "logfmt", extractions: [], strict: false, keepEmpty: false };
  const pattern = stringOf(argument!, text);
  return kind === "Regexp" ? { kind: "regexp", text: pattern } : { kind: "pattern", text: pattern };
}

function readExtractions(node: SyntaxNode, text: string): Extraction[] {
  return descendants(node, "LabelExtractionExpression", "LabelExtractionExpressionList").map((item) => {
    const name = textOf(item.getChild("Identifier")!, text);
    const expression = item.getChild("String");
    return { name, expression: expression === null ? name : stringOf(expression, text) };
  });
}

function readLineFilter(node: SyntaxNode, text: string): LineFilterStage {
  const op = textOf(node.getChild("Filter")!, text) as LineFilterOp;
  const values: { text: string; ip: boolean }[] = [];
  const read = (part: SyntaxNode): void => {
    const literal = part.getChild("String");
    if (literal !== null) values.push({ text: stringOf(literal, text), ip: part.getChild("FilterOp") !== null });
    for (const next of part.getChildren("OrFilter")) read(next);
  };
  read(node);
  return { kind: "lineFilter", op, values };
}

/** Reads one label filter with its `and`, `or`, comma and parentheses. */
export function readLabelFilter(node: SyntaxNode, text: string): LabelFilter {
  const nested = node.getChildren("LabelFilter");
  if (nested.length === 2) {
    const kind = node.getChild("Or") === null ? "and" : "or";
    const [left, right] = nested.map((inner) => readLabelFilter(inner, text)) as [LabelFilter, LabelFilter];
    return { kind, left, right };
  }
  if (nested.length === 1) return readLabelFilter(nested[0]!, text);
  const inner = node.firstChild!;
  if (inner.name === "Matcher") return { kind: "match", matcher: readMatcher(inner, text) };
  if (inner.name === "IpLabelFilter") {
    const op = inner.getChild("Neq") === null ? "=" : "!=";
    const pattern = stringOf(inner.getChild("String")!, text);
    return { kind: "ip", name: textOf(inner.getChild("Identifier")!, text), op, pattern };
  }
  return readCompare(inner.name === "UnitFilter" ? inner.firstChild! : inner, text);
}

function readCompare(node: SyntaxNode, text: string): LabelFilter {
  const name = node.getChild("Identifier")!;
  const written = text.slice(name.nextSibling!.to, node.to).trim();
  const unit = node.name === "DurationFilter" ? "duration" : node.name === "BytesFilter" ? "bytes" : "number";
  const read = { number: parseFloat64, duration: parseDurationNs, bytes: parseBytes }[unit];
  const value = read(written.replace(/\s+/g, ""));
  if (value === undefined) throw errorAt(text, node.from, `invalid ${unit} ${JSON.stringify(written)}`);
  const op = textOf(name.nextSibling!, text) as CompareOp;
  return { kind: "compare", name: textOf(name, text), op, unit, value, text: written };
}

function readLabelFormats(node: SyntaxNode, text: string): LabelFormat[] {
  const formats = descendants(node, "LabelFormatMatcher", "LabelsFormat").map((item): LabelFormat => {
    const [name, source] = item.getChildren("Identifier");
    const template = item.getChild("String");
    if (template === null) return { name: textOf(name!, text), value: textOf(source!, text), template: false };
    return { name: textOf(name!, text), value: stringOf(template, text), template: true };
  });
  const seen = new Set<string>();
  for (const { name } of formats) {
    if (seen.has(name)) throw new ParseError(`multiple label name '${name}' not allowed in a single format operation`);
    if (name === "__error__") throw new ParseError("__error__ cannot be formatted");
    seen.add(name);
  }
  return formats;
}

function readDropKeep(node: SyntaxNode, item: "DropLabel" | "KeepLabel", text: string): DropKeep[] {
  return descendants(node, item, `${item}s`).map((label) => {
    const matcherNode = label.getChild("Matcher");
    if (matcherNode === null) return { name: textOf(label, text) };
    const matcher = readMatcher(matcherNode, text);
    return { name: matcher.name, matcher };
  });
}

function readMatcher(node: SyntaxNode, text: string): Matcher {
  const name = node.getChild("Identifier")!;
  const type = textOf(name.nextSibling!, text) as MatchType;
  return makeMatcher(type, textOf(name, text), stringOf(node.getChild("String")!, text));
}

/** Nodes called `wanted` in text order, looking through nodes called `list` only; lists nest to the left. */
export function descendants(node: SyntaxNode, wanted: string, list: string): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  const pending: SyntaxNode[] = [node];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.name === wanted) {
      found.push(next);
      continue;
    }
    if (next !== node && next.name !== list) continue;
    for (let child = next.lastChild; child !== null; child = child.prevSibling) pending.push(child);
  }
  return found.sort((left, right) => left.from - right.from);
}

export function textOf(node: SyntaxNode, text: string): string {
  return text.slice(node.from, node.to);
}

/** The value of a string literal. @throws ParseError for an escape that Go does not know. */
export function stringOf(node: SyntaxNode, text: string): string {
  const value = unquote(textOf(node, text));
  if (value === undefined) throw errorAt(text, node.from, "invalid syntax");
  return value;
}
