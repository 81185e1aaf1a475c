import type { SyntaxNode } from "@lezer/common";
import { ParseError } from "../error.ts";
import { lexicalError } from "./lexical-errors.ts";

/** Words that Prometheus' lexer reports as `<word>` (keywords) rather than as identifiers. */
const KEYWORDS = new Set(
  "offset smoothed anchored by without on ignoring group_left group_right bool start end step range min_of max_of fill fill_left fill_right".split(
    " ",
  ),
);
const AGGREGATORS = new Set(
  "sum avg count min max group stddev stdvar topk bottomk count_values quantile limitk limit_ratio".split(" "),
);
const WORD_OPERATORS = new Set(["and", "or", "unless", "atan2"]);
const TOKEN =
  /#[^\n]*|\s+|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|[a-zA-Z_:][a-zA-Z0-9_:]*|(?:\d[\w.]*|\.\d[\w.]*)|==|=~|!=|!~|<=|>=|<\/|>\/|[-+*/%^=<>()[\]{},@:]/y;

interface Token {
  readonly text: string;
  readonly start: number;
}

/**
 * Turns Lezer's first error node into Prometheus' sentence: what its lexer would have refused (an open quote or brace,
 * a character that no token begins with), or the token its parser did not expect, where, and what it wanted instead.
 */
export function explainSyntaxError(query: string, error: SyntaxNode): ParseError {
  const lexical = lexicalError(query, error.from);
  if (lexical !== undefined) return lexical;
  const token = tokenAt(query, error.from);
  const before = query.slice(0, token.start).trimEnd();
  if (before.replace(/#[^\n]*/g, "").trim() === "" && token.text === "")
    return new ParseError(query, 0, 0, "no expression found in input");
  const [context, expected] = contextOf(query, error, token);
  if (context === "" && query.startsWith("=~", token.start))
    return new ParseError(query, token.start, token.start + 2, "unexpected character after '=': '~'");
  if (token.text === ")" && before.endsWith(","))
    return new ParseError(query, before.length - 1, before.length, "trailing commas not allowed in function call args");
  const reason = `unexpected ${describe(token)}${context === "" ? "" : ` in ${context}`}${expected === "" ? "" : `, expected ${expected}`}`;
  return new ParseError(query, token.start, token.start + token.text.length, reason);
}

/** The first token at or after `offset`; empty text at the end of input. */
function tokenAt(query: string, offset: number): Token {
  let at = offset;
  while (at < query.length) {
    TOKEN.lastIndex = at;
    const text = TOKEN.exec(query)?.[0];
    if (text === undefined) return { text: query[at]!, start: at };
    if (!/^\s|^#/.test(text)) return { text, start: at };
    at += text.length;
  }
  return { text: "", start: query.length };
}

/** The token as Prometheus names it: `identifier "foo"`, `<op:+>`, `end of input`. */
function describe({ text }: Token): string {
  if (text === "") return "end of input";
  const lower = text.toLowerCase();
  if (/^["'`]/.test(text)) return `string ${shortened(text)}`;
  if (/^[\d.]/.test(text)) return /[a-z]/i.test(text) ? `duration ${shortened(text)}` : `number ${shortened(text)}`;
  if (WORD_OPERATORS.has(lower) || /^(?:[-+*/%^<>@]|[=!<>][=~/])/.test(text)) return `<op:${text}>`;
  if (KEYWORDS.has(lower)) return `<${text}>`;
  if (AGGREGATORS.has(lower)) return `<aggr:${text}>`;
  if (/^[a-zA-Z_:]/.test(text))
    return `${text.includes(":") ? "metric identifier" : "identifier"} ${JSON.stringify(text)}`;
  return JSON.stringify(text);
}

function shortened(text: string): string {
  return text.length > 10 ? `${JSON.stringify(text.slice(0, 10))}...` : JSON.stringify(text);
}

/** An aggregation with its modifier, but without the argument that has to follow. */
const AGGREGATION_BEFORE = new RegExp(`\\b(?:${[...AGGREGATORS].join("|")})\\s+(?:by|without)\\s*\\([^()]*\\)$`, "i");

/** Where the parser was, and what it could have used there; both as Prometheus words them, "" for neither. */
function contextOf(query: string, error: SyntaxNode, token: Token): [string, string] {
  const before = query.slice(0, token.start).trimEnd();
  for (let node = error.parent; node !== null; node = node.parent) {
    switch (node.name) {
      case "LabelMatchers":
      case "UnquotedLabelMatcher":
      case "QuotedLabelMatcher":
        if (/(?:=|!=|=~|!~)$/.test(before)) return ["label matching", "string"];
        if (/[{,]$/.test(before)) return ["label matching", 'identifier or "}"'];
        if (/["'`]$/.test(before)) return ["label matching", '"," or "}"'];
        return ["label matching", "label matching operator"];
      case "GroupingLabels":
        return /[(,]$/.test(before) ? ["grouping opts", "label"] : ["grouping opts", '"," or ")"'];
      case "AggregateModifier":
      case "MatchingModifierClause":
        return ["grouping opts", '"("'];
      case "OffsetExpr":
        return ["offset", "number, duration, step(), or range()"];
      case "StepInvariantExpr":
        return ["@", "timestamp"];
      case "MatrixSelector":
      case "SubqueryExpr":
        if (/\[$/.test(before)) return ["subquery or range selector", "number, duration, step(), or range()"];
        if (/:$/.test(before)) return ["subquery selector", 'number, duration, step(), range(), or "]"'];
        return ["subquery or range", '":" or "]"'];
      case "AggregateExpr":
        return ["aggregation", ""];
    }
  }
  return AGGREGATION_BEFORE.test(before) ? ["aggregation", ""] : ["", ""];
}
