import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from "../../../json.ts";
import { randomHex } from "../../../record.ts";
import { chatId } from "../../../stream/chat-sink.ts";
import type { ChatDelta, EmitDelta, ReasoningDetail, ToolCallDelta } from "../../../stream/converter.ts";
import { streamedError } from "../../../stream/converter.ts";
import { SseSource } from "../../../stream/sse-source.ts";
import { reasoningText } from "../../../translation/reasoning.ts";
import { type RawUsage, writeOpenAiUsage } from "../../../usage/raw-usage.ts";
import { countAt } from "../problem.ts";
import { GEMINI_REASONING } from "./request.ts";

/** The model stopped because of itself, not because it had finished: no answer, and the next try may well be one. */
const FAILED: ReadonlySet<string> = new Set([
  "MALFORMED_FUNCTION_CALL",
  "UNEXPECTED_TOOL_CALL",
  "TOO_MANY_TOOL_CALLS",
  "MALFORMED_RESPONSE",
  "MISSING_THOUGHT_SIGNATURE",
  "OTHER",
]);

/** `finishReason` (Gemini API, "FinishReason") in OpenAI's words. */
function finishReasonOf(reason: string, calledTools: boolean): string {
  switch (reason) {
    case "STOP":
    case "FINISH_REASON_UNSPECIFIED":
      return calledTools ? "tool_calls" : "stop";
    case "MAX_TOKENS":
      return "length";
    default: // SAFETY, RECITATION, LANGUAGE, BLOCKLIST, PROHIBITED_CONTENT, SPII, IMAGE_SAFETY, …
      return "content_filter";
  }
}

/** Token counts of `usageMetadata`. Thoughts are counted beside the candidates, cached tokens inside the prompt. */
function readGeminiUsage(usage: JsonObject): RawUsage | undefined {
  if (usage["promptTokenCount"] === undefined && usage["totalTokenCount"] === undefined) return undefined;
  const reasoningTokens = countAt(usage, "thoughtsTokenCount");
  return {
    inputTokens: countAt(usage, "promptTokenCount") + countAt(usage, "toolUsePromptTokenCount"),
    outputTokens: countAt(usage, "candidatesTokenCount") + reasoningTokens,
    cacheReadTokens: countAt(usage, "cachedContentTokenCount"),
    cacheWriteTokens: 0,
    reasoningTokens,
    ...audioInput(usage),
  };
}

function audioInput(usage: JsonObject): Partial<RawUsage> {
  const audio = objectsAt(usage, "promptTokensDetails").find(({ modality }) => modality === "AUDIO");
  const audioInputTokens = audio === undefined ? 0 : countAt(audio, "tokenCount");
  return audioInputTokens === 0 ? {} : { audioInputTokens };
}

/** What the parts of one candidate say, in order; call indexes go on from `firstCall`. */
function readParts(parts: readonly JsonObject[], idSeed: string, firstCall: number): ChatDelta[] {
  const steps: ChatDelta[] = [];
  let calls = firstCall;
  for (const part of parts) {
    const signature = stringAt(part, "thoughtSignature");
    const text = stringAt(part, "text");
    const call = isObject(part["functionCall"]) ? part["functionCall"] : undefined;
    if (part["thought"] === true) {
      if (text) steps.push({ reasoning: [{ type: "reasoning.text", text, format: GEMINI_REASONING, index: 0 }] });
    } else if (text) steps.push({ content: text });
    if (call !== undefined) {
      const id = stringAt(call, "id") || `call_${idSeed}_${calls}`;
      const args = JSON.stringify(call["args"] ?? {});
      if (signature) steps.push({ reasoning: [sealed(signature, id)] });
      steps.push({ toolCalls: [{ index: calls, id, name: stringAt(call, "name") ?? "", arguments: args }] });
      calls++;
    } else if (signature) steps.push({ reasoning: [sealed(signature, undefined)] });
    const code = stringAt(objectAt(part, "executableCode"), "code");
    if (code) steps.push({ content: `\n\`\`\`\n${code}\n\`\`\`\n` });
  }
  return steps;
}

/** A thought signature; `id` is the call that it belongs to. */
function sealed(data: string, id: string | undefined): ReasoningDetail {
  return { type: "reasoning.encrypted", data, format: GEMINI_REASONING, index: 0, ...(id === undefined ? {} : { id }) };
}

function blockedText(reply: JsonObject): string | undefined {
  const reason = stringAt(objectAt(reply, "promptFeedback"), "blockReason");
  if (reason === undefined) return undefined;
  return stringAt(objectAt(reply, "promptFeedback"), "blockReasonMessage") ?? `The prompt was blocked (${reason}).`;
}

