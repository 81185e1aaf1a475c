import { type JsonObject, parseObject } from "../../json.ts";
import { eventData, SseSplitter } from "../../stream/sse-splitter.ts";
import type { StreamRewriter } from "../wire.ts";

const TOO_LONG = `data: ${JSON.stringify({ error: { message: "an event of the stream is too long", code: 502 } })}\n\n`;

/** Reads each chunk of an OpenAI stream, changes it and writes it anew; for the few providers whose chunks need it. */
export class SseChunkAdjuster implements StreamRewriter {
  readonly #splitter = new SseSplitter();
  readonly #adjust: (chunk: JsonObject) => void;

  constructor(adjust: (chunk: JsonObject) => void) {
    this.#adjust = adjust;
  }

  get unreadText(): string {
    return this.#splitter.restText;
  }

  push(bytes: Buffer): string {
    let out = "";
    const sane = this.#splitter.push(bytes, (event) => {
      const data = eventData(event);
      if (data === undefined) return;
      const chunk = parseObject(data);
      if (chunk === undefined)
        out += `data: ${data}\n\n`; // [DONE], or garbage that the converter counts.
      else {
        this.#adjust(chunk);
        out += `data: ${JSON.stringify(chunk)}\n\n`;
      }
    });
    return sane ? out : out + TOO_LONG;
  }
}
