/** An argument of a call: a literal, a field of the data, a variable, or a pipeline in parentheses. */
export type Operand =
  | { readonly kind: "literal"; readonly value: string | number | boolean | undefined }
  | { readonly kind: "field"; readonly path: readonly string[] }
  | { readonly kind: "variable"; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "pipeline"; readonly pipeline: Pipeline; readonly path: readonly string[] };

/** `function argument argument`, or a single operand. */
export interface Command {
  readonly operands: readonly Operand[];
}

/** Commands joined by `|`: each result becomes the last argument of the next. */
export interface Pipeline {
  readonly commands: readonly Command[];
}

export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly pipeline: Pipeline }
  | { readonly kind: "assign"; readonly name: string; readonly pipeline: Pipeline }
  | {
      readonly kind: "if" | "with" | "range";
      readonly pipeline: Pipeline;
      /** Variables that `range $i, $v := …` sets. */
      readonly variables: readonly string[];
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    };

/** Nested actions and parentheses, at most. */
const DEPTH_MAX = 50;

/**
 * Parses the part of Go's text/template that `line_format` and `label_format` use.
 * @throws Error with the reason, worded as Go does.
 */
export function parseTemplate(text: string): TemplateNode[] {
  const parser = new TemplateParser(splitActions(text));
  return parser.body(false, 0).nodes;
}

type Piece = { readonly text: string } | { readonly action: readonly string[] };

const TOKEN =
  /\s*("(?:[^"\\\n]|\\.)*"|`[^`]*`|:=|[|(),]|\$[\w]*(?:\.[\w]+)*|(?:\.[A-Za-z_]\w*)+|\.|[-+]?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|[A-Za-z_]\w*|\S)/gy;

/** Cuts the text at `{{…}}`, applying `{{-` and `-}}`; comments vanish. */
function splitActions(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  for (;;) {
    const open = text.indexOf("{{", at);
    let literal = open === -1 ? text.slice(at) : text.slice(at, open);
    if (trimNext) literal = literal.trimStart();
    if (open === -1) {
      pieces.push({ text: literal });
      return pieces;
    }
    const close = closingBraces(text, open + 2);
    let inner = text.slice(open + 2, close);
    if (/^-\s/.test(inner)) {
      literal = literal.trimEnd();
      inner = inner.slice(1);
    }
    trimNext = /\s-$/.test(inner);
    if (trimNext) inner = inner.slice(0, -1);
    pieces.push({ text: literal });
    if (!inner.trim().startsWith("/*")) pieces.push({ action: tokenize(inner) });
    at = close + 2;
  }
}

function closingBraces(text: string, from: number): number {
  let quote = "";
  for (let at = from; at < text.length; at++) {
    const char = text[at]!;
    if (quote !== "") {
      if (char === "\\" && quote === '"') at++;
      else if (char === quote) quote = "";
    } else if (char === '"' || char === "`") quote = char;
    else if (char === "}" && text[at + 1] === "}") return at;
  }
  throw new Error(quote === "" ? "unclosed action" : "unterminated quoted string");
}

