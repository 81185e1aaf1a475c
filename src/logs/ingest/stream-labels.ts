import { Labels } from "../../series/labels.ts";

/** Label strings already parsed; agents send the same few thousand over and over. */
const CACHED_STRINGS_MAX = 20_000;

/** A label string that is not `{name="value", …}`; the message says where. */
export class LabelsSyntaxError extends Error {
  override readonly name = "LabelsSyntaxError";
}

/** Parses the label strings of protobuf pushes, with a cache. */
export class StreamLabelsParser {
  readonly #cache = new Map<string, Labels>();

  /** @throws LabelsSyntaxError */
  parse(text: string): Labels {
    const known = this.#cache.get(text);
    if (known !== undefined) return known;
    const labels = parseStreamLabels(text);
    if (this.#cache.size >= CACHED_STRINGS_MAX) this.#cache.clear();
    this.#cache.set(text, labels);
    return labels;
  }
}

const PAIR = /\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*=\s*("(?:[^"\\]|\\.)*"|`[^`]*`)\s*/y;

function parseStreamLabels(text: string): Labels {
  const open = /^\s*\{/.exec(text);
  if (open === null) throw new LabelsSyntaxError("1:1: parse error: expected {");
  const pairs: [string, string][] = [];
  let at = open[0].length;
  const close = /\s*\}\s*$/y;
  for (;;) {
    close.lastIndex = at;
    if (close.test(text)) return Labels.fromEntries(pairs);
    PAIR.lastIndex = at;
    const match = PAIR.exec(text);
    if (match === null) throw new LabelsSyntaxError(`1:${at + 1}: parse error: unexpected character inside braces`);
    pairs.push([match[1]!, unquote(match[2]!, at)]);
    at = PAIR.lastIndex;
    if (text[at] === ",") at++;
    else if (text[at] !== "}") throw new LabelsSyntaxError(`1:${at + 1}: parse error: expected , or }`);
  }
}

function unquote(literal: string, at: number): string {
  if (literal[0] === "`") return literal.slice(1, -1);
  try {
    // Go's escapes that JSON lacks: \a \v \xNN and octal; `\'` stands for itself.
    const json = literal
      .replace(/\\x([0-9a-fA-F]{2})/g, "\\u00$1")
      .replace(/\\a/g, "\\u0007")
      .replace(/\\v/g, "\\u000b")
      .replace(/[\x00-\x1f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
    return JSON.parse(json) as string;
  } catch {
    throw new LabelsSyntaxError(`1:${at + 1}: parse error: invalid quoted string ${literal}`);
  }
}

/** `{a="1", b="2"}`: how Loki names a stream in messages. */
export function formatStream(labels: Labels): string {
  return `{${[...labels.entries()].map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ")}}`;
}
