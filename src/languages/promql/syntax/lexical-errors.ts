import { ParseError } from "../error.ts";
import { parseNumberLiteral } from "./parse-literals.ts";

/** What begins at a place outside braces and brackets. */
const OUTSIDE =
  /#[^\n]*|\s+|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|[a-zA-Z_:][a-zA-Z0-9_:]*|(?:\d[\w.]*(?:(?<=[eE])[+-]\d+)?|\.\d[\w.]*)|==|!=|<=|>=|<\/|>\/|[-+*/%^=<>()[\]{},@]/y;
const INSIDE_BRACES =
  /#[^\n]*|\s+|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|[a-zA-Z_][a-zA-Z0-9_]*|=~|!~|!=|[={},]/y;
const INSIDE_BRACKETS = /\s+|step|range|min_of|max_of|\d[\w.]*|\.\d[\w.]*|[-+*/%^(),:\]]/iy;

/**
 * Follows Prometheus' lexer (promql/parser/lex.go) through a query up to `until`, and gives the error it would have
 * reported on the way: a character that no token begins with, something unclosed, a malformed number.
 */
export function lexicalError(query: string, until: number): ParseError | undefined {
  return new Scanner(query, until).scan();
}

class Scanner {
  readonly #query: string;
  readonly #until: number;
  #at = 0;
  #parentheses = 0;
  #braceOpen = false;
  #bracketOpen = false;
  /** Inside brackets, after a number: what may follow is read as outside of them. */
  #afterNumber = false;
  #colonSeen = false;

  constructor(query: string, until: number) {
    this.#query = query;
    this.#until = until;
  }

  scan(): ParseError | undefined {
    while (this.#at < this.#query.length) {
      const text = this.#token();
      const error = text === undefined ? this.#unexpectedCharacter() : this.#enter(text);
      if (error !== undefined) return error;
      // The token that the parser did not expect; Prometheus' would not look further either.
      if (this.#at >= this.#until && !/^[\s#]/.test(text!)) return undefined;
      this.#at += text!.length;
    }
    return this.#endOfInput();
  }

  #token(): string | undefined {
    const pattern = this.#braceOpen ? INSIDE_BRACES : this.#bracketOpen ? INSIDE_BRACKETS : OUTSIDE;
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#query)?.[0];
  }

  #enter(text: string): ParseError | undefined {
    switch (text) {
      case "(":
        this.#parentheses++;
        return undefined;
      case ")":
        // The lexer has emitted the token by then, hence the place behind it.
        return --this.#parentheses < 0 ? this.#fail("unexpected right parenthesis ')'", 1) : undefined;
      case "{":
        if (this.#braceOpen) return this.#fail("unexpected left brace '{'");
        this.#braceOpen = true;
        return undefined;
      case "}":
        if (!this.#braceOpen) return this.#fail("unexpected character: '}'");
        this.#braceOpen = false;
        return undefined;
      case "[":
        this.#bracketOpen = true;
        this.#afterNumber = false;
        this.#colonSeen = false;
        return undefined;
      case "]":
        if (!this.#bracketOpen) return this.#fail("unexpected right bracket ']'");
        this.#bracketOpen = false;
        return undefined;
      case ":":
        if (!this.#bracketOpen) return undefined;
        if (this.#colonSeen) return this.#fail("unexpected colon ':'");
        this.#colonSeen = true;
        return undefined;
    }
    if (!this.#braceOpen && /^\.?\d/.test(text)) return this.#number(text);
    return undefined;
  }

  #number(text: string): ParseError | undefined {
    this.#afterNumber = true;
    if (parseNumberLiteral(text.replace(/\.$/, "")) !== undefined) return undefined;
    return this.#fail(`bad number or duration syntax: ${JSON.stringify(/^[\d.]+/.exec(text)![0])}`);
  }

  #unexpectedCharacter(): ParseError {
    const character = String.fromCodePoint(this.#query.codePointAt(this.#at)!);
    const next = this.#query[this.#at + 1] ?? "\ufffd";
    const quoted = `'${character}'`;
    if (character === '"' || character === "'") {
      if (!this.#bracketOpen) return this.#fail("unterminated quoted string");
    } else if (character === "`" && !this.#bracketOpen) return this.#fail("unterminated raw string");
    if (this.#braceOpen) {
      if (character === "!") return this.#fail(`unexpected character after '!' inside braces: '${next}'`);
      return this.#fail(`unexpected character inside braces: ${quoted}`);
    }
    if (this.#bracketOpen) {
      if (!this.#afterNumber) return this.#fail(`unexpected character in duration expression: ${quoted}`);
      if (/[a-zA-Z_]/.test(character)) return this.#fail(`unexpected character: ${quoted}, expected ':'`);
      return this.#fail(`unexpected character: ${quoted}`);
    }
    if (character === "!") return this.#fail(`unexpected character after '!': '${next}'`);
    return this.#fail(`unexpected character: ${quoted}`);
  }

  #endOfInput(): ParseError | undefined {
    if (this.#braceOpen) return this.#fail("unexpected end of input inside braces");
    if (this.#bracketOpen && !this.#afterNumber) return this.#fail("unexpected end of input in duration expression");
    if (this.#parentheses > 0) return this.#fail("unclosed left parenthesis");
    return this.#bracketOpen ? this.#fail("unclosed left bracket") : undefined;
  }

  #fail(reason: string, offset = 0): ParseError {
    return new ParseError(this.#query, this.#at + offset, this.#query.length, reason);
  }
}
