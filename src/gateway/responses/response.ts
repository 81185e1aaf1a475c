import { isObject, type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../json.ts";
import { freeformInput } from "../stream/freeform-input.ts";
import { reasoningOf } from "../translation/reasoning.ts";
import { readOpenAiUsage, writeResponseUsage } from "../usage/raw-usage.ts";
import { itemOfDetails, openAiId, ownId, reasoningItem, reasoningRuns } from "./reasoning-items.ts";

/** What stays the same in every state of one response. */
export interface ResponseHead {
  readonly id: string;
  /** 32 hex digits, for the items' ids. */
  readonly idSeed: string;
  /** Unix seconds. */
  readonly createdAt: number;
  readonly request: JsonObject;
  /** Names of the request's freeform tools. */
  readonly freeform: ReadonlySet<string>;
}

export type ResponseStatus = "in_progress" | "completed" | "incomplete" | "failed";

export interface ResponseState {
  readonly status: ResponseStatus;
  readonly model: string;
  readonly output: readonly JsonObject[];
  readonly usage: JsonObject | null;
  /** Why it is incomplete. */
  readonly reason?: string | null;
  /** Why it failed. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** A Response object (OpenAI API reference, "The response object"). */
export function responseObject({ id, createdAt, request }: ResponseHead, state: ResponseState): JsonObject {
  const asked = (name: string, missing: unknown): unknown => request[name] ?? missing;
  const { status, model, output, usage, reason, error } = state;
  const reasoning = objectAt(request, "reasoning");
  return {
    id,
    object: "response",
    created_at: createdAt,
    completed_at: status === "completed" ? Math.floor(Date.now() / 1_000) : null,
    status,
    background: false,
    error: error ?? null,
    incomplete_details: reason ? { reason } : null,
    instructions: asked("instructions", null),
    max_output_tokens: asked("max_output_tokens", null),
    model,
    output,
    parallel_tool_calls: asked("parallel_tool_calls", true),
    previous_response_id: asked("previous_response_id", null),
    reasoning: { effort: reasoning["effort"] ?? null, summary: reasoning["summary"] ?? null },
    store: asked("store", true),
    temperature: asked("temperature", 1),
    text: { format: { type: "text" }, ...objectAt(request, "text") },
    tool_choice: asked("tool_choice", "auto"),
    tools: asked("tools", []),
    top_logprobs: asked("top_logprobs", 0),
    top_p: asked("top_p", 1),
    truncation: "disabled",
    usage,
    user: asked("user", null),
    metadata: asked("metadata", {}),
  };
}

/** How a chat's finish reason reads in a response: its status, and why it is incomplete. */
export function endOf(finishReason: string | undefined): { status: ResponseStatus; reason: string | null } {
  if (finishReason === "length") return { status: "incomplete", reason: "max_output_tokens" };
  if (finishReason === "content_filter") return { status: "incomplete", reason: "content_filter" };
  return { status: "completed", reason: null };
}

export function messageItem(id: string, content: readonly JsonObject[], status: string): JsonObject {
  return { id, type: "message", status, role: "assistant", content };
}

export function textPart(text: string, logprobs: readonly unknown[] = []): JsonObject {
  return { type: "output_text", text, annotations: [], logprobs };
}

export function refusalPart(refusal: string): JsonObject {
  return { type: "refusal", refusal };
}

/** A call as an item: of a freeform tool with its input, of a function with its arguments. */
export function callItem(
  id: string,
  call: { readonly callId: string; readonly name: string; readonly argumentsText: string },
  freeform: boolean,
  status: string,
): JsonObject {
  const { callId: call_id, name, argumentsText } = call;
  if (freeform) return { id, type: "custom_tool_call", status, call_id, name, input: freeformInput(argumentsText) };
  return { id, type: "function_call", status, call_id, name, arguments: argumentsText };
}

/** The output items of a whole chat completion's first choice. */
function outputOf(completion: JsonObject, { idSeed, freeform }: ResponseHead): JsonObject[] {
  const choice = objectsAt(completion, "choices")[0] ?? {};
  const message = objectAt(choice, "message");
  const output: JsonObject[] = [];
  const nextId = (prefix: string): string => ownId(prefix, idSeed, output.length);
  const { details, text: thought } = reasoningOf(message);
  for (const run of reasoningRuns(details)) output.push(itemOfDetails(openAiId(run) ?? nextId("rs"), run));
  if (thought !== undefined) output.push(reasoningItem(nextId("rs"), thought, undefined));
  const text = stringAt(message, "content") ?? "";
  const refusal = stringAt(message, "refusal") ?? "";
  const calls = objectsAt(message, "tool_calls");
  if (text !== "" || refusal !== "" || calls.length === 0) {
    const logprobs = objectAt(choice, "logprobs")["content"];
    const content = text === "" && refusal !== "" ? [] : [textPart(text, Array.isArray(logprobs) ? logprobs : [])];
    if (refusal !== "") content.push(refusalPart(refusal));
    output.push(messageItem(nextId("msg"), content, "completed"));
  }
  for (const call of calls) {
    const fn = objectAt(call, "function");
    const name = stringAt(fn, "name") ?? "";
    const custom = freeform.has(name);
    const id = nextId(custom ? "ctc" : "fc");
    const written = stringAt(fn, "arguments") ?? "";
    const said = { callId: stringAt(call, "id") || id, name, argumentsText: written === "" ? "{}" : written };
    output.push(callItem(id, said, custom, "completed"));
  }
  return output;
}

/** A whole chat completion as a finished response. */
export function completionToResponse(completion: JsonObject, head: ResponseHead): JsonObject {
  const choice = objectsAt(completion, "choices")[0] ?? {};
  const usage = isObject(completion["usage"]) ? readOpenAiUsage(completion["usage"]) : undefined;
  return responseObject(
    { ...head, createdAt: numberAt(completion, "created") ?? head.createdAt },
    {
      ...endOf(stringAt(choice, "finish_reason")),
      model: stringAt(completion, "model") ?? "",
      output: outputOf(completion, head),
      usage: usage === undefined ? null : writeResponseUsage(usage),
    },
  );
}
