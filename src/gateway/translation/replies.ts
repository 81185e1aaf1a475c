import { isObject, type JsonObject, objectAt, objectsAt, parseObject, stringAt } from "../json.ts";
import { chatId } from "../stream/anthropic-to-openai.ts";
import { readAnthropicUsage, readOpenAiUsage, writeAnthropicUsage, writeOpenAiUsage } from "../usage/raw-usage.ts";
import { anthropicStopReason, openAiFinishReason } from "./finish-reasons.ts";

/** An Anthropic message as a chat completion. @param created Unix seconds. */
export function messageToCompletion(message: JsonObject, created: number): JsonObject {
  const texts: string[] = [];
  const thoughts: string[] = [];
  const toolCalls: JsonObject[] = [];
  for (const block of objectsAt(message, "content")) {
    const type = stringAt(block, "type");
    if (type === "text") texts.push(stringAt(block, "text") ?? "");
    else if (type === "thinking") thoughts.push(stringAt(block, "thinking") ?? "");
    else if (type === "tool_use") {
      const call = { name: stringAt(block, "name") ?? "", arguments: JSON.stringify(block["input"] ?? {}) };
      toolCalls.push({ id: stringAt(block, "id") ?? "", type: "function", function: call });
    }
  }
  const text = texts.join("");
  const reply: JsonObject = {
    role: "assistant",
    content: text === "" && toolCalls.length > 0 ? null : text,
    refusal: null,
  };
  if (thoughts.length > 0) reply["reasoning_content"] = thoughts.join("");
  if (toolCalls.length > 0) reply["tool_calls"] = toolCalls;
  const finishReason = openAiFinishReason(stringAt(message, "stop_reason") ?? "end_turn");
  const usage = readAnthropicUsage(objectAt(message, "usage"));
  return {
    id: chatId(stringAt(message, "id")),
    object: "chat.completion",
    created,
    model: stringAt(message, "model") ?? "",
    choices: [{ index: 0, message: reply, logprobs: null, finish_reason: finishReason }],
    usage: usage === undefined ? undefined : writeOpenAiUsage(usage),
  };
}

/** A chat completion as an Anthropic message; its first choice. */
export function completionToMessage(completion: JsonObject, messageId: string): JsonObject {
  const choice = objectsAt(completion, "choices")[0] ?? {};
  const reply = objectAt(choice, "message");
  const content: JsonObject[] = [];
  const thinking = stringAt(reply, "reasoning_content") ?? stringAt(reply, "reasoning");
  if (thinking) content.push({ type: "thinking", thinking, signature: "" });
  const text = stringAt(reply, "content") ?? stringAt(reply, "refusal");
  if (text) content.push({ type: "text", text });
  for (const [index, call] of objectsAt(reply, "tool_calls").entries()) {
    const fn = objectAt(call, "function");
    const id = stringAt(call, "id") || `toolu_${messageId}_${index}`;
    // A model may write arguments that are no JSON; the client then sees what it wrote.
    const written = stringAt(fn, "arguments") ?? "";
    const input = written === "" ? {} : (parseObject(written) ?? { _unparsed: written });
    content.push({ type: "tool_use", id, name: stringAt(fn, "name") ?? "", input });
  }
  const usage = isObject(completion["usage"]) ? readOpenAiUsage(completion["usage"]) : undefined;
  const none = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };
  return {
    id: messageId,
    type: "message",
    role: "assistant",
    model: stringAt(completion, "model") ?? "",
    content,
    stop_reason: anthropicStopReason(stringAt(choice, "finish_reason") ?? "stop"),
    stop_sequence: null,
    usage: writeAnthropicUsage(usage ?? none),
  };
}