/** A failure that Gemini reports as a finish reason; sets `error`, so that it is treated as one. */
export function exposeGeminiFailure(reply: JsonObject): boolean {
  const [candidate] = objectsAt(reply, "candidates");
  const reason = candidate && stringAt(candidate, "finishReason");
  if (candidate === undefined || reason === undefined || !FAILED.has(reason)) return false;
  if (objectsAt(objectAt(candidate, "content"), "parts").length > 0) return false;
  reply["error"] = { message: stringAt(candidate, "finishMessage") ?? `the model stopped with ${reason}`, code: 502 };
  return true;
}

/** A whole `generateContent` reply as a chat completion. @param created Unix seconds. */
export function geminiCompletion(reply: JsonObject, created: number, model: string): JsonObject | undefined {
  const candidates = objectsAt(reply, "candidates");
  const blocked = blockedText(reply);
  if (candidates.length === 0 && blocked === undefined) return undefined;
  const seed = stringAt(reply, "responseId") ?? randomHex(8);
  const usage = readGeminiUsage(objectAt(reply, "usageMetadata"));
  const choices = candidates.map((candidate, index) => choiceOf(candidate, index, seed));
  if (blocked !== undefined && choices.length === 0) {
    const message = { role: "assistant", content: "", refusal: blocked };
    choices.push({ index: 0, message, logprobs: null, finish_reason: "content_filter" });
  }
  return {
    id: chatId(seed),
    object: "chat.completion",
    created,
    model: stringAt(reply, "modelVersion") ?? model,
    choices,
    usage: usage === undefined ? undefined : writeOpenAiUsage(usage),
  };
}

function choiceOf(candidate: JsonObject, index: number, seed: string): JsonObject {
  const steps = readParts(objectsAt(objectAt(candidate, "content"), "parts"), seed, 0);
  const text = steps.map(({ content }) => content ?? "").join("");
  const calls = steps.flatMap(({ toolCalls }) => toolCalls ?? []);
  const details = joinedTexts(steps.flatMap(({ reasoning }) => reasoning ?? []));
  const message: JsonObject = {
    role: "assistant",
    content: text === "" && calls.length > 0 ? null : text,
    refusal: null,
  };
  const thought = reasoningText(details);
  if (thought !== "") message["reasoning_content"] = thought;
  if (details.length > 0) message["reasoning_details"] = details;
  if (calls.length > 0) message["tool_calls"] = calls.map(writtenCall);
  const grounding = candidate["groundingMetadata"] ?? candidate["citationMetadata"];
  if (isObject(grounding)) message["grounding_metadata"] = grounding;
  const reason = finishReasonOf(stringAt(candidate, "finishReason") ?? "STOP", calls.length > 0);
  return { index, message, logprobs: null, finish_reason: reason };
}

function joinedTexts(details: readonly ReasoningDetail[]): ReasoningDetail[] {
  const texts = details.filter(({ type }) => type === "reasoning.text");
  const [first] = texts;
  if (first === undefined) return [...details];
  const text = texts.map((detail) => detail.text ?? "").join("");
  return [{ ...first, text }, ...details.filter(({ type }) => type !== "reasoning.text")];
}

function writtenCall({ id, name, arguments: args }: ToolCallDelta): JsonObject {
  return { id, type: "function", function: { name, arguments: args } };
}

/** Reads the events of `streamGenerateContent?alt=sse`: each a `generateContent` reply with the next parts. */
export class GeminiSource extends SseSource {
  #idSeed = "";
  #calls = 0;

  constructor(model: string) {
    super();
    this.meter.model = model;
  }

  protected override take(event: JsonObject, emit: EmitDelta): void {
    exposeGeminiFailure(event);
    if (isObject(event["error"])) {
      this.providerError = streamedError(event);
      return;
    }
    const { meter } = this;
    meter.responseId ??= stringAt(event, "responseId");
    meter.model = stringAt(event, "modelVersion") ?? meter.model;
    if (this.#idSeed === "") this.#idSeed = meter.responseId ?? randomHex(8);
    meter.usage = readGeminiUsage(objectAt(event, "usageMetadata")) ?? meter.usage;
    const blocked = blockedText(event);
    if (blocked !== undefined) {
      emit({ refusal: blocked }, "content_filter");
      return;
    }
    const [candidate] = objectsAt(event, "candidates");
    if (candidate === undefined) return;
    const steps = readParts(objectsAt(objectAt(candidate, "content"), "parts"), this.#idSeed, this.#calls);
    for (const step of steps) {
      this.#calls += step.toolCalls?.length ?? 0;
      emit(step);
    }
    const reason = stringAt(candidate, "finishReason");
    if (reason !== undefined) emit({}, finishReasonOf(reason, this.#calls > 0));
  }
}
