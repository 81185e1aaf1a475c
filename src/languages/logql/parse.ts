import { parser as official } from "@grafana/lezer-logql";
import type { SyntaxNode, Tree } from "@lezer/common";
import { RegexError } from "../../series/regex.ts";
import { withoutInheritedWords } from "../inherited-words.ts";
import type { Expr, LogExpr } from "./ast.ts";
import { errorAt, ParseError } from "./parse-error.ts";
import { type Fixes, readMetric } from "./parse-metric.ts";
import { readLog } from "./parse-pipeline.ts";
import { syntaxErrorDetail } from "./syntax-error.ts";

const grammar = withoutInheritedWords(official);

/** Longest query accepted, as Loki's parser. */
const QUERY_LENGTH_MAX = 131_072;
/** Constructs that the official grammar does not know and that we rewrite, at most, per query. */
const FIXES_MAX = 64;

/**
 * Parses a LogQL query with the official grammar into the typed tree.
 * @throws ParseError worded and positioned as Loki does.
 */
export function parse(query: string): Expr {
  if (query.length > QUERY_LENGTH_MAX) {
    throw new ParseError(`input size too long (${query.length} > ${QUERY_LENGTH_MAX})`);
  }
  try {
    const { tree, text, fixes } = parseTree(query);
    return readTop(tree.topNode, text, fixes);
  } catch (error) {
    if (error instanceof RegexError) throw new ParseError(error.message);
    if (error instanceof RangeError) throw new ParseError("expression nests too deeply");
    throw error;
  }
}

/** Parses a query that must select log lines, not compute numbers. */
export function parseLogSelector(query: string): LogExpr {
  const expr = parse(query);
  if (expr.kind !== "log") throw new ParseError("only log selector is supported");
  return expr;
}

/** Parses a bare `{…}`, as the `match[]` of the label and series endpoints. */
export function parseMatchers(query: string): LogExpr["matchers"] {
  const expr = parse(query);
  if (expr.kind !== "log" || expr.stages.length > 0) throw new ParseError("only label matchers are supported");
  return expr.matchers;
}

/**
 * The grammar is an editor's: it refuses `offset` after a range that follows `unwrap`, the sign in `vector(-1)` and
 * byte sizes in lower case (`2kb`), all of which Loki accepts. The first two are blanked out and remembered by their
 * position, sizes are written the way the grammar likes them; then the query is parsed again.
 */
function parseTree(query: string): { tree: Tree; text: string; fixes: Fixes } {
  const fixes: Fixes = { offsets: [], negatedVectors: new Set() };
  let text = query;
  for (let attempt = 0; attempt <= FIXES_MAX; attempt++) {
    const tree = grammar.parse(text);
    const errorFrom = firstError(tree);
    if (errorFrom === undefined) return { tree, text, fixes };
    const size = sizeAt(text, errorFrom);
    if (size !== undefined) {
      text = text.slice(0, size.at) + size.unit + text.slice(size.at + size.unit.length);
      continue;
    }
    const rest = text.slice(errorFrom);
    const offset = /^offset\s+([+-]?\w[\w.]*)/.exec(rest);
    const sign = /^-(?=\s*[\d.])/.exec(rest);
    if (offset !== null) fixes.offsets.push({ at: errorFrom, duration: offset[1]! });
    else if (sign !== null && /vector\s*\(\s*$/.test(text.slice(0, errorFrom))) {
      fixes.negatedVectors.add(text.slice(0, errorFrom).search(/vector\s*\(\s*$/));
    } else throw errorAt(query, ...syntaxErrorDetail(query, errorFrom));
    const length = (offset ?? sign)![0].length;
    text = text.slice(0, errorFrom) + " ".repeat(length) + text.slice(errorFrom + length);
  }
  throw new ParseError("syntax error: too many errors");
}

/** The unit of a byte size that lies across `errorFrom`, in the case that the grammar knows; undefined where none does. */
function sizeAt(text: string, errorFrom: number): { at: number; unit: string } | undefined {
  const before = /\d[\d.]*[a-zA-Z]?$/.exec(text.slice(0, errorFrom));
  if (before === null) return undefined;
  const match = /^(\d[\d.]*)([kmgtpe]?)(i?)b(?!\w)/i.exec(text.slice(before.index));
  if (match === null) return undefined;
  const unit = `${match[2]!.toUpperCase()}${match[3]!.toLowerCase()}B`;
  const at = before.index + match[1]!.length;
  return text.startsWith(unit, at) ? undefined : { at, unit };
}

function firstError(tree: Tree): number | undefined {
  let first: number | undefined;
  tree.iterate({
    enter(node) {
      if (node.type.isError && (first === undefined || node.from < first)) first = node.from;
    },
  });
  return first;
}

function readTop(top: SyntaxNode, text: string, fixes: Fixes): Expr {
  const inner = top.getChild("Expr")?.firstChild ?? null;
  if (inner === null) throw new ParseError("syntax error: unexpected $end", 1, 1);
  const expr = inner.name === "LogExpr" ? readLog(inner, text) : readMetric(inner, text, fixes);
  if (fixes.offsets.length > 0) throw errorAt(text, fixes.offsets[0]!.at, "syntax error: unexpected offset");
  return expr;
}
