import { type JsonObject, parseObject } from "../json.ts";
import {
  type ChunkSource,
  type EmitDelta,
  EVENT_TOO_LONG,
  type StreamedProviderError,
  StreamMeter,
} from "./converter.ts";
import { eventData, SseSplitter } from "./sse-splitter.ts";

const END_MARK = "[DONE]";

/** A source whose stream is server-sent events with a JSON object each; subclasses say what the objects mean. */
export abstract class SseSource implements ChunkSource {
  readonly meter = new StreamMeter();
  terminated = false;
  providerError: StreamedProviderError | undefined;
  readonly #splitter = new SseSplitter();
  #emit: EmitDelta = () => undefined;

  get unreadText(): string {
    return this.#splitter.restText;
  }

  push(bytes: Buffer, emit: EmitDelta): void {
    this.#emit = emit;
    if (!this.#splitter.push(bytes, this.#takeEvent)) this.providerError = EVENT_TOO_LONG;
  }

  readonly #takeEvent = (event: Buffer): void => {
    if (this.providerError !== undefined || this.terminated) return;
    const data = eventData(event);
    if (data === undefined) return;
    if (data === END_MARK) {
      this.terminated = true;
      return;
    }
    const object = parseObject(data);
    if (object === undefined) this.meter.chunksDropped++;
    else this.take(object, this.#emit);
  };

  /** One event of the stream; any member may be missing or of any type. */
  protected abstract take(event: JsonObject, emit: EmitDelta): void;
}
