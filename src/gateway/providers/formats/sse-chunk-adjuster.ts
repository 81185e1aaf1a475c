import { type JsonObject, parseObject } from "../../json.ts";
import { eventData, SseSplitter } from "../../stream/sse-splitter.ts";
import type { StreamRewriter } from "../wire.ts";

const EMPTY = Buffer.alloc(0);
const TOO_LONG = `data: ${JSON.stringify({ error: { message: "an event of the stream is too long", code: 502 } })}\n\n`;

/** Changes those chunks of an OpenAI stream that have a mark in them; all others pass as bytes. */
export class SseChunkAdjuster implements StreamRewriter {
  readonly #splitter = new SseSplitter();
  readonly #mark: Buffer;
  readonly #adjust: (chunk: JsonObject) => void;

  /** @param mark Text without which a chunk needs no change. */
  constructor(mark: string, adjust: (chunk: JsonObject) => void) {
    this.#mark = Buffer.from(mark);
    this.#adjust = adjust;
  }

  get unreadText(): string {
    return this.#splitter.restText;
  }

  push(bytes: Buffer): Buffer {
    const events: Buffer[] = [];
    const sane = this.#splitter.push(bytes, (event) => {
      events.push(event.includes(this.#mark) ? this.#adjusted(event) : event);
    });
    if (!sane) events.push(Buffer.from(TOO_LONG));
    if (events.length === 0) return EMPTY;
    return events.length === 1 ? events[0]! : Buffer.concat(events);
  }

  #adjusted(event: Buffer): Buffer {
    const data = eventData(event);
    const chunk = data === undefined ? undefined : parseObject(data);
    if (chunk === undefined) return event; // Garbage is the converter's to count.
    this.#adjust(chunk);
    return Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
  }
}
