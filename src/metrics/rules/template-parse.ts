/** A template that is not in Go's template language, or uses a part of it that rules cannot use here. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/** Blocks inside blocks, and parentheses inside parentheses. */
const NESTING_MAX = 32;

export type Expression =
  | { readonly kind: "constant"; readonly value: string | number | boolean | undefined }
  /** `.a.b` (variable ""), `$labels.a` (variable "labels"). */
  | { readonly kind: "field"; readonly variable: string; readonly path: readonly string[] }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] }
  /** `(expression).a` */
  | { readonly kind: "select"; readonly from: Expression; readonly path: readonly string[] };

export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly value: Expression }
  | { readonly kind: "assign"; readonly variable: string; readonly value: Expression }
  | Branch
  | Loop;

interface Branch {
  readonly kind: "if" | "with";
  readonly condition: Expression;
  /** `{{ with $x := … }}` names the value. */
  readonly variable: string | undefined;
  readonly body: readonly TemplateNode[];
  readonly otherwise: readonly TemplateNode[];
}

interface Loop {
  readonly kind: "range";
  readonly over: Expression;
  /** `{{ range $i, $x := … }}`: key and value, or only the value. */
  readonly variables: readonly string[];
  readonly body: readonly TemplateNode[];
  readonly otherwise: readonly TemplateNode[];
}

/**
 * Parses the part of Go's text/template that alert annotations use: pipelines, if/else, with, range, variables.
 * @throws TemplateError with the place of the mistake.
 */
export function parseTemplate(text: string): TemplateNode[] {
  const parser = new TemplateParser(text);
  return parser.parse();
}

type Piece = { readonly action: false; readonly text: string } | { readonly action: true; readonly tokens: string[] };

class TemplateParser {
  readonly #pieces: Piece[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#pieces = split(text);
  }

  parse(): TemplateNode[] {
    const { nodes, end } = this.#block();
    if (end !== undefined) throw new TemplateError(`unexpected {{${end.join(" ")}}}`);
    return nodes;
  }

  /** Nodes up to `{{end}}`, `{{else …}}` or the end of the text; `end` holds the tokens that ended the block. */
  #block(): { nodes: TemplateNode[]; end: string[] | undefined } {
    if (++this.#depth > NESTING_MAX) throw new TemplateError(`blocks nest deeper than ${NESTING_MAX}`);
    const nodes: TemplateNode[] = [];
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at++]!;
      if (!piece.action) {
        if (piece.text !== "") nodes.push({ kind: "text", text: piece.text });
        continue;
      }
      const [keyword] = piece.tokens;
      if (keyword === "end" || keyword === "else") {
        this.#depth--;
        return { nodes, end: piece.tokens };
      }
      if (keyword !== undefined) nodes.push(this.#action(piece.tokens));
    }
    this.#depth--;
    return { nodes, end: undefined };
  }

  #action(tokens: string[]): TemplateNode {
    const [keyword, ...rest] = tokens;
    if (keyword === "if" || keyword === "with") return this.#branch(keyword, rest);
    if (keyword === "range") return this.#loop(rest);
    if (keyword === "define" || keyword === "template" || keyword === "block" || keyword === "break") {
      throw new TemplateError(`{{${keyword}}} is not supported in rules`);
    }
    const { variables, expression } = assignment(tokens);
    if (variables.length > 1) throw new TemplateError("too many variables in an assignment");
    return variables.length === 0
      ? { kind: "print", value: expression }
      : { kind: "assign", variable: variables[0]!, value: expression };
  }

  #branch(kind: "if" | "with", tokens: string[]): Branch {
    const { variables, expression } = assignment(tokens);
    const { nodes, end } = this.#block();
    return { kind, condition: expression, variable: variables[0], body: nodes, otherwise: this.#otherwise(kind, end) };
  }

  #loop(tokens: string[]): Loop {
    const { variables, expression } = assignment(tokens);
    const { nodes, end } = this.#block();
    return { kind: "range", over: expression, variables, body: nodes, otherwise: this.#otherwise("range", end) };
  }

  #otherwise(keyword: string, end: string[] | undefined): TemplateNode[] {
    if (end === undefined) throw new TemplateError(`unexpected EOF: {{${keyword}}} has no {{end}}`);
    if (end[0] === "end") return [];
    // `{{else if x}}` is an if inside the else that shares its end.
    if (end[1] === "if" || end[1] === "with") return [this.#branch(end[1], end.slice(2))];
    if (end.length > 1) throw new TemplateError(`unexpected ${end.slice(1).join(" ")} behind {{else`);
    const { nodes, end: last } = this.#block();
    if (last?.[0] !== "end") throw new TemplateError(`expected {{end}} after {{else}}`);
    return nodes;
  }
}

