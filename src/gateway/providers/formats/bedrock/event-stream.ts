import type { EventStreamCodec } from "@smithy/eventstream-codec";
import { commonJs } from "../../../../runtime/commonjs.ts";
import { type JsonObject, parseObject } from "../../../json.ts";
import { SSE_EVENT_BYTES_MAX } from "../../../limits.ts";

/** One message of an `application/vnd.amazon.eventstream` body. */
export interface Frame {
  readonly kind: "event" | "exception";
  /** `:event-type`, `:exception-type` or `:error-code`. */
  readonly type: string;
  readonly body: JsonObject;
  /** `:error-message`. */
  readonly message: string | undefined;
}

/** Total length, headers' length and their checksum. */
const PRELUDE_BYTES = 12;
/** Prelude and the checksum behind the payload: the shortest message. */
const FRAME_BYTES_MIN = 16;
const EMPTY = Buffer.alloc(0);

let codec: EventStreamCodec | undefined;

/** Brings the codec into memory; nothing else of a stream waits. */
export async function loadEventStream(): Promise<void> {
  if (codec !== undefined) return;
  const { EventStreamCodec: Codec } = commonJs(await import("@smithy/eventstream-codec"));
  codec = new Codec(
    (bytes) => Buffer.from(bytes as Uint8Array).toString("utf8"),
    (text) => Buffer.from(text, "utf8"),
  );
}

/** Cuts a byte stream into frames and decodes them; `loadEventStream` must have resolved. */
export class FrameSplitter {
  #rest: Buffer = EMPTY;

  /** Bytes of an unfinished frame, as text: where a stream should be but is not, the whole body. */
  get restText(): string {
    return this.#rest.toString("utf8");
  }

  /** Hands every complete frame to `take`. @returns what is wrong with the bytes; undefined when nothing is. */
  push(chunk: Buffer, take: (frame: Frame) => void): string | undefined {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= PRELUDE_BYTES) {
      const frameBytes = bytes.readUInt32BE(0);
      if (frameBytes < FRAME_BYTES_MIN || frameBytes > SSE_EVENT_BYTES_MAX) {
        this.#rest = bytes;
        return "its stream is no event stream";
      }
      if (bytes.length < frameBytes) break;
      const frame = decodeFrame(bytes.subarray(0, frameBytes));
      bytes = bytes.subarray(frameBytes);
      if (frame === undefined) {
        this.#rest = bytes;
        return "a frame of its stream is damaged";
      }
      take(frame);
    }
    this.#rest = bytes;
    return undefined;
  }
}

/** Undefined for bytes whose checksums or headers are wrong. */
function decodeFrame(bytes: Buffer): Frame | undefined {
  try {
    const { headers, body } = codec!.decode(bytes);
    const text = (name: string): string | undefined => {
      const value = headers[name]?.value;
      return typeof value === "string" ? value : undefined;
    };
    const isEvent = (text(":message-type") ?? "event") === "event";
    return {
      kind: isEvent ? "event" : "exception",
      type: text(isEvent ? ":event-type" : ":exception-type") ?? text(":error-code") ?? "unknown",
      body: parseObject(Buffer.from(body).toString("utf8")) ?? {},
      message: text(":error-message"),
    };
  } catch {
    return undefined; // The codec throws for damaged frames and nothing else.
  }
}
