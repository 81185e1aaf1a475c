import { isObject, type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../../../json.ts";
import { STREAM_TOOL_CALLS_MAX } from "../../../limits.ts";
import { chatId } from "../../../stream/chat-sink.ts";
import type { EmitDelta } from "../../../stream/converter.ts";
import { SseSource } from "../../../stream/sse-source.ts";
import { type RawUsage, writeOpenAiUsage } from "../../../usage/raw-usage.ts";

/** `finish_reason` of Cohere's v2 in OpenAI's words. */
function finishReasonOf(reason: string): string {
  switch (reason) {
    case "MAX_TOKENS":
      return "length";
    case "TOOL_CALL":
      return "tool_calls";
    case "ERROR_TOXIC":
      return "content_filter";
    default: // COMPLETE, STOP_SEQUENCE
      return "stop";
  }
}

/** Counts of a `usage` object: what is billed, which leaves out what Cohere itself wraps around a prompt. */
function readUsage(usage: JsonObject): RawUsage | undefined {
  const billed = objectAt(usage, "billed_units");
  const tokens = objectAt(usage, "tokens");
  const inputTokens = numberAt(billed, "input_tokens") ?? numberAt(tokens, "input_tokens");
  const outputTokens = numberAt(billed, "output_tokens") ?? numberAt(tokens, "output_tokens");
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const cacheReadTokens = Math.min(inputTokens ?? 0, numberAt(usage, "cached_tokens") ?? 0);
  return {
    ...{ inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0 },
    ...{ cacheReadTokens, cacheWriteTokens: 0, reasoningTokens: 0 },
  };
}

/** A whole reply of `/v2/chat` as a chat completion. @param created Unix seconds. */
export function cohereCompletion(reply: JsonObject, created: number, model: string): JsonObject | undefined {
  if (!isObject(reply["message"]) || stringAt(reply, "finish_reason") === undefined) return undefined;
  const { message } = reply;
  const parts = objectsAt(message, "content");
  const text = parts.map((part) => stringAt(part, "text") ?? "").join("");
  const plan = stringAt(message, "tool_plan") ?? "";
  const thought = parts.map((part) => stringAt(part, "thinking") ?? "").join("") + plan;
  const calls = objectsAt(message, "tool_calls").map((call) => ({ type: "function", ...call }));
  const written: JsonObject = {
    role: "assistant",
    content: text === "" && calls.length > 0 ? null : text,
    refusal: null,
  };
  if (thought !== "") written["reasoning_content"] = thought;
  if (calls.length > 0) written["tool_calls"] = calls;
  if (Array.isArray(message["citations"])) written["citations"] = message["citations"];
  const reason = finishReasonOf(stringAt(reply, "finish_reason")!);
  const usage = readUsage(objectAt(reply, "usage"));
  return {
    id: chatId(stringAt(reply, "id")),
    object: "chat.completion",
    created,
    model,
    choices: [{ index: 0, message: written, logprobs: null, finish_reason: reason }],
    usage: usage === undefined ? undefined : writeOpenAiUsage(usage),
  };
}

/** A reply that ended in an error of Cohere's has a finish reason instead of a status; sets `error`. */
export function exposeCohereFailure(reply: JsonObject): boolean {
  const reason = stringAt(reply, "finish_reason");
  if (reason === "ERROR") reply["error"] = { message: "the model failed", code: 502 };
  if (reason === "TIMEOUT") reply["error"] = { message: "the model took too long", code: 504 };
  return reply["error"] !== undefined;
}

/** Reads the events of `/v2/chat` with `stream: true` (API reference, "Streaming"). */
export class CohereSource extends SseSource {
  #calls = 0;

  constructor(model: string) {
    super();
    this.meter.model = model;
  }

  protected override take(event: JsonObject, emit: EmitDelta): void {
    const delta = objectAt(event, "delta");
    const message = objectAt(delta, "message");
    switch (stringAt(event, "type")) {
      case "message-start":
        this.meter.responseId = stringAt(event, "id");
        break;
      case "content-delta":
        this.#takeContent(objectAt(message, "content"), emit);
        break;
      case "tool-plan-delta": {
        const plan = stringAt(message, "tool_plan");
        if (plan) emit({ reasoningText: plan });
        break;
      }
      case "tool-call-start":
        this.#startCall(objectAt(message, "tool_calls"), emit);
        break;
      case "tool-call-delta": {
        const args = stringAt(objectAt(objectAt(message, "tool_calls"), "function"), "arguments");
        if (args && this.#calls > 0) emit({ toolCalls: [{ index: this.#calls - 1, arguments: args }] });
        break;
      }
      case "message-end":
        this.#end(delta, emit);
    }
  }

  #takeContent(content: JsonObject, emit: EmitDelta): void {
    const text = stringAt(content, "text");
    const thinking = stringAt(content, "thinking");
    if (text) emit({ content: text });
    if (thinking) emit({ reasoningText: thinking });
  }

  #startCall(call: JsonObject, emit: EmitDelta): void {
    if (this.#calls >= STREAM_TOOL_CALLS_MAX) {
      this.providerError = { message: "too many tool calls in one stream", type: undefined, code: "502" };
      return;
    }
    const fn = objectAt(call, "function");
    const args = stringAt(fn, "arguments");
    const begun = { index: this.#calls++, id: stringAt(call, "id") ?? "", name: stringAt(fn, "name") ?? "" };
    emit({ toolCalls: [args ? { ...begun, arguments: args } : begun] });
  }

  #end(delta: JsonObject, emit: EmitDelta): void {
    const reason = stringAt(delta, "finish_reason") ?? "COMPLETE";
    this.meter.usage = readUsage(objectAt(delta, "usage")) ?? this.meter.usage;
    if (reason === "ERROR" || reason === "TIMEOUT") {
      const code = reason === "TIMEOUT" ? "504" : "502";
      this.providerError = { message: stringAt(delta, "error") ?? "the model failed", type: undefined, code };
      return;
    }
    emit({}, finishReasonOf(reason));
    this.terminated = true;
  }
}
