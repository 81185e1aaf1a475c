import type { GatewayError } from "../errors.ts";
import { isObject, type JsonObject, numberAt, objectAt, objectsAt, parseObject, stringAt } from "../json.ts";
import { PENDING_ARGUMENT_CHARS_MAX, STREAM_TOOL_CALLS_MAX } from "../limits.ts";
import { anthropicStopReason } from "../translation/finish-reasons.ts";
import { type RawUsage, readOpenAiUsage, writeAnthropicUsage } from "../usage/raw-usage.ts";
import { anthropicStreamError } from "./anthropic-pass-through.ts";
import {
  EVENT_TOO_LONG,
  type StreamConverter,
  type StreamedProviderError,
  StreamMeter,
  streamedError,
} from "./converter.ts";
import { deltaChars } from "./openai-pass-through.ts";
import { eventData, SseSplitter } from "./sse-splitter.ts";

interface ToolCall {
  id: string;
  name: string;
  /** Arguments that came while another block was open. */
  pending: string;
  state: "waiting" | "open" | "closed";
}

/**
 * OpenAI stream to Anthropic client. Anthropic has one open block at a time, OpenAI may interleave parallel tool
 * calls: what belongs to a later call waits until the one before is closed. Rules: docs/translation.md.
 */
export class OpenAiToAnthropic implements StreamConverter {
  readonly meter = new StreamMeter();
  started = false;
  terminated = false;
  providerError: StreamedProviderError | undefined;
  readonly #splitter = new SseSplitter();
  /** Shown in `message_start`, before the provider has counted. */
  readonly #inputTokensEstimate: number;
  readonly #messageId: string;
  readonly #toolCalls = new Map<number, ToolCall>();
  #pendingChars = 0;
  /** Text that came after a tool call had been opened. */
  #lateText = "";
  #openBlock: "none" | "text" | "thinking" | number = "none";
  #blockIndex = -1;
  #messageStarted = false;
  #out = "";

  constructor(messageId: string, inputTokensEstimate: number) {
    this.#messageId = messageId;
    this.#inputTokensEstimate = inputTokensEstimate;
  }

  get finished(): boolean {
    return this.terminated || this.meter.finishReason !== undefined;
  }

  get unreadText(): string {
    return this.#splitter.restText;
  }

