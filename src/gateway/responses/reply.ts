import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from "../json.ts";
import { chatId } from "../stream/chat-sink.ts";
import { reasoningText } from "../translation/reasoning.ts";
import { readResponseUsage, writeOpenAiUsage } from "../usage/raw-usage.ts";
import { detailsOfItem } from "./reasoning-items.ts";

/** A whole response as a chat completion; undefined when it is none. @param created Unix seconds. */
export function responseToCompletion(response: JsonObject, created: number): JsonObject | undefined {
  if (!Array.isArray(response["output"])) return undefined;
  const output = objectsAt(response, "output");
  const texts: string[] = [];
  const refusals: string[] = [];
  const calls: JsonObject[] = [];
  const logprobs: unknown[] = [];
  for (const item of output) {
    for (const part of item["type"] === "message" ? objectsAt(item, "content") : []) {
      if (part["type"] === "output_text") texts.push(stringAt(part, "text") ?? "");
      if (part["type"] === "refusal") refusals.push(stringAt(part, "refusal") ?? "");
      if (Array.isArray(part["logprobs"])) logprobs.push(...(part["logprobs"] as unknown[]));
    }
    const call = callOfItem(item);
    if (call !== undefined) calls.push(call);
  }
  const details = output
    .filter((item) => item["type"] === "reasoning")
    .flatMap((item, index) => detailsOfItem(item, index));
  const text = texts.join("");
  const message: JsonObject = {
    role: "assistant",
    content: text === "" && calls.length > 0 ? null : text,
    refusal: refusals.length === 0 ? null : refusals.join(""),
  };
  const thought = reasoningText(details);
  if (thought !== "") message["reasoning_content"] = thought;
  if (details.length > 0) message["reasoning_details"] = details;
  if (calls.length > 0) message["tool_calls"] = calls;
  const usage = isObject(response["usage"]) ? readResponseUsage(response["usage"]) : undefined;
  const choice = {
    index: 0,
    message,
    logprobs: logprobs.length === 0 ? null : { content: logprobs, refusal: null },
    finish_reason: finishReasonOf(response, calls.length > 0),
  };
  return {
    id: chatId(stringAt(response, "id")),
    object: "chat.completion",
    created,
    model: stringAt(response, "model") ?? "",
    choices: [choice],
    usage: usage === undefined ? undefined : writeOpenAiUsage(usage),
  };
}

function callOfItem(item: JsonObject): JsonObject | undefined {
  const id = stringAt(item, "call_id") ?? "";
  const { name } = item;
  if (item["type"] === "function_call") {
    return { id, type: "function", function: { name, arguments: stringAt(item, "arguments") ?? "" } };
  }
  if (item["type"] !== "custom_tool_call") return undefined;
  return { id, type: "custom", custom: { name, input: stringAt(item, "input") ?? "" } };
}

/** Why a response ended, in the words of chat completions. */
export function finishReasonOf(response: JsonObject, calls: boolean): string {
  if (response["status"] === "incomplete") {
    return objectAt(response, "incomplete_details")["reason"] === "content_filter" ? "content_filter" : "length";
  }
  return calls ? "tool_calls" : "stop";
}
