import type { SyntaxNode } from "@lezer/common";
import { ParseError } from "../error.ts";

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
  const [context, expected] = contextOf(query, error, token);
  const reason = `unexpected ${describe(token)}${context === "" ? "" : ` in ${context}`}${expected === "" ? "" : `, expected ${expected}`}`;
  return new ParseError(query, token.start, token.start + token.text.length, reason);
}

/** The error that reading tokens from the start gives before `errorAt`, or at the end of input. */
function lexicalError(query: string, errorAt: number): ParseError | undefined {
  const open: string[] = [];
  let at = 0;
  while (at < query.length) {
    TOKEN.lastIndex = at;
    const text = TOKEN.exec(query)?.[0];
    if (text === undefined) return badCharacter(query, at, open);
    // A token after the error is not reached by Prometheus' parser either.
    if (at > errorAt && !/^\s|^#/.test(text)) return undefined;
    if (text === "(" || text === "[" || text === "{") open.push(text);
    const closes = { ")": "(", "]": "[", "}": "{" }[text];
    if (closes !== undefined && open.pop() !== closes) {
      const side = text === ")" ? "parenthesis" : text === "]" ? "bracket" : "brace";
      if (open.length === 0 || closes === "(") {
        return new ParseError(query, at, at + 1, `unexpected right ${side} '${text}'`);
      }
    }
    at += text.length;
  }
  const unclosed = open.at(-1);
  if (unclosed === "{")
    return new ParseError(query, query.length, query.length, "unexpected end of input inside braces");
  if (unclosed === "[")
    return new ParseError(query, query.length, query.length, "unexpected end of input in duration expression");
  if (unclosed === "(") return new ParseError(query, query.length, query.length, "unclosed left parenthesis");
  return undefined;
}

function badCharacter(query: string, at: number, open: readonly string[]): ParseError {
  const character = String.fromCodePoint(query.codePointAt(at)!);
  const quoted = `'${character}'`;
  const end = at + character.length;
  if (character === '"' || character === "'")
    return new ParseError(query, at, query.length, "unterminated quoted string");
  if (character === "`") return new ParseError(query, at, query.length, "unterminated raw string");
  if (open.at(-1) === "{") return new ParseError(query, at, end, `unexpected character inside braces: ${quoted}`);
  if (open.at(-1) === "[")
    return new ParseError(query, at, end, `unexpected character in duration expression: ${quoted}`);
  if (character === "!")
    return new ParseError(query, at, end, `unexpected character after '!': '${query[at + 1] ?? ""}'`);
  return new ParseError(query, at, end, `unexpected character: ${quoted}`);
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
        if (/^[a-z_]+$/i.test(query.slice(node.from, token.start).trim())) return ["aggregation", ""];
        break;
    }
  }
  return ["", ""];
}
