import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from "../json.ts";
import { type RawUsage, readOpenAiUsage } from "../usage/raw-usage.ts";

/** What stays the same in every state of one response. */
export interface ResponseHead {
  readonly id: string;
  /** Unix seconds. */
  readonly createdAt: number;
  readonly request: JsonObject;
}

type Status = "in_progress" | "completed" | "incomplete" | "failed";

/** A Response object (OpenAI API reference, "The response object"). */
export function responseObject(
  { id, createdAt, request }: ResponseHead,
  status: Status,
  model: string,
  output: readonly JsonObject[],
  usage: JsonObject | null,
  reason: string | null,
): JsonObject {
  const asked = (name: string, missing: unknown): unknown => request[name] ?? missing;
  return {
    id,
    object: "response",
    created_at: createdAt,
    status,
    background: false,
    error: null,
    incomplete_details: reason === null ? null : { reason },
    instructions: asked("instructions", null),
    max_output_tokens: asked("max_output_tokens", null),
    model,
    output,
    parallel_tool_calls: asked("parallel_tool_calls", true),
    previous_response_id: asked("previous_response_id", null),
    reasoning: { effort: objectAt(request, "reasoning")["effort"] ?? null, summary: null },
    store: asked("store", true),
    temperature: asked("temperature", 1),
    text: { format: { type: "text" }, ...objectAt(request, "text") },
    tool_choice: asked("tool_choice", "auto"),
    tools: asked("tools", []),
    top_p: asked("top_p", 1),
    truncation: "disabled",
    usage,
    user: asked("user", null),
    metadata: asked("metadata", {}),
  };
}

/** How a chat's finish reason reads in a response: its status, and why it is incomplete. */
export function endOf(finishReason: string | undefined): { status: Status; reason: string | null } {
  if (finishReason === "length") return { status: "incomplete", reason: "max_output_tokens" };
  if (finishReason === "content_filter") return { status: "incomplete", reason: "content_filter" };
  return { status: "completed", reason: null };
}

/** `usage` of a response. */
export function writeResponseUsage(usage: RawUsage): JsonObject {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cacheReadTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

export function messageItem(id: string, text: string, refusal: string, status: string): JsonObject {
  const content = text === "" && refusal === "" ? [] : [contentPart(text, refusal)];
  return { id, type: "message", status, role: "assistant", content };
}

export function contentPart(text: string, refusal: string): JsonObject {
  if (refusal !== "") return { type: "refusal", refusal };
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

export function reasoningItem(id: string, text: string): JsonObject {
  return { id, type: "reasoning", summary: text === "" ? [] : [{ type: "summary_text", text }] };
}

export function callItem(id: string, callId: string, name: string, argumentsText: string, status: string): JsonObject {
  return { id, type: "function_call", status, call_id: callId, name, arguments: argumentsText };
}

/** The output items of a whole chat completion's first choice. @param idOf Makes the id of item `index`. */
function outputOf(completion: JsonObject, idOf: (prefix: string, index: number) => string): JsonObject[] {
  const message = objectAt(objectsAt(completion, "choices")[0] ?? {}, "message");
  const output: JsonObject[] = [];
  const thoughts = stringAt(message, "reasoning_content") ?? stringAt(message, "reasoning") ?? "";
  if (thoughts !== "") output.push(reasoningItem(idOf("rs", 0), thoughts));
  const text = stringAt(message, "content") ?? "";
  const refusal = stringAt(message, "refusal") ?? "";
  const calls = objectsAt(message, "tool_calls");
  if (text !== "" || refusal !== "" || calls.length === 0) {
    output.push(messageItem(idOf("msg", output.length), text, refusal, "completed"));
  }
  for (const call of calls) {
    const fn = objectAt(call, "function");
    const id = idOf("fc", output.length);
    const written = stringAt(fn, "arguments") ?? "";
    output.push(callItem(id, stringAt(call, "id") ?? id, stringAt(fn, "name") ?? "", written, "completed"));
  }
  return output;
}

/** A whole chat completion as a finished response. */
export function completionToResponse(
  completion: JsonObject,
  head: ResponseHead,
  idOf: (prefix: string, index: number) => string,
): JsonObject {
  const choice = objectsAt(completion, "choices")[0] ?? {};
  const { status, reason } = endOf(stringAt(choice, "finish_reason"));
  const usage = isObject(completion["usage"]) ? readOpenAiUsage(completion["usage"]) : undefined;
  const model = stringAt(completion, "model") ?? "";
  const counted = usage === undefined ? null : writeResponseUsage(usage);
  return responseObject(head, status, model, outputOf(completion, idOf), counted, reason);
}
