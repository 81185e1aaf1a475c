/** Strings by number; equal strings have equal numbers. */
export interface StringTable {
  readonly count: number;
  /** The string numbered `id`, 0 <= id < count. */
  text(id: number): string;
  /** The number of `text`, or -1. */
  find(text: string): number;
}

/** A string table that grows; number 0 is always the empty string. */
export class StringInterner implements StringTable {
  readonly #texts: string[] = [""];
  readonly #ids = new Map<string, number>([["", 0]]);
  /** Bytes that the strings take, about; for the head's size. */
  bytes = 0;

  get count(): number {
    return this.#texts.length;
  }

  text(id: number): string {
    return this.#texts[id]!;
  }

  find(text: string): number {
    return this.#ids.get(text) ?? -1;
  }

  intern(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    const id = this.#texts.length;
    this.#texts.push(text);
    this.#ids.set(text, id);
    this.bytes += text.length + 48; // entry of the map and of the array, and the string's header
    return id;
  }
}

/** A string table read from disk; the reverse lookup is built when it is first asked for. */
export class FrozenStrings implements StringTable {
  readonly #texts: readonly string[];
  #ids: Map<string, number> | undefined;

  constructor(texts: readonly string[]) {
    this.#texts = texts;
  }

  get count(): number {
    return this.#texts.length;
  }

  text(id: number): string {
    return this.#texts[id]!;
  }

  find(text: string): number {
    if (this.#ids === undefined) {
      this.#ids = new Map();
      for (let id = 0; id < this.#texts.length; id++) this.#ids.set(this.#texts[id]!, id);
    }
    return this.#ids.get(text) ?? -1;
  }
}
