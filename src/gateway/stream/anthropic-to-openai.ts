import type { GatewayError } from "../errors.ts";
import { type JsonObject, numberAt, objectAt, parseObject, stringAt } from "../json.ts";
import { openAiFinishReason } from "../translation/finish-reasons.ts";
import { readAnthropicUsage, writeOpenAiUsage } from "../usage/raw-usage.ts";
import { anthropicDeltaChars } from "./anthropic-pass-through.ts";
import {
  EVENT_TOO_LONG,
  type StreamConverter,
  type StreamedProviderError,
  StreamMeter,
  streamedError,
} from "./converter.ts";
import { openAiStreamError } from "./openai-pass-through.ts";
import { eventData, SseSplitter } from "./sse-splitter.ts";

/** Anthropic stream to OpenAI client. Rules: docs/translation.md. */
export class AnthropicToOpenAi implements StreamConverter {
  readonly meter = new StreamMeter();
  started = false;
  terminated = false;
  providerError: StreamedProviderError | undefined;
  readonly #splitter = new SseSplitter();
  readonly #usageWanted: boolean;
  readonly #created: number;
  /** Anthropic's block index → OpenAI's tool call index. */
  readonly #toolIndexes = new Map<number, number>();
  #out = "";

  /** @param created Unix seconds, the same in every chunk. */
  constructor(usageWanted: boolean, created: number) {
    this.#usageWanted = usageWanted;
    this.#created = created;
  }

  get finished(): boolean {
    return this.terminated || this.meter.finishReason !== undefined;
  }

  get unreadText(): string {
    return this.#splitter.restText;
  }

  push(chunk: Buffer): string {
    this.#out = "";
    const sane = this.#splitter.push(chunk, (bytes) => {
      if (this.providerError !== undefined || this.terminated) return;
      const data = eventData(bytes);
      if (data === undefined) return;
      const event = parseObject(data);
      if (event === undefined) this.meter.chunksDropped++;
      else this.#take(event);
    });
    if (!sane) this.providerError = EVENT_TOO_LONG;
    return this.#out;
  }

  #take(event: JsonObject): void {
    switch (stringAt(event, "type")) {
      case "error":
        this.providerError = streamedError(event);
        break;
      case "message_start": {
        const message = objectAt(event, "message");
        this.meter.responseId = stringAt(message, "id");
        this.meter.model = stringAt(message, "model");
        this.meter.usage = readAnthropicUsage(objectAt(message, "usage"));
        this.#write({ role: "assistant", content: "" }, null);
        break;
      }
      case "content_block_start":
        this.#startBlock(numberAt(event, "index") ?? 0, objectAt(event, "content_block"));
        break;
      case "content_block_delta":
        this.#takeDelta(numberAt(event, "index") ?? 0, objectAt(event, "delta"));
        break;
      case "message_delta": {
        const stopReason = stringAt(objectAt(event, "delta"), "stop_reason");
        this.meter.usage = readAnthropicUsage(objectAt(event, "usage"), this.meter.usage);
        if (stopReason === undefined) break;
        this.started = true;
        this.meter.finishReason = openAiFinishReason(stopReason);
        this.#write({}, this.meter.finishReason);
        break;
      }
      case "message_stop":
        this.terminated = true;
    }
  }

  #startBlock(index: number, block: JsonObject): void {
    if (stringAt(block, "type") !== "tool_use") return;
    const toolIndex = this.#toolIndexes.size;
    this.#toolIndexes.set(index, toolIndex);
    this.started = true;
    const name = stringAt(block, "name") ?? "";
    this.meter.outputChars += name.length;
    const call = {
      index: toolIndex,
      id: stringAt(block, "id") ?? "",
      type: "function",
      function: { name, arguments: "" },
    };
    this.#write({ tool_calls: [call] }, null);
  }

  #takeDelta(index: number, delta: JsonObject): void {
    this.meter.outputChars += anthropicDeltaChars(delta);
    const text = stringAt(delta, "text");
    const thinking = stringAt(delta, "thinking");
    const argumentsPiece = stringAt(delta, "partial_json");
    const toolIndex = this.#toolIndexes.get(index);
    if (text !== undefined) this.#write({ content: text }, null);
    else if (thinking !== undefined) this.#write({ reasoning_content: thinking }, null);
    else if (argumentsPiece !== undefined && toolIndex !== undefined) {
      this.#write({ tool_calls: [{ index: toolIndex, function: { arguments: argumentsPiece } }] }, null);
    } else return; // signature_delta and citations have no place in OpenAI's format.
    this.started = true;
  }

  #write(delta: JsonObject, finishReason: string | null): void {
    this.#writeChunk(
      [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
      this.#usageWanted ? null : undefined,
    );
  }

  #writeChunk(choices: readonly JsonObject[], usage: JsonObject | null | undefined): void {
    this.meter.chunks++;
    const { responseId, model } = this.meter;
    const chunk = {
      id: chatId(responseId),
      object: "chat.completion.chunk",
      created: this.#created,
      model,
      choices,
      usage,
    };
    this.#out += `data: ${JSON.stringify(chunk)}\n\n`;
  }

  end(): string {
    this.#out = "";
    if (this.#usageWanted && this.meter.usage !== undefined) this.#writeChunk([], writeOpenAiUsage(this.meter.usage));
    return `${this.#out}data: [DONE]\n\n`;
  }

  fail(error: GatewayError, requestId: string): string {
    return openAiStreamError(error, requestId);
  }
}

/** An id as OpenAI's clients expect it, made from Anthropic's. */
export function chatId(messageId: string | undefined): string {
  return `chatcmpl-${(messageId ?? "unknown").replace(/^msg_/, "")}`;
}