/** Cuts a text into plain parts and actions; `{{-` and `-}}` eat the blanks around them. */
function split(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  for (;;) {
    const open = text.indexOf("{{", at);
    const plain = open < 0 ? text.slice(at) : text.slice(at, open);
    const trimBefore = open >= 0 && /^\{\{-\s/.test(text.slice(open, open + 4));
    const left = trimNext ? plain.trimStart() : plain;
    pieces.push({ action: false, text: trimBefore ? left.trimEnd() : left });
    if (open < 0) return pieces;
    const start = open + (trimBefore ? 3 : 2);
    const close = actionEnd(text, start);
    trimNext = /\s-$/.test(text.slice(start, close));
    const inner = text.slice(start, trimNext ? close - 1 : close).trim();
    if (!inner.startsWith("/*")) pieces.push({ action: true, tokens: tokenise(inner) });
    at = close + 2;
  }
}

/** Offset of the `}}` that ends the action, which may hold strings with `}}` in them. */
function actionEnd(text: string, start: number): number {
  const scanner = /"(?:\\.|[^"\\])*"|`[^`]*`|\/\*[\s\S]*?\*\/|\}\}/g;
  scanner.lastIndex = start;
  for (let match = scanner.exec(text); match !== null; match = scanner.exec(text)) {
    if (match[0] === "}}") return match.index;
  }
  throw new TemplateError("unclosed action");
}

const TOKEN =
  /\s*("(?:\\.|[^"\\])*"|`[^`]*`|'(?:\\.|[^'\\])'|\$[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|\$(?:\.[A-Za-z_]\w*)*|(?:\.[A-Za-z_]\w*)+|\.|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[A-Za-z_]\w*|:=|[=|(),])/y;

function tokenise(inner: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < inner.length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(inner);
    if (match === null) {
      if (inner.slice(from).trim() === "") break;
      throw new TemplateError(`unexpected ${JSON.stringify(inner.slice(from).trim().slice(0, 20))} in {{${inner}}}`);
    }
    tokens.push(match[1]!);
  }
  return tokens;
}

function assignment(tokens: string[]): { variables: string[]; expression: Expression } {
  const sign = tokens.findIndex((token) => token === ":=" || token === "=");
  if (sign < 0) return { variables: [], expression: parseExpression(tokens) };
  const variables = tokens.slice(0, sign).filter((token) => token !== ",");
  if (variables.length === 0 || variables.length > 2 || !variables.every((name) => /^\$\w+$/.test(name))) {
    throw new TemplateError(`${JSON.stringify(tokens.slice(0, sign).join(" "))} is no variable`);
  }
  return { variables: variables.map((name) => name.slice(1)), expression: parseExpression(tokens.slice(sign + 1)) };
}

function parseExpression(tokens: string[]): Expression {
  const reader = new ExpressionReader(tokens);
  const expression = reader.pipeline(0);
  reader.expectEnd();
  return expression;
}

class ExpressionReader {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  expectEnd(): void {
    if (this.#at < this.#tokens.length) throw new TemplateError(`unexpected ${JSON.stringify(this.#tokens[this.#at])}`);
  }

  /** `a | f x | g`: the value so far is the last argument of what follows. */
  pipeline(depth: number): Expression {
    if (depth > NESTING_MAX) throw new TemplateError(`parentheses nest deeper than ${NESTING_MAX}`);
    let value = this.#command(depth);
    while (this.#tokens[this.#at] === "|") {
      this.#at++;
      const stage = this.#command(depth);
      if (stage.kind !== "call") throw new TemplateError("non executable command in pipeline");
      value = { kind: "call", name: stage.name, args: [...stage.args, value] };
    }
    return value;
  }

  #command(depth: number): Expression {
    const operands: Expression[] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token === undefined || token === "|" || token === ")") break;
      operands.push(this.#operand(depth));
    }
    const [first, ...rest] = operands;
    if (first === undefined) throw new TemplateError("missing value for command");
    if (rest.length === 0) return first;
    if (first.kind !== "call") throw new TemplateError("can't give argument to non-function");
    return { kind: "call", name: first.name, args: rest };
  }

  #operand(depth: number): Expression {
    const token = this.#tokens[this.#at++]!;
    if (token === "(") {
      const inner = this.pipeline(depth + 1);
      if (this.#tokens[this.#at++] !== ")") throw new TemplateError("unclosed left paren");
      const path = this.#tokens[this.#at];
      if (path === undefined || !/^(\.\w+)+$/.test(path)) return inner;
      this.#at++;
      return { kind: "select", from: inner, path: path.slice(1).split(".") };
    }
    if (token.startsWith('"')) return { kind: "constant", value: unquote(token) };
    if (token.startsWith("`")) return { kind: "constant", value: token.slice(1, -1) };
    if (token.startsWith("'")) return { kind: "constant", value: unquote(`"${token.slice(1, -1)}"`).codePointAt(0) };
    if (/^[-+.]?\d/.test(token)) return { kind: "constant", value: Number(token) };
    if (token.startsWith("$")) {
      const [variable, ...path] = token.slice(1).split(".");
      return { kind: "field", variable: variable === "" ? "$" : variable!, path };
    }
    if (token.startsWith("."))
      return { kind: "field", variable: "", path: token === "." ? [] : token.slice(1).split(".") };
    if (token === "true" || token === "false") return { kind: "constant", value: token === "true" };
    if (token === "nil") return { kind: "constant", value: undefined };
    if (/^\w+$/.test(token)) return { kind: "call", name: token, args: [] };
    throw new TemplateError(`unexpected ${JSON.stringify(token)} in operand`);
  }
}

function unquote(token: string): string {
  return token.slice(1, -1).replace(/\\(n|t|r|"|'|\\|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)/g, (_, escaped: string) => {
    switch (escaped[0]) {
      case "n":
        return "\n";
      case "t":
        return "\t";
      case "r":
        return "\r";
      case "x":
      case "u":
        return escaped.length > 1 ? String.fromCharCode(Number.parseInt(escaped.slice(1), 16)) : escaped;
      default:
        return escaped;
    }
  });
}
