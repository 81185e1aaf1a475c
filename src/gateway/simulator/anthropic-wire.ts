import type { JsonObject } from "../json.ts";
import type { SimulatedAnswer } from "./answer.ts";

/** Anthropic's message for this answer. */
export function messageOf(answer: SimulatedAnswer): JsonObject {
  const content: JsonObject[] = [];
  if (answer.textPieces.length > 0) content.push({ type: "text", text: answer.textPieces.join("") });
  for (const call of answer.toolCalls)
    content.push({ type: "tool_use", id: toolId(call.id), name: call.name, input: call.input });
  const usage = { ...inputUsage(answer), output_tokens: answer.outputTokens };
  return { ...emptyMessage(answer), content, stop_reason: stopReason(answer), usage };
}

/** The stream's events in order. */
export function* eventsOf(answer: SimulatedAnswer): Generator<string> {
  yield event("message_start", {
    message: { ...emptyMessage(answer), usage: { ...inputUsage(answer), output_tokens: 1 } },
  });
  let index = 0;
  if (answer.textPieces.length > 0) {
    yield event("content_block_start", { index, content_block: { type: "text", text: "" } });
    yield event("ping", {});
    for (const text of answer.textPieces)
      yield event("content_block_delta", { index, delta: { type: "text_delta", text } });
    yield event("content_block_stop", { index });
    index++;
  }
  for (const call of answer.toolCalls) {
    const block = { type: "tool_use", id: toolId(call.id), name: call.name, input: {} };
    yield event("content_block_start", { index, content_block: block });
    for (const piece of JSON.stringify(call.input).match(/.{1,12}/gs) ?? []) {
      yield event("content_block_delta", { index, delta: { type: "input_json_delta", partial_json: piece } });
    }
    yield event("content_block_stop", { index });
    index++;
  }
  const delta = { stop_reason: stopReason(answer), stop_sequence: null };
  yield event("message_delta", { delta, usage: { output_tokens: answer.outputTokens } });
  yield event("message_stop", {});
}

function event(type: string, members: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}

function emptyMessage(answer: SimulatedAnswer): JsonObject {
  const { model } = answer;
  return {
    id: `msg_${answer.id}`,
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

function inputUsage({ inputTokens, cachedTokens }: SimulatedAnswer): JsonObject {
  const cache = { cache_creation_input_tokens: 0, cache_read_input_tokens: cachedTokens };
  return { input_tokens: inputTokens - cachedTokens, ...cache };
}

function toolId(callId: string): string {
  return callId.replace(/^call_/, "toolu_");
}

function stopReason({ finish }: SimulatedAnswer): string {
  return finish === "tools" ? "tool_use" : finish === "length" ? "max_tokens" : "end_turn";
}
