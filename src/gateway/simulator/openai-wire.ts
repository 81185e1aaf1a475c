import type { JsonObject } from "../json.ts";
import type { SimulatedAnswer } from "./answer.ts";

/** OpenAI's chat completion with one choice per answer. */
export function completionOf(answers: readonly SimulatedAnswer[], created: number): JsonObject {
  const [first] = answers;
  return {
    id: `chatcmpl-${first!.id}`,
    object: "chat.completion",
    created,
    model: first!.model,
    choices: answers.map(choiceOf),
    usage: usageOf(answers),
    service_tier: "default",
    system_fingerprint: "fp_simulated",
  };
}

function choiceOf(answer: SimulatedAnswer, index: number): JsonObject {
  const message: JsonObject = { role: "assistant", content: answer.textPieces.join("") || null, refusal: null };
  if (answer.toolCalls.length > 0)
    message["tool_calls"] = answer.toolCalls.map(({ id, name, input }) =>
      functionCall(id, name, JSON.stringify(input)),
    );
  return { index, message, logprobs: null, finish_reason: finishReason(answer) };
}

/** The stream's events in order, choice by choice; each text piece and each part of tool arguments is one. */
export function* chunksOf(
  answers: readonly SimulatedAnswer[],
  created: number,
  includeUsage: boolean,
): Generator<string> {
  const [first] = answers;
  const chunk = (choices: readonly JsonObject[], usage: JsonObject | null): string => {
    const body: JsonObject = {
      id: `chatcmpl-${first!.id}`,
      object: "chat.completion.chunk",
      created,
      model: first!.model,
      choices,
    };
    if (includeUsage) body["usage"] = usage;
    return `data: ${JSON.stringify(body)}\n\n`;
  };
  for (const [index, answer] of answers.entries()) {
    for (const [delta, finish] of deltasOf(answer)) {
      yield chunk([{ index, delta, logprobs: null, finish_reason: finish }], null);
    }
  }
  if (includeUsage) yield chunk([], usageOf(answers));
  yield "data: [DONE]\n\n";
}

function* deltasOf(answer: SimulatedAnswer): Generator<[delta: JsonObject, finish: string | null]> {
  yield [{ role: "assistant", content: answer.toolCalls.length > 0 ? null : "", refusal: null }, null];
  for (const piece of answer.textPieces) yield [{ content: piece }, null];
  for (const [index, call] of answer.toolCalls.entries()) {
    yield [{ tool_calls: [{ index, ...functionCall(call.id, call.name, "") }] }, null];
    for (const piece of JSON.stringify(call.input).match(/.{1,12}/gs) ?? []) {
      yield [{ tool_calls: [{ index, function: { arguments: piece } }] }, null];
    }
  }
  yield [{}, finishReason(answer)];
}

function functionCall(id: string, name: string, text: string): JsonObject {
  return { id, type: "function", function: { name, arguments: text } };
}

function finishReason({ finish }: SimulatedAnswer): string {
  return finish === "tools" ? "tool_calls" : finish;
}

/** OpenAI's `usage` for all choices together. */
export function usageOf(answers: readonly SimulatedAnswer[]): JsonObject {
  const [{ inputTokens, cachedTokens } = { inputTokens: 0, cachedTokens: 0 }] = answers;
  const reasoning = answers.reduce((sum, answer) => sum + answer.reasoningTokens, 0);
  const completion = answers.reduce((sum, answer) => sum + answer.outputTokens, reasoning);
  return {
    prompt_tokens: inputTokens,
    completion_tokens: completion,
    total_tokens: inputTokens + completion,
    prompt_tokens_details: { cached_tokens: cachedTokens, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: 0 },
  };
}
