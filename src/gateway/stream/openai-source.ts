import { isObject, type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../json.ts";
import { reasoningOf } from "../translation/reasoning.ts";
import { readOpenAiUsage } from "../usage/raw-usage.ts";
import { type ChatDelta, type EmitDelta, streamedError, type ToolCallDelta } from "./converter.ts";
import { SseSource } from "./sse-source.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads OpenAI's chat chunks; its first choice, since no other client format has several. */
export class OpenAiSource extends SseSource {
  readonly #callIndexes = new CallIndexes();

  protected override take(chunk: JsonObject, emit: EmitDelta): void {
    if (chunk["error"] !== undefined && chunk["error"] !== null) {
      this.providerError = streamedError(chunk);
      return;
    }
    const { meter } = this;
    meter.responseId ??= stringAt(chunk, "id");
    meter.model ??= stringAt(chunk, "model");
    if (isObject(chunk["usage"])) meter.usage = readOpenAiUsage(chunk["usage"]) ?? meter.usage;
    const choice = firstChoice(chunk);
    if (choice === undefined) return;
    const finishReason = stringAt(choice, "finish_reason");
    if (finishReason !== undefined) meter.stopSequence ??= stringAt(choice, "stop_reason"); // vLLM's word for it.
    emit(readDelta(objectAt(choice, "delta"), choice, this.#callIndexes), finishReason);
  }
}

/** Some servers number every call 0; a new id with a name then begins another call. */
class CallIndexes {
  readonly #current = new Map<number, { readonly id: string; readonly index: number }>();
  #next = 0;

  of(said: number, id: string | undefined, name: string | undefined): number {
    const current = this.#current.get(said);
    if (current !== undefined && (id === undefined || name === undefined || id === current.id)) return current.index;
    const index = current === undefined && said >= this.#next ? said : this.#next;
    this.#next = Math.max(this.#next, index + 1);
    this.#current.set(said, { id: id ?? "", index });
    return index;
  }
}

function firstChoice(chunk: JsonObject): JsonObject | undefined {
  const choices = chunk["choices"];
  if (!Array.isArray(choices)) return undefined;
  return choices.find((choice): choice is JsonObject => isObject(choice) && (numberAt(choice, "index") ?? 0) === 0);
}

function readDelta(delta: JsonObject, choice: JsonObject, indexes: CallIndexes): ChatDelta {
  const step: Writable<ChatDelta> = {};
  const content = textOf(delta["content"]);
  if (content !== "") step.content = content;
  const refusal = stringAt(delta, "refusal");
  if (refusal) step.refusal = refusal;
  const { details, text } = reasoningOf(delta);
  if (details.length > 0) step.reasoning = details;
  else if (text !== undefined) step.reasoningText = text;
  const calls = objectsAt(delta, "tool_calls").map((call, position) => readCall(call, position, indexes));
  if (calls.length > 0) step.toolCalls = calls;
  const logprobs = objectAt(choice, "logprobs")["content"];
  if (Array.isArray(logprobs) && logprobs.length > 0) step.logprobs = logprobs;
  return step;
}

/** A text, or (Mistral's thinking models) an array of parts whose texts count. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part) => (isObject(part) && part["type"] === "text" ? (stringAt(part, "text") ?? "") : ""))
    .join("");
}

function readCall(call: JsonObject, position: number, indexes: CallIndexes): ToolCallDelta {
  const custom = objectAt(call, "custom");
  const fn = objectAt(call, "function");
  const id = stringAt(call, "id") || undefined;
  const name = stringAt(fn, "name") || stringAt(custom, "name") || undefined;
  const step: Writable<ToolCallDelta> = { index: indexes.of(numberAt(call, "index") ?? position, id, name) };
  if (id !== undefined) step.id = id;
  if (name !== undefined) step.name = name;
  // Some servers (Ollama, older vLLM) give the arguments as an object, whole.
  const written = isObject(fn["arguments"]) ? JSON.stringify(fn["arguments"]) : stringAt(fn, "arguments");
  const piece = written ?? stringAt(custom, "input");
  if (piece) step.arguments = piece;
  return step;
}
