import type { Static } from "./ast.ts";
import { AGGREGATES, INTRINSIC_WORDS, METRICS, OTHER_WORDS, STATIC_WORDS } from "./keywords.ts";
import { errorAt, type Token, tokenize } from "./lexer.ts";
import { TraceqlError } from "./traceql-error.ts";

/** Deepest nesting of parentheses and unary operators; recursion in parser and evaluator is bounded by it. */
const DEPTH_MAX = 100;
/** Most operators of one query: a chain of them nests as deep as it is long. */
const OPERATORS_MAX = 1_000;

/** Tokens of one query with the questions that a recursive-descent parser asks. */
export class TokenStream {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #index = 0;
  #depth = 0;
  #operators = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  get current(): Token {
    return this.#tokens[this.#index]!;
  }

  get atEnd(): boolean {
    return this.current.type === "end";
  }

  /** The current symbol, or "" where something else stands. */
  get symbol(): string {
    return this.current.type === "symbol" ? this.current.text : "";
  }

  advance(): void {
    if (!this.atEnd) this.#index++;
  }

  /** Consumes the symbol or word `text` if it stands here. */
  take(text: string): boolean {
    const { type, text: current } = this.current;
    if (current !== text || (type !== "symbol" && type !== "word")) return false;
    this.#index++;
    return true;
  }

  expect(text: string): void {
    if (!this.take(text)) this.unexpected(text);
  }

  isWord(words: ReadonlySet<string>): boolean {
    return this.current.type === "word" && words.has(this.current.text);
  }

  takeWord(): string {
    const { text } = this.current;
    this.advance();
    return text;
  }

  /** Any word, known or not: the name of a hint. */
  takeName(): string {
    if (this.current.type !== "word") this.unexpected("IDENTIFIER");
    return this.takeWord();
  }

  takeNumber(): number {
    const { type, value } = this.current;
    if (type !== "int" && type !== "float") this.unexpected();
    this.advance();
    return value;
  }

  takeInteger(): number {
    const { type, value } = this.current;
    if (type !== "int") this.unexpected("INTEGER");
    this.advance();
    return value;
  }

  /** A literal, or undefined where none stands. */
  takeStatic(): Static | undefined {
    const { type, text, value } = this.current;
    if (type === "word") {
      const known = Object.hasOwn(STATIC_WORDS, text) ? STATIC_WORDS[text] : undefined;
      if (known !== undefined) this.advance();
      return known;
    }
    if (type !== "string" && type !== "int" && type !== "float" && type !== "duration") return undefined;
    this.advance();
    return { type: "static", valueType: type, value: type === "string" ? text : value };
  }

  /** Consumes an operator. @throws TraceqlError past the limit of operators. */
  takeOperator(): string {
    if (++this.#operators > OPERATORS_MAX) {
      throw new TraceqlError(`query has more than ${OPERATORS_MAX} operators`);
    }
    return this.takeWord();
  }

  /** Runs a parser one level deeper. @throws TraceqlError past the depth limit. */
  nested<T>(parse: () => T): T {
    if (++this.#depth > DEPTH_MAX) {
      throw new TraceqlError(`query nests deeper than ${DEPTH_MAX} levels`);
    }
    const result = parse();
    this.#depth--;
    return result;
  }

  /** @throws TraceqlError always: the current token, and what could stand instead where that is one thing. */
  unexpected(expected?: string): never {
    const expecting = expected === undefined ? "" : `, expecting ${expected}`;
    const message = `syntax error: unexpected ${describe(this.current)}${expecting}`;
    throw errorAt(this.#text, this.current.offset, message);
  }
}

/** A token's name in messages: words of the language as they are, everything else by its kind. */
function describe(token: Token): string {
  switch (token.type) {
    case "string":
      return "STRING";
    case "int":
      return "INTEGER";
    case "float":
      return "FLOAT";
    case "duration":
      return "DURATION";
    case "attribute":
      return `${token.scope}.`;
    case "word": {
      const { text } = token;
      const known = [INTRINSIC_WORDS, STATIC_WORDS].some((words) => Object.hasOwn(words, text));
      return known || [AGGREGATES, METRICS, OTHER_WORDS].some((words) => words.has(text)) ? text : "IDENTIFIER";
    }
    default:
      return token.text;
  }
}
