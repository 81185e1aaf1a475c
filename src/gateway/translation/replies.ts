import { isObject, type JsonObject, objectAt, objectsAt, parseObject, stringAt } from "../json.ts";
import { chatId } from "../stream/chat-sink.ts";
import { readAnthropicUsage, readOpenAiUsage, writeAnthropicUsage, writeOpenAiUsage } from "../usage/raw-usage.ts";
import { anthropicStopReason, openAiFinishReason } from "./finish-reasons.ts";
import { blocksForAnthropic, blocksForClient, detailsOfBlock, reasoningOf, reasoningText } from "./reasoning.ts";

/** An Anthropic message as a chat completion. @param created Unix seconds. */
export function messageToCompletion(message: JsonObject, created: number): JsonObject {
  const blocks = objectsAt(message, "content");
  const texts: string[] = [];
  const toolCalls: JsonObject[] = [];
  for (const block of blocks) {
    const type = stringAt(block, "type");
    if (type === "text") texts.push(stringAt(block, "text") ?? "");
    else if (type === "tool_use") {
      const call = { name: stringAt(block, "name") ?? "", arguments: JSON.stringify(block["input"] ?? {}) };
      toolCalls.push({ id: stringAt(block, "id") ?? "", type: "function", function: call });
    }
  }
  const text = texts.join("");
  const reply: JsonObject = {
    role: "assistant",
    content: text === "" && toolCalls.length > 0 ? null : text,
    refusal: stringAt(objectAt(message, "stop_details"), "explanation") ?? null,
  };
  const details = blocks.flatMap((block, index) => detailsOfBlock(block, index));
  if (details.length > 0) {
    const thought = reasoningText(details);
    if (thought !== "") reply["reasoning_content"] = thought;
    reply["reasoning_details"] = details;
    const signed = blocksForAnthropic(details);
    if (signed.length > 0) reply["thinking_blocks"] = signed; // As LiteLLM's clients send it back.
  }
  if (toolCalls.length > 0) reply["tool_calls"] = toolCalls;
  const choice: JsonObject = {
    index: 0,
    message: reply,
    logprobs: null,
    finish_reason: openAiFinishReason(stringAt(message, "stop_reason") ?? "end_turn"),
  };
  const stopSequence = stringAt(message, "stop_sequence");
  if (stopSequence !== undefined) choice["stop_reason"] = stopSequence; // vLLM's word for it.
  const usage = readAnthropicUsage(objectAt(message, "usage"));
  return {
    id: chatId(stringAt(message, "id")),
    object: "chat.completion",
    created,
    model: stringAt(message, "model") ?? "",
    choices: [choice],
    usage: usage === undefined ? undefined : writeOpenAiUsage(usage),
  };
}

/** A chat completion as an Anthropic message; its first choice. @param inputTokens Estimate for a reply without usage. */
export function completionToMessage(completion: JsonObject, messageId: string, inputTokens = 0): JsonObject {
  const choice = objectsAt(completion, "choices")[0] ?? {};
  const reply = objectAt(choice, "message");
  const { details, text: thought } = reasoningOf(reply);
  const content: JsonObject[] =
    thought === undefined ? blocksForClient(details) : [{ type: "thinking", thinking: thought, signature: "" }];
  const text = textOf(reply["content"]);
  const refusal = stringAt(reply, "refusal") ?? "";
  for (const shown of [text, refusal]) if (shown !== "") content.push({ type: "text", text: shown });
  for (const [index, call] of objectsAt(reply, "tool_calls").entries()) {
    const fn = objectAt(call, "function");
    const id = stringAt(call, "id") || `toolu_${messageId}_${index}`;
    content.push({ type: "tool_use", id, name: stringAt(fn, "name") ?? "", input: inputOf(fn["arguments"]) });
  }
  const usage = isObject(completion["usage"]) ? readOpenAiUsage(completion["usage"]) : undefined;
  const none = { inputTokens, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };
  const stopSequence = stringAt(choice, "stop_reason");
  const reason = anthropicStopReason(stringAt(choice, "finish_reason") ?? "stop", refusal !== "", stopSequence);
  return {
    id: messageId,
    type: "message",
    role: "assistant",
    model: stringAt(completion, "model") ?? "",
    content,
    stop_reason: reason,
    stop_sequence: reason === "stop_sequence" ? stopSequence : null,
    usage: writeAnthropicUsage(usage ?? none),
  };
}

/** A text, or the texts of an array of parts (Mistral's thinking models). */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part) => (isObject(part) && part["type"] === "text" ? (stringAt(part, "text") ?? "") : ""))
    .join("");
}

/** A model may write arguments that are no JSON object; the client then sees what it wrote. */
function inputOf(written: unknown): JsonObject {
  if (isObject(written)) return written;
  if (typeof written !== "string" || written.trim() === "") return {};
  return parseObject(written) ?? { _unparsed: written };
}
