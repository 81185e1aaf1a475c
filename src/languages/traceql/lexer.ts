import { parseDurationNs } from "./duration.ts";
import { TraceqlError } from "./traceql-error.ts";

/** Longest query text; a parse is linear, but an error should not carry megabytes. */
const QUERY_LENGTH_MAX = 128 * 1024;

export type TokenType = "end" | "word" | "string" | "int" | "float" | "duration" | "attribute" | "symbol";

export interface Token {
  readonly type: TokenType;
  /** Word or symbol as written; content of a string; name of an attribute without its scope. */
  readonly text: string;
  /** Value of a number; ns of a duration. */
  readonly value: number;
  /** Scope prefix of an attribute: "", "span", "resource", "parent", "parent.span", … */
  readonly scope: string;
  readonly offset: number;
}

/** Longest first, so that `!>>` is not read as `!` and `>>`. */
const SYMBOLS = [
  ["!>>", "!<<", "&>>", "&<<"],
  ["&&", "||", "!=", "=~", "!~", ">=", "<=", ">>", "<<", "!>", "!<", "&>", "&<", "&~"],
  ["{", "}", "(", ")", ",", "=", ">", "<", "~", "+", "-", "*", "/", "%", "^", "!", "|", "."],
] as const;

const SCOPES = new Set(["span", "resource", "parent", "event", "link", "instrumentation"]);
const INTRINSIC_SCOPES = new Set(["trace", "span", "event", "link", "instrumentation"]);
/** Scopes that may follow `parent.`. */
const PARENT_SCOPES = ["span.", "resource."];

/** Characters that end an attribute's name outside quotes. */
const ATTRIBUTE_END = /[\s{}()=~!<>&|^,]/u;
const WORD = /[\p{L}_][\p{L}\p{Nd}_]*/uy;
/** Digits, a fraction, an exponent, a hexadecimal prefix: the shapes of Go's text/scanner that TraceQL uses. */
const NUMBER = /0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const DURATION = /\d[\d.nsumhµdwy]*/y;

/** Cuts a query into tokens, the last of type `end`. @throws TraceqlError */
export function tokenize(text: string): Token[] {
  if (text.length > QUERY_LENGTH_MAX) {
    throw new TraceqlError(`query of ${text.length} characters; the limit is ${QUERY_LENGTH_MAX}`);
  }
  const tokens: Token[] = [];
  let offset = 0;
  while (true) {
    offset = skipBlank(text, offset);
    const token = readToken(text, offset);
    tokens.push(token.token);
    if (token.token.type === "end") return tokens;
    offset = token.next;
  }
}

/** White space, and Go's comments, which Tempo's scanner skips too. */
function skipBlank(text: string, start: number): number {
  let offset = start;
  while (offset < text.length) {
    if (/\s/u.test(text[offset]!)) offset++;
    else if (text.startsWith("//", offset)) offset = after(text.indexOf("\n", offset), 0, text);
    else if (text.startsWith("/*", offset)) offset = after(text.indexOf("*/", offset + 2), 2, text);
    else break;
  }
  return offset;
}

function after(found: number, length: number, text: string): number {
  return found === -1 ? text.length : found + length;
}

function readToken(text: string, offset: number): { token: Token; next: number } {
  const make = (
    type: TokenType,
    content: string,
    next: number,
    value = 0,
    scope = "",
  ): { token: Token; next: number } => ({
    token: { type, text: content, value, scope, offset },
    next,
  });
  if (offset >= text.length) return make("end", "$end", offset);
  const first = text[offset]!;
  if (first === '"' || first === "`") return readString(text, offset, make);
  const number = matchAt(NUMBER, text, offset);
  // `.5` is a number, as Go's scanner has it; an attribute whose name begins with a digit needs quotes.
  if (number !== undefined) return readNumber(text, offset, number, make);
  const word = matchAt(WORD, text, offset);
  if (word !== undefined) {
    const afterWord = text[offset + word.length];
    if (afterWord === "." && SCOPES.has(word)) return readAttribute(text, word, offset + word.length + 1, make);
    if (afterWord === ":" && INTRINSIC_SCOPES.has(word)) {
      const name = matchAt(WORD, text, offset + word.length + 1) ?? "";
      return make("word", `${word}:${name}`, offset + word.length + 1 + name.length);
    }
    return make("word", word, offset + word.length);
  }
  if (first === ".") return readAttribute(text, "", offset + 1, make);
  for (const group of SYMBOLS) {
    const symbol = text.slice(offset, offset + group[0].length);
    if ((group as readonly string[]).includes(symbol)) return make("symbol", symbol, offset + symbol.length);
  }
  const character = String.fromCodePoint(text.codePointAt(offset)!);
  return make("word", character, offset + character.length);
}

