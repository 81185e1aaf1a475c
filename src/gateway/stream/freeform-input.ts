import { parseObject, stringAt } from "../json.ts";

/** The one parameter that stands for a freeform tool's input where a format knows JSON arguments only. */
export const INPUT_PARAMETER = "input";
const HEAD = /^\s*\{\s*"input"\s*:\s*"/;
/** Longest head that is waited for. */
const HEAD_CHARS_MAX = 64;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" };

/** Decodes `{"input": "…"}`, which comes in pieces, into the text of that member, as it comes. */
export class FreeformInput {
  #raw = "";
  /** Offset in #raw up to which the text is decoded; -1 before the head has come. */
  #read = -1;
  #text = "";
  #closed = false;

  /** The text of this piece, as far as it is certain. */
  push(piece: string): string {
    this.#raw += piece;
    if (this.#closed) return "";
    if (this.#read < 0) {
      const head = HEAD.exec(this.#raw.slice(0, HEAD_CHARS_MAX));
      if (head === null) return "";
      this.#read = head[0].length;
    }
    return this.#decode();
  }

  #decode(): string {
    let out = "";
    let at = this.#read;
    while (at < this.#raw.length) {
      const sign = this.#raw[at]!;
      if (sign === '"') {
        this.#closed = true;
        break;
      }
      if (sign !== "\\") {
        out += sign;
        at++;
        continue;
      }
      const next = this.#raw[at + 1];
      if (next === undefined) break;
      if (next === "u") {
        if (at + 6 > this.#raw.length) break;
        out += String.fromCharCode(Number.parseInt(this.#raw.slice(at + 2, at + 6), 16) || 0);
        at += 6;
      } else {
        out += ESCAPES[next] ?? next;
        at += 2;
      }
    }
    this.#read = at;
    this.#text += out;
    return out;
  }

  /** What `push` has not told yet, once the arguments are whole. */
  rest(): string {
    const whole = freeformInput(this.#raw);
    return whole.startsWith(this.#text) ? whole.slice(this.#text.length) : "";
  }
}

/** The input of a freeform tool in whole arguments; a model that ignored the parameter's name is taken at its word. */
export function freeformInput(argumentsText: string): string {
  const parsed = parseObject(argumentsText);
  if (parsed === undefined) return argumentsText;
  const texts = Object.values(parsed).filter((value) => typeof value === "string");
  return stringAt(parsed, INPUT_PARAMETER) ?? (texts.length === 1 ? (texts[0] as string) : argumentsText);
}

/** Arguments that stand for this input. */
export function freeformArguments(input: string): string {
  return JSON.stringify({ [INPUT_PARAMETER]: input });
}
