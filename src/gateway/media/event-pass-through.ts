import { errorBody, type GatewayError } from "../errors.ts";
import { isObject, type JsonObject, parseObject, stringAt } from "../json.ts";
import { streamedError } from "../stream/converter.ts";
import { EventPassThrough } from "../stream/pass-events.ts";
import { eventData } from "../stream/sse-splitter.ts";
import { readMediaUsage } from "./media-usage.ts";

/** Marks in an event's bytes that make it worth parsing; pictures in partial events are long. */
const DONE = Buffer.from('.done"');
const COMPLETED = Buffer.from('.completed"');
const ERROR = Buffer.from('"error"');

/**
 * The events of OpenAI's media endpoints (`transcript.text.delta`, `image_generation.partial_image`,
 * `speech.audio.delta`, …): bytes pass unchanged, the last one is read for its usage. There is no `[DONE]`.
 */
export class MediaEventPassThrough extends EventPassThrough {
  #done = false;
  readonly #onDone: (event: JsonObject) => void;

  /** @param onDone Sees each last event (several pictures end one by one). */
  constructor(onDone: (event: JsonObject) => void) {
    super();
    this.#onDone = onDone;
  }

  /** There is no mark behind the last event: the connection's end is the stream's. */
  get finished(): boolean {
    return this.#done;
  }

  protected passes(event: Buffer): boolean {
    const telling = event.includes(DONE) || event.includes(COMPLETED) || event.includes(ERROR);
    if (!telling) {
      if (eventData(event) === undefined) return this.started; // A comment.
      this.started = true;
      this.meter.chunks++;
      return true;
    }
    const body = parseObject(eventData(event) ?? "");
    if (body === undefined) {
      this.meter.chunksDropped++;
      return false;
    }
    const type = stringAt(body, "type") ?? "";
    if (type === "error" || isObject(body["error"])) {
      this.providerError = streamedError(body);
      return false;
    }
    if (type.endsWith(".done") || type.endsWith(".completed")) {
      this.#done = true;
      this.meter.usage = readMediaUsage(body) ?? this.meter.usage;
      this.#onDone(body);
    }
    this.started = true;
    this.meter.chunks++;
    return true;
  }

  fail(error: GatewayError, requestId: string): string {
    const body = { type: "error", ...errorBody(error, "openai", requestId) };
    return `event: error\ndata: ${JSON.stringify(body)}\n\n`;
  }
}