  push(bytes: Buffer): string {
    this.#out = "";
    const sane = this.#splitter.push(bytes, (event) => {
      if (this.providerError !== undefined || this.terminated) return;
      const data = eventData(event);
      if (data === undefined) return;
      if (data === "[DONE]") {
        this.terminated = true;
        return;
      }
      const chunk = parseObject(data);
      if (chunk === undefined) this.meter.chunksDropped++;
      else if (chunk["error"] !== undefined && chunk["error"] !== null) this.providerError = streamedError(chunk);
      else this.#take(chunk);
    });
    if (!sane) this.providerError = EVENT_TOO_LONG;
    return this.#out;
  }

  #take(chunk: JsonObject): void {
    const { meter } = this;
    meter.responseId ??= stringAt(chunk, "id");
    meter.model ??= stringAt(chunk, "model");
    meter.chunks++;
    if (isObject(chunk["usage"])) meter.usage = readOpenAiUsage(chunk["usage"]) ?? meter.usage;
    const choice = objectsAt(chunk, "choices").find((candidate) => (numberAt(candidate, "index") ?? 0) === 0);
    if (choice === undefined) return;
    this.#startMessage();
    const delta = objectAt(choice, "delta");
    meter.outputChars += deltaChars(delta);
    this.#takeText("thinking", stringAt(delta, "reasoning_content") ?? stringAt(delta, "reasoning"));
    this.#takeText("text", stringAt(delta, "content") ?? stringAt(delta, "refusal"));
    for (const call of objectsAt(delta, "tool_calls")) this.#takeToolCall(call);
    const finishReason = stringAt(choice, "finish_reason");
    if (finishReason === undefined) return;
    meter.finishReason = finishReason;
    this.started = true;
  }

  #startMessage(): void {
    if (this.#messageStarted) return;
    this.#messageStarted = true;
    const usage = { ...writeAnthropicUsage(emptyUsage(this.#inputTokensEstimate)), output_tokens: 1 };
    this.#write("message_start", {
      message: {
        id: this.#messageId,
        type: "message",
        role: "assistant",
        model: this.meter.model ?? "",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage,
      },
    });
  }

  #takeText(kind: "text" | "thinking", text: string | undefined): void {
    if (text === undefined || text === "") return;
    if (typeof this.#openBlock === "number") {
      // Closing the call now would lose arguments that are still to come; late thinking has no reader.
      if (kind === "text" && this.#reservePending(text)) this.#lateText += text;
      return;
    }
    if (this.#openBlock !== kind) {
      this.#closeBlock();
      const block = kind === "text" ? { type: "text", text: "" } : { type: "thinking", thinking: "", signature: "" };
      this.#open(kind, block);
    }
    this.#delta(kind === "text" ? { type: "text_delta", text } : { type: "thinking_delta", thinking: text });
  }

  #takeToolCall(piece: JsonObject): void {
    const index = numberAt(piece, "index") ?? 0;
    const fn = objectAt(piece, "function");
    let call = this.#toolCalls.get(index);
    if (call === undefined) {
      if (this.#toolCalls.size >= STREAM_TOOL_CALLS_MAX) {
        this.providerError = { message: "too many tool calls in one stream", type: undefined, code: undefined };
        return;
      }
      call = { id: "", name: "", pending: "", state: "waiting" };
      this.#toolCalls.set(index, call);
    }
    call.id ||= stringAt(piece, "id") ?? "";
    call.name ||= stringAt(fn, "name") ?? "";
    const argumentsPiece = stringAt(fn, "arguments") ?? "";
    if (call.state === "open") {
      if (argumentsPiece !== "") this.#delta({ type: "input_json_delta", partial_json: argumentsPiece });
      return;
    }
    if (!this.#reservePending(argumentsPiece)) return;
    call.pending += argumentsPiece;
    // The first call opens at once; later ones wait for the end, since OpenAI never says that a call is complete.
    if (call.state === "waiting" && call.name !== "" && typeof this.#openBlock !== "number")
      this.#openToolCall(index, call);
  }

  #reservePending(text: string): boolean {
    this.#pendingChars += text.length;
    if (this.#pendingChars <= PENDING_ARGUMENT_CHARS_MAX) return true;
    this.providerError = { message: "interleaved tool arguments are too long", type: undefined, code: undefined };
    return false;
  }

  #openToolCall(index: number, call: ToolCall): void {
    this.#closeBlock();
    call.state = "open";
    this.#open(index, {
      type: "tool_use",
      id: call.id || `toolu_${this.#messageId}_${index}`,
      name: call.name,
      input: {},
    });
    if (call.pending !== "") this.#delta({ type: "input_json_delta", partial_json: call.pending });
    this.#pendingChars -= call.pending.length;
    call.pending = "";
  }

  #open(kind: "text" | "thinking" | number, block: JsonObject): void {
    this.started = true;
    this.#openBlock = kind;
    this.#blockIndex++;
    this.#write("content_block_start", { index: this.#blockIndex, content_block: block });
  }

  #delta(delta: JsonObject): void {
    this.#write("content_block_delta", { index: this.#blockIndex, delta });
  }

  #closeBlock(): void {
    if (this.#openBlock === "none") return;
    if (typeof this.#openBlock === "number") this.#toolCalls.get(this.#openBlock)!.state = "closed";
    this.#openBlock = "none";
    this.#write("content_block_stop", { index: this.#blockIndex });
  }

  #write(type: string, members: JsonObject): void {
    this.#out += `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
  }

  end(): string {
    this.#out = "";
    this.#startMessage();
    for (const [index, call] of this.#toolCalls)
      if (call.state === "waiting" && call.name !== "") this.#openToolCall(index, call);
    this.#closeBlock();
    this.#takeText("text", this.#lateText);
    this.#closeBlock();
    const { finishReason, usage, outputChars } = this.meter;
    const counts = usage ?? emptyUsage(this.#inputTokensEstimate, Math.ceil(outputChars / 4));
    this.#write("message_delta", {
      delta: { stop_reason: anthropicStopReason(finishReason ?? "stop"), stop_sequence: null },
      usage: writeAnthropicUsage(counts),
    });
    this.#write("message_stop", {});
    return this.#out;
  }

  fail(error: GatewayError, requestId: string): string {
    return anthropicStreamError(error, requestId);
  }
}

function emptyUsage(inputTokens: number, outputTokens = 0): RawUsage {
  return { inputTokens, outputTokens, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };
}
