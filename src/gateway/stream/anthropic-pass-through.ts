import { errorBody, type GatewayError } from "../errors.ts";
import { type JsonObject, objectAt, parseObject, stringAt } from "../json.ts";
import { openAiFinishReason } from "../translation/finish-reasons.ts";
import { readAnthropicUsage } from "../usage/raw-usage.ts";
import { streamedError } from "./converter.ts";
import { EventPassThrough } from "./pass-events.ts";
import { eventData } from "./sse-splitter.ts";

const DELTA = Buffer.from('"content_block_delta"');

/** Anthropic stream to Anthropic client: bytes pass unchanged, a scanner reads what accounting needs. */
export class AnthropicPassThrough extends EventPassThrough {
  #envelopeBytes = 0;

  get finished(): boolean {
    return this.terminated || this.meter.finishReason !== undefined;
  }

  protected passes(bytes: Buffer): boolean {
    if (this.started && bytes.includes(DELTA)) {
      this.meter.chunks++;
      this.meter.outputChars += Math.max(0, bytes.length - this.#envelopeBytes);
      return true;
    }
    const data = eventData(bytes);
    if (data === undefined) return this.started;
    const event = parseObject(data);
    if (event === undefined) {
      this.meter.chunksDropped++;
      return false;
    }
    if (stringAt(event, "type") === "error") {
      this.providerError = streamedError(event);
      return false;
    }
    this.#meterEvent(event, bytes.length);
    this.meter.chunks++;
    return true;
  }

  #meterEvent(event: JsonObject, eventBytes: number): void {
    const { meter } = this;
    switch (stringAt(event, "type")) {
      case "message_start": {
        const message = objectAt(event, "message");
        meter.responseId = stringAt(message, "id");
        meter.model = stringAt(message, "model");
        meter.usage = readAnthropicUsage(objectAt(message, "usage"));
        break;
      }
      case "content_block_start": {
        if (stringAt(objectAt(event, "content_block"), "type") !== "text") this.started = true;
        break;
      }
      case "content_block_delta": {
        const chars = anthropicDeltaChars(objectAt(event, "delta"));
        meter.outputChars += chars;
        this.#envelopeBytes = eventBytes - chars;
        this.started = true;
        break;
      }
      case "message_delta": {
        const stopReason = stringAt(objectAt(event, "delta"), "stop_reason");
        if (stopReason !== undefined) meter.finishReason = openAiFinishReason(stopReason);
        meter.usage = readAnthropicUsage(objectAt(event, "usage"), meter.usage);
        this.started = true;
        break;
      }
      case "message_stop":
        this.terminated = true;
    }
  }

  fail(error: GatewayError, requestId: string): string {
    return anthropicStreamError(error, requestId);
  }
}

/** The `error` event that ends a broken stream for an Anthropic client. */
export function anthropicStreamError(error: GatewayError, requestId: string): string {
  return `event: error\ndata: ${JSON.stringify(errorBody(error, "anthropic", requestId))}\n\n`;
}

/** Characters of everything in a `content_block_delta` that a model produced. */
function anthropicDeltaChars(delta: JsonObject): number {
  return (stringAt(delta, "text") ?? stringAt(delta, "partial_json") ?? stringAt(delta, "thinking") ?? "").length;
}

/** Characters of a whole content block that a model produced. */
export function anthropicContentChars(block: JsonObject): number {
  const input = block["input"] === undefined ? 0 : JSON.stringify(block["input"]).length;
  return (stringAt(block, "text") ?? stringAt(block, "thinking") ?? "").length + input;
}
