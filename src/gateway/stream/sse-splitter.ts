import { SSE_EVENT_BYTES_MAX } from "../limits.ts";

const LF = 0x0a;
const CR = 0x0d;
const EMPTY = Buffer.alloc(0);
/** The end mark is at most three bytes, so its beginning may be the last two of the piece before. */
const MARK_OVERLAP_BYTES = 2;

/**
 * Cuts a byte stream into server-sent events (HTML standard, section 9.2) without decoding them.
 * Lines end with LF or CRLF; a lone CR, which no provider sends, does not end a line.
 */
export class SseSplitter {
  /** The unfinished event: bytes of the newest chunk, or of `#store` once it has come in several. */
  #rest: Buffer = EMPTY;
  /** Grows by doubling, so that a long event in many chunks is not copied for each of them. */
  #store: Buffer = EMPTY;

  /** True when bytes of an unfinished event are waiting. */
  get hasRest(): boolean {
    return this.#rest.length > 0;
  }

  /** The bytes of the unfinished event, as text. */
  get restText(): string {
    return this.#rest.toString("utf8");
  }

  /**
   * Hands every complete event, blank line included, to `onEvent`; the bytes are valid until the next call.
   * @returns false when an event is longer than SSE_EVENT_BYTES_MAX: the stream is garbage.
   */
  push(chunk: Buffer, onEvent: (event: Buffer) => void): boolean {
    let bytes = chunk;
    let scan = 0;
    if (this.#rest.length > 0) {
      scan = Math.max(0, this.#rest.length - MARK_OVERLAP_BYTES);
      this.#append(chunk);
      bytes = this.#rest;
    }
    let start = 0;
    for (let end = eventEnd(bytes, scan); end >= 0; end = eventEnd(bytes, end)) {
      onEvent(bytes.subarray(start, end));
      start = end;
    }
    if (start > 0 || bytes === chunk) {
      this.#rest = bytes.subarray(start);
      this.#store = EMPTY; // The events may still be on their way to the client.
    }
    return this.#rest.length <= SSE_EVENT_BYTES_MAX;
  }

  #append(chunk: Buffer): void {
    const bytes = this.#rest.length + chunk.length;
    if (this.#store.length < bytes) {
      this.#store = Buffer.allocUnsafe(bytes * 2);
      this.#rest.copy(this.#store);
    }
    chunk.copy(this.#store, this.#rest.length);
    this.#rest = this.#store.subarray(0, bytes);
  }
}

/** Offset behind the blank line that ends the event, or -1. */
function eventEnd(bytes: Buffer, from: number): number {
  for (let index = bytes.indexOf(LF, from); index >= 0; index = bytes.indexOf(LF, index + 1)) {
    if (bytes[index + 1] === LF) return index + 2;
    if (bytes[index + 1] === CR && bytes[index + 2] === LF) return index + 3;
  }
  return -1;
}

/** The event's data (its `data:` lines joined by LF), or undefined for a comment or an empty event. */
export function eventData(event: Buffer): string | undefined {
  const text = event.toString("utf8");
  if (text.startsWith("data: ") && text.indexOf("\n") === text.length - 2) return text.slice(6, -2); // one line, LF
  let data: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (!line.startsWith("data:")) continue;
    const value = line.startsWith("data: ") ? line.slice(6) : line.slice(5);
    data = data === undefined ? value : `${data}\n${value}`;
  }
  return data;
}
