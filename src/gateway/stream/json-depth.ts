const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * Follows a JSON object or array that comes in pieces and says when it is whole, without keeping it. OpenAI's stream
 * does not tell that a tool call is complete; its arguments do.
 */
export class JsonDepth {
  #depth = 0;
  #inString = false;
  #escaped = false;
  #opened = false;

  /** True once the outermost bracket has closed. Never for text that has none. */
  get complete(): boolean {
    return this.#opened && this.#depth === 0;
  }

  push(piece: string): void {
    for (let index = 0; index < piece.length; index++) {
      const code = piece.charCodeAt(index);
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (code === BACKSLASH) this.#escaped = true;
        else if (code === QUOTE) this.#inString = false;
      } else if (code === QUOTE) this.#inString = true;
      else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
        this.#depth++;
        this.#opened = true;
      } else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && this.#depth > 0) this.#depth--;
    }
  }
}
