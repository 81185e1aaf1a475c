import { isObject, type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../../../json.ts";
import { STREAM_TOOL_CALLS_MAX } from "../../../limits.ts";
import { randomHex } from "../../../record.ts";
import {
  type ChunkSource,
  type EmitDelta,
  type ReasoningDetail,
  type StreamedProviderError,
  StreamMeter,
} from "../../../stream/converter.ts";
import { reasoningText } from "../../../translation/reasoning.ts";
import { type RawUsage, writeOpenAiUsage } from "../../../usage/raw-usage.ts";
import { countAt } from "../problem.ts";
import { FrameSplitter } from "./event-stream.ts";
import { statusOfException } from "./problem.ts";

const CLAUDE_REASONING = "anthropic-claude-v1";

/** `stopReason` (API reference, "Converse") in OpenAI's words. */
function bedrockFinishReason(reason: string): string {
  switch (reason) {
    case "tool_use":
      return "tool_calls";
    case "max_tokens":
    case "model_context_window_exceeded":
      return "length";
    case "guardrail_intervened":
    case "content_filtered":
      return "content_filter";
    default: // end_turn, stop_sequence
      return "stop";
  }
}

/** Token counts of a `TokenUsage`; its input leaves cached tokens out. */
function readUsage(usage: JsonObject): RawUsage | undefined {
  if (numberAt(usage, "inputTokens") === undefined && numberAt(usage, "outputTokens") === undefined) return undefined;
  const cacheReadTokens = countAt(usage, "cacheReadInputTokens");
  const cacheWriteTokens = countAt(usage, "cacheWriteInputTokens");
  return {
    inputTokens: countAt(usage, "inputTokens") + cacheReadTokens + cacheWriteTokens,
    outputTokens: countAt(usage, "outputTokens"),
    cacheReadTokens,
    cacheWriteTokens,
    reasoningTokens: 0,
  };
}

/** A whole Converse reply as a chat completion; it names neither itself nor its model. @param created Unix seconds. */
export function bedrockCompletion(reply: JsonObject, created: number, model: string): JsonObject | undefined {
  const message = objectAt(objectAt(reply, "output"), "message");
  if (!Array.isArray(message["content"])) return undefined;
  const texts: string[] = [];
  const calls: JsonObject[] = [];
  const details: ReasoningDetail[] = [];
  for (const block of objectsAt(message, "content")) {
    const text = stringAt(block, "text");
    if (text !== undefined) texts.push(text);
    if (isObject(block["toolUse"])) calls.push(writtenCall(block["toolUse"]));
    if (isObject(block["reasoningContent"])) details.push(...readThought(block["reasoningContent"], details.length));
  }
  const text = texts.join("");
  const written: JsonObject = {
    role: "assistant",
    content: text === "" && calls.length > 0 ? null : text,
    refusal: null,
  };
  if (details.length > 0) {
    written["reasoning_content"] = reasoningText(details);
    written["reasoning_details"] = details;
  }
  if (calls.length > 0) written["tool_calls"] = calls;
  const reason = bedrockFinishReason(stringAt(reply, "stopReason") ?? "end_turn");
  const usage = readUsage(objectAt(reply, "usage"));
  return {
    id: `chatcmpl-${randomHex(12)}`,
    object: "chat.completion",
    created,
    model,
    choices: [{ index: 0, message: written, logprobs: null, finish_reason: reason }],
    usage: usage === undefined ? undefined : writeOpenAiUsage(usage),
  };
}

function writtenCall(use: JsonObject): JsonObject {
  const fn = { name: stringAt(use, "name") ?? "", arguments: JSON.stringify(use["input"] ?? {}) };
  return { id: stringAt(use, "toolUseId") ?? "", type: "function", function: fn };
}

function readThought(content: JsonObject, index: number): ReasoningDetail[] {
  const redacted = stringAt(content, "redactedContent");
  if (redacted !== undefined) return [{ type: "reasoning.encrypted", data: redacted, format: CLAUDE_REASONING, index }];
  const { text, signature } = objectAt(content, "reasoningText");
  if (typeof text !== "string") return [];
  const signed = typeof signature === "string" && signature !== "" ? { signature } : {};
  return [{ type: "reasoning.text", text, ...signed, format: CLAUDE_REASONING, index }];
}

/** Reads the frames of ConverseStream (API reference, "ConverseStream"). */
export class BedrockSource implements ChunkSource {
  readonly meter = new StreamMeter();
  terminated = false;
  providerError: StreamedProviderError | undefined;
  readonly #frames = new FrameSplitter();
  /** Bedrock's block index → OpenAI's tool call index. */
  readonly #calls = new Map<number, number>();

  constructor(model: string) {
    this.meter.model = model;
    this.meter.responseId = randomHex(12);
  }

  get unreadText(): string {
    return this.#frames.restText;
  }

  push(bytes: Buffer, emit: EmitDelta): void {
    const broken = this.#frames.push(bytes, (frame) => {
      if (this.providerError !== undefined || this.terminated) return;
      if (frame.kind === "event") this.#take(frame.type, frame.body, emit);
      else {
        const message = stringAt(frame.body, "message") ?? frame.message ?? `exception ${frame.type}`;
        this.providerError = { message, type: frame.type, code: String(statusOfException(frame.type) ?? 502) };
      }
    });
    if (broken !== undefined && this.providerError === undefined) {
      this.providerError = { message: broken, type: undefined, code: "502" };
    }
  }

  #take(type: string, event: JsonObject, emit: EmitDelta): void {
    switch (type) {
      case "contentBlockStart":
        this.#startBlock(numberAt(event, "contentBlockIndex") ?? 0, objectAt(event, "start"), emit);
        break;
      case "contentBlockDelta":
        this.#takeDelta(numberAt(event, "contentBlockIndex") ?? 0, objectAt(event, "delta"), emit);
        break;
      case "messageStop":
        emit({}, bedrockFinishReason(stringAt(event, "stopReason") ?? "end_turn"));
        break;
      case "metadata": // The last event.
        this.meter.usage = readUsage(objectAt(event, "usage")) ?? this.meter.usage;
        this.terminated = true;
    }
  }

  #startBlock(block: number, start: JsonObject, emit: EmitDelta): void {
    const use = start["toolUse"];
    if (!isObject(use)) return;
    if (this.#calls.size >= STREAM_TOOL_CALLS_MAX) {
      this.providerError = { message: "too many tool calls in one stream", type: undefined, code: "502" };
      return;
    }
    const index = this.#calls.size;
    this.#calls.set(block, index);
    const id = stringAt(use, "toolUseId") ?? "";
    emit({ toolCalls: [{ index, id, name: stringAt(use, "name") ?? "" }] });
  }

  #takeDelta(block: number, delta: JsonObject, emit: EmitDelta): void {
    const text = stringAt(delta, "text");
    if (text !== undefined && text !== "") emit({ content: text });
    const call = this.#calls.get(block);
    const input = stringAt(objectAt(delta, "toolUse"), "input");
    if (call !== undefined && input) emit({ toolCalls: [{ index: call, arguments: input }] });
    if (!isObject(delta["reasoningContent"])) return;
    const { text: thought, signature, redactedContent } = delta["reasoningContent"];
    const common = { format: CLAUDE_REASONING, index: block };
    if (typeof thought === "string") emit({ reasoning: [{ type: "reasoning.text", text: thought, ...common }] });
    if (typeof signature === "string") emit({ reasoning: [{ type: "reasoning.text", signature, ...common }] });
    if (typeof redactedContent === "string") {
      emit({ reasoning: [{ type: "reasoning.encrypted", data: redactedContent, ...common }] });
    }
  }
}
