import { sanitizeLabelName } from "./label-name.ts";

/** Deepest object that is walked; below it a line is treated as malformed. */
const DEPTH_MAX = 64;

/** Text that is no JSON object; `details` is what Loki puts into `__error_details__`. */
export class JsonLineError extends Error {
  override readonly name = "JsonLineError";
}

/**
 * Walks JSON objects and reports every scalar under its path, keys joined by `_` (`{"a":{"b":1}}` gives `a_b`, `1`).
 * Arrays and nulls are skipped; numbers keep the digits they were written with. Nothing but the reported values is
 * copied, so a caller that wants few labels pays for few. One instance serves a whole query.
 */
export class JsonFlattener {
  readonly #wanted: (name: string) => boolean;
  readonly #report: (name: string, value: string) => void;
  #text = "";
  #at = 0;

  /** @param wanted Says whether a name is of use; a value is cut out only then. */
  constructor(wanted: (name: string) => boolean, report: (name: string, value: string) => void) {
    this.#wanted = wanted;
    this.#report = report;
  }

  /** @throws JsonLineError at the first malformed place; what was reported before it stands. */
  walk(text: string): void {
    this.#text = text;
    this.#at = 0;
    this.#space();
    if (this.#text[this.#at] !== "{")
      throw new JsonLineError("Value looks like object, but can't find closing '}' symbol");
    this.#object("", 0);
  }

  #object(prefix: string, depth: number): void {
    if (depth > DEPTH_MAX) throw new JsonLineError(`JSON nests deeper than ${DEPTH_MAX} levels`);
    this.#at++; // "{"
    this.#space();
    if (this.#take("}")) return;
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') throw new JsonLineError("Malformed JSON error");
      const key = this.#string(true);
      this.#space();
      if (!this.#take(":")) throw new JsonLineError("Malformed JSON error");
      this.#space();
      const name = prefix === "" ? sanitizeLabelName(key) : `${prefix}_${key.replace(/[^a-zA-Z0-9_]/g, "_")}`;
      this.#value(name, depth);
      this.#space();
      if (this.#take(",")) continue;
      if (this.#take("}")) return;
      throw new JsonLineError("Value looks like object, but can't find closing '}' symbol");
    }
  }

  #value(name: string, depth: number): void {
    const char = this.#text[this.#at];
    if (char === "{") this.#object(name, depth + 1);
    else if (char === "[") this.#skipArray();
    else if (char === '"') {
      const wanted = this.#wanted(name);
      const value = this.#string(wanted);
      if (wanted) this.#report(name, value);
    } else {
      const start = this.#at;
      while (this.#at < this.#text.length && !isDelimiter(this.#text.charCodeAt(this.#at))) this.#at++;
      const raw = this.#text.slice(start, this.#at);
      if (!/^(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(raw)) {
        throw new JsonLineError("Unknown value type");
      }
      if (raw !== "null" && this.#wanted(name)) this.#report(name, raw);
    }
  }

  /** Past a string that starts here; its value where it is needed, else "". */
  #string(needed: boolean): string {
    const start = this.#at++;
    const text = this.#text;
    let escaped = false;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (Number.isNaN(code)) throw new JsonLineError("Value is string, but can't find closing '\"' symbol");
      if (code === 0x5c) {
        escaped = true;
        this.#at += 2;
      } else if (code === 0x22) break;
      else this.#at++;
    }
    this.#at++;
    if (!needed) return "";
    if (!escaped) return text.slice(start + 1, this.#at - 1);
    try {
      return JSON.parse(text.slice(start, this.#at)) as string;
    } catch {
      throw new JsonLineError("Malformed string error");
    }
  }

  #skipArray(): void {
    let depth = 0;
    const text = this.#text;
    while (this.#at < text.length) {
      const code = text.charCodeAt(this.#at);
      if (code === 0x22) {
        this.#string(false);
        continue;
      }
      this.#at++;
      if (code === 0x5b) depth++;
      else if (code === 0x5d && --depth === 0) return;
    }
    throw new JsonLineError("Value is array, but can't find closing ']' symbol");
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) return;
      this.#at++;
    }
  }
}

function isDelimiter(code: number): boolean {
  return code === 0x2c || code === 0x7d || code === 0x5d || code <= 0x20;
}
