import { type JsonObject, numberAt, objectAt, stringAt } from "../json.ts";
import { openAiFinishReason } from "../translation/finish-reasons.ts";
import { ANTHROPIC_REASONING, detailsOfBlock } from "../translation/reasoning.ts";
import { readAnthropicUsage } from "../usage/raw-usage.ts";
import { type EmitDelta, streamedError } from "./converter.ts";
import { SseSource } from "./sse-source.ts";

/** Reads Anthropic's stream events (API reference, "Streaming messages"). */
export class AnthropicSource extends SseSource {
  /** Block index → the call's index among the answer's tool calls, and whether any of its input has come. */
  readonly #calls = new Map<number, { readonly index: number; fed: boolean }>();

  protected override take(event: JsonObject, emit: EmitDelta): void {
    const { meter } = this;
    switch (event["type"]) {
      case "content_block_delta":
        this.#takeDelta(numberAt(event, "index") ?? 0, objectAt(event, "delta"), emit);
        break;
      case "content_block_start":
        this.#startBlock(numberAt(event, "index") ?? 0, objectAt(event, "content_block"), emit);
        break;
      case "message_start": {
        const message = objectAt(event, "message");
        meter.responseId = stringAt(message, "id");
        meter.model = stringAt(message, "model");
        meter.usage = readAnthropicUsage(objectAt(message, "usage"));
        emit({});
        break;
      }
      case "message_delta": {
        const delta = objectAt(event, "delta");
        meter.usage = readAnthropicUsage(objectAt(event, "usage"), meter.usage);
        const stopReason = stringAt(delta, "stop_reason");
        if (stopReason === undefined) break;
        meter.stopSequence = stringAt(delta, "stop_sequence");
        const explanation = stringAt(objectAt(delta, "stop_details"), "explanation");
        emit(explanation === undefined ? {} : { refusal: explanation }, openAiFinishReason(stopReason));
        break;
      }
      case "content_block_stop": {
        const call = this.#calls.get(numberAt(event, "index") ?? 0);
        // A tool without input gets none; readers of chat completions parse the arguments all the same.
        if (call !== undefined && !call.fed) emit({ toolCalls: [{ index: call.index, arguments: "{}" }] });
        break;
      }
      case "message_stop":
        this.terminated = true;
        break;
      case "error":
        this.providerError = streamedError(event);
    }
  }

  #startBlock(index: number, block: JsonObject, emit: EmitDelta): void {
    if (block["type"] === "tool_use") {
      const call = this.#calls.size;
      this.#calls.set(index, { index: call, fed: false });
      emit({ toolCalls: [{ index: call, id: stringAt(block, "id") ?? "", name: stringAt(block, "name") ?? "" }] });
      return;
    }
    if (block["type"] === "text" && block["text"]) emit({ content: stringAt(block, "text") ?? "" });
    // A thinking block starts empty and says nothing yet; encrypted thinking comes whole.
    if (block["type"] === "redacted_thinking") emit({ reasoning: detailsOfBlock(block, index) });
  }

  #takeDelta(index: number, delta: JsonObject, emit: EmitDelta): void {
    switch (delta["type"]) {
      case "text_delta":
        emit({ content: stringAt(delta, "text") ?? "" });
        break;
      case "input_json_delta": {
        const call = this.#calls.get(index);
        // Of a server tool, which no client of another format has asked for.
        if (call === undefined) break;
        const piece = stringAt(delta, "partial_json") ?? "";
        if (piece === "") break;
        call.fed = true;
        emit({ toolCalls: [{ index: call.index, arguments: piece }] });
        break;
      }
      case "thinking_delta": {
        const text = stringAt(delta, "thinking") ?? "";
        emit({ reasoning: [{ type: "reasoning.text", text, format: ANTHROPIC_REASONING, index }] });
        break;
      }
      case "signature_delta":
        emit({ reasoning: detailsOfBlock({ type: "thinking", signature: delta["signature"] }, index) });
    }
  }
}
