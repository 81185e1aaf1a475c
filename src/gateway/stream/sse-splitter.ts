import { SSE_EVENT_BYTES_MAX } from "../limits.ts";

const LF = 0x0a;
const CR = 0x0d;
const EMPTY = Buffer.alloc(0);

/**
 * Cuts a byte stream into server-sent events (HTML standard, section 9.2) without decoding them.
 * Lines end with LF or CRLF; a lone CR, which no provider sends, does not end a line.
 */
export class SseSplitter {
  #rest: Buffer = EMPTY;
  #scannedBytes = 0;

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
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let start = 0;
    let scan = this.#scannedBytes;
    for (;;) {
      const end = eventEnd(bytes, scan);
      if (end < 0) break;
      onEvent(bytes.subarray(start, end));
      start = end;
      scan = end;
    }
    this.#rest = start === bytes.length ? EMPTY : bytes.subarray(start);
    // The end mark is at most three bytes, so the last two must be looked at again.
    this.#scannedBytes = Math.max(0, this.#rest.length - 2);
    return this.#rest.length <= SSE_EVENT_BYTES_MAX;
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