type Make = (
  type: TokenType,
  content: string,
  next: number,
  value?: number,
  scope?: string,
) => { token: Token; next: number };

function readNumber(text: string, offset: number, number: string, make: Make): { token: Token; next: number } {
  const duration = matchAt(DURATION, text, offset);
  if (duration !== undefined && duration.length > number.length) {
    const ns = parseDurationNs(duration);
    if (ns !== undefined) return make("duration", duration, offset + duration.length, ns);
  }
  const value = Number(number);
  const type = /^0[xX]|^\d+$/.test(number) ? "int" : "float";
  return make(type, number, offset + number.length, value);
}

function readAttribute(text: string, word: string, start: number, make: Make): { token: Token; next: number } {
  let scope = word;
  let next = start;
  if (word === "parent") {
    const inner = PARENT_SCOPES.find((prefix) => text.startsWith(prefix, start));
    if (inner !== undefined) {
      scope = `parent.${inner.slice(0, -1)}`;
      next += inner.length;
    }
  }
  let name = "";
  while (next < text.length) {
    const character = String.fromCodePoint(text.codePointAt(next)!);
    if (character === '"') {
      const quoted = readQuotedName(text, next + 1);
      name += quoted.text;
      next = quoted.next;
    } else if (ATTRIBUTE_END.test(character)) break;
    else {
      name += character;
      next += character.length;
    }
  }
  // Without a name it is no attribute; the parser names the dot.
  if (name === "") return make("symbol", scope === "" ? "." : `${scope}.`, next);
  return make("attribute", name, next, 0, scope);
}

/** `span."a key with spaces"`. */
function readQuotedName(text: string, start: number): { text: string; next: number } {
  let content = "";
  let next = start;
  while (next < text.length) {
    const character = text[next]!;
    if (character === '"') return { text: content, next: next + 1 };
    if (character === "\\") {
      const escaped = text[next + 1];
      if (escaped !== "\\" && escaped !== '"') throw errorAt(text, next, "invalid escape sequence");
      content += escaped;
      next += 2;
    } else {
      content += character;
      next++;
    }
  }
  throw errorAt(text, next, 'unexpected EOF, expecting "');
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

/** A Go string literal: quoted with escapes, or raw in backquotes. */
function readString(text: string, offset: number, make: Make): { token: Token; next: number } {
  const quote = text[offset]!;
  if (quote === "`") {
    const end = text.indexOf("`", offset + 1);
    if (end === -1) throw errorAt(text, offset, "syntax error: literal not terminated");
    return make("string", text.slice(offset + 1, end), end + 1);
  }
  let content = "";
  let next = offset + 1;
  while (next < text.length && text[next] !== '"' && text[next] !== "\n") {
    if (text[next] !== "\\") {
      content += text[next++];
      continue;
    }
    const escaped = readEscape(text, next + 1);
    if (escaped === undefined) throw errorAt(text, offset, "syntax error: invalid syntax");
    content += escaped.text;
    next = escaped.next;
  }
  if (text[next] !== '"') throw errorAt(text, offset, "syntax error: literal not terminated");
  return make("string", content, next + 1);
}

function readEscape(text: string, at: number): { text: string; next: number } | undefined {
  const code = text[at] ?? "";
  const simple = ESCAPES[code];
  if (simple !== undefined) return { text: simple, next: at + 1 };
  const digits = { x: 2, u: 4, U: 8 }[code];
  if (digits === undefined) return undefined;
  const hex = text.slice(at + 1, at + 1 + digits);
  const point = Number.parseInt(hex, 16);
  if (!/^[0-9a-fA-F]+$/.test(hex) || hex.length !== digits || point > 0x10ffff) return undefined;
  return { text: String.fromCodePoint(point), next: at + 1 + digits };
}

function matchAt(pattern: RegExp, text: string, offset: number): string | undefined {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0];
}

/** An error at a place of the text, with its line and column as Tempo counts them. */
export function errorAt(text: string, offset: number, message: string): TraceqlError {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return new TraceqlError(message, line, offset - (before.lastIndexOf("\n") + 1) + 1);
}