function tokenize(inner: string): string[] {
  const tokens = [...inner.trim().matchAll(TOKEN)].map((match) => match[1]!);
  const bad = tokens.find((token) => /^[^\w"`$.|(),:+-]$/.test(token));
  if (bad !== undefined) throw new Error(`unexpected ${JSON.stringify(bad)} in operand`);
  return tokens;
}

class TemplateParser {
  readonly #pieces: readonly Piece[];
  #piece = 0;
  #tokens: readonly string[] = [];
  #token = 0;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  /** Reads nodes up to `else` or `end` (or the end of the text at the top). */
  body(nested: boolean, depth: number): { nodes: TemplateNode[]; end: "else" | "end" | "eof" } {
    if (depth > DEPTH_MAX) throw new Error(`template nests deeper than ${DEPTH_MAX}`);
    const nodes: TemplateNode[] = [];
    while (this.#piece < this.#pieces.length) {
      const piece = this.#pieces[this.#piece++]!;
      if ("text" in piece) {
        if (piece.text !== "") nodes.push({ kind: "text", text: piece.text });
        continue;
      }
      this.#tokens = piece.action;
      this.#token = 0;
      const keyword = this.#tokens[0];
      if (keyword === undefined) throw new Error("missing value for command");
      if (keyword === "end" || keyword === "else") {
        if (!nested) throw new Error(`unexpected {{${keyword}}}`);
        this.#token = 1;
        return { nodes, end: keyword };
      }
      nodes.push(this.#action(keyword, depth));
    }
    if (nested) throw new Error("unexpected EOF");
    return { nodes, end: "eof" };
  }

  #action(keyword: string, depth: number): TemplateNode {
    if (keyword === "if" || keyword === "with" || keyword === "range") {
      this.#token = 1;
      return this.#branch(keyword, depth);
    }
    const assigned = this.#tokens[1] === ":=" || this.#tokens[1] === "=";
    if (keyword.startsWith("$") && assigned) {
      this.#token = 2;
      return { kind: "assign", name: keyword, pipeline: this.#pipeline(depth) };
    }
    const pipeline = this.#pipeline(depth);
    if (this.#token < this.#tokens.length)
      throw new Error(`unexpected ${JSON.stringify(this.#tokens[this.#token])} in command`);
    return { kind: "print", pipeline };
  }

  #branch(kind: "if" | "with" | "range", depth: number): TemplateNode {
    const assignment = this.#tokens.indexOf(":=");
    const variables =
      assignment === -1 ? [] : this.#tokens.slice(1, assignment).filter((token) => token.startsWith("$"));
    if (assignment !== -1) this.#token = assignment + 1;
    const pipeline = this.#pipeline(depth);
    const body = this.body(true, depth + 1);
    let otherwise: TemplateNode[] = [];
    if (body.end === "else") {
      const next = this.#tokens[1];
      if (next === "if" || next === "with") {
        this.#token = 2;
        otherwise = [this.#branch(next, depth + 1)];
      } else {
        const rest = this.body(true, depth + 1);
        if (rest.end === "else") throw new Error("expected end; found {{else}}");
        otherwise = rest.nodes;
      }
    }
    return { kind, pipeline, variables, body: body.nodes, otherwise };
  }

  #pipeline(depth: number): Pipeline {
    if (depth > DEPTH_MAX) throw new Error(`template nests deeper than ${DEPTH_MAX}`);
    const commands: Command[] = [];
    for (;;) {
      const operands: Operand[] = [];
      for (;;) {
        const token = this.#tokens[this.#token];
        if (token === undefined || token === "|" || token === ")") break;
        operands.push(this.#operand(token, depth));
      }
      if (operands.length === 0) throw new Error("missing value for command");
      commands.push({ operands });
      if (this.#tokens[this.#token] !== "|") return { commands };
      this.#token++;
    }
  }

  #operand(token: string, depth: number): Operand {
    this.#token++;
    if (token === "(") {
      const pipeline = this.#pipeline(depth + 1);
      if (this.#tokens[this.#token] !== ")") throw new Error("unclosed left paren");
      this.#token++;
      const next = this.#tokens[this.#token];
      const path = next !== undefined && /^(\.\w+)+$/.test(next) ? next.slice(1).split(".") : [];
      if (path.length > 0) this.#token++;
      return { kind: "pipeline", pipeline, path };
    }
    if (token.startsWith('"')) return { kind: "literal", value: JSON.parse(token) as string };
    if (token.startsWith("`")) return { kind: "literal", value: token.slice(1, -1) };
    if (token.startsWith("$")) {
      const [name, ...path] = token.split(".");
      return { kind: "variable", name: name!, path };
    }
    if (token === ".") return { kind: "field", path: [] };
    if (token.startsWith(".")) return { kind: "field", path: token.slice(1).split(".") };
    if (/^[-+]?(\d|0x)/.test(token)) return { kind: "literal", value: Number(token) };
    if (token === "true" || token === "false") return { kind: "literal", value: token === "true" };
    if (token === "nil") return { kind: "literal", value: undefined };
    if (/^[A-Za-z_]/.test(token)) return { kind: "function", name: token };
    throw new Error(`unexpected ${JSON.stringify(token)} in operand`);
  }
}
