import type { JsonObject } from "../json.ts";
import type { SimulatedAnswer } from "./answer.ts";

/** OpenAI's chat completion for this answer. */
export function completionOf(answer: SimulatedAnswer, created: number): JsonObject {
  const message: JsonObject = { role: "assistant", content: answer.textPieces.join("") || null, refusal: null };
  if (answer.toolCalls.length > 0)
    message["tool_calls"] = answer.toolCalls.map(({ id, name, input }) =>
      functionCall(id, name, JSON.stringify(input)),
    );
  return {
    id: `chatcmpl-${answer.id}`,
    object: "chat.completion",
    created,
    model: answer.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(answer) }],
    usage: usageOf(answer),
    service_tier: "default",
    system_fingerprint: "fp_simulated",
  };
}

/** The stream's events in order; each text piece and each part of tool arguments is one. */
export function* chunksOf(answer: SimulatedAnswer, created: number, includeUsage: boolean): Generator<string> {
  const chunk = (choices: readonly JsonObject[], usage: JsonObject | null): string => {
    const body: JsonObject = {
      id: `chatcmpl-${answer.id}`,
      object: "chat.completion.chunk",
      created,
      model: answer.model,
      choices,
    };
    if (includeUsage) body["usage"] = usage;
    return `data: ${JSON.stringify(body)}\n\n`;
  };
  const delta = (value: JsonObject, finish: string | null = null): string =>
    chunk([{ index: 0, delta: value, logprobs: null, finish_reason: finish }], null);
  yield delta({ role: "assistant", content: answer.toolCalls.length > 0 ? null : "", refusal: null });
  for (const piece of answer.textPieces) yield delta({ content: piece });
  for (const [index, call] of answer.toolCalls.entries()) {
    yield delta({ tool_calls: [{ index, ...functionCall(call.id, call.name, "") }] });
    for (const piece of JSON.stringify(call.input).match(/.{1,12}/gs) ?? []) {
      yield delta({ tool_calls: [{ index, function: { arguments: piece } }] });
    }
  }
  yield delta({}, finishReason(answer));
  if (includeUsage) yield chunk([], usageOf(answer));
  yield "data: [DONE]\n\n";
}

function functionCall(id: string, name: string, text: string): JsonObject {
  return { id, type: "function", function: { name, arguments: text } };
}

function finishReason({ finish }: SimulatedAnswer): string {
  return finish === "tools" ? "tool_calls" : finish;
}

function usageOf(answer: SimulatedAnswer): JsonObject {
  const completion = answer.outputTokens + answer.reasoningTokens;
  return {
    prompt_tokens: answer.inputTokens,
    completion_tokens: completion,
    total_tokens: answer.inputTokens + completion,
    prompt_tokens_details: { cached_tokens: answer.cachedTokens, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: answer.reasoningTokens, audio_tokens: 0 },
  };
}
