import { isObject, type JsonObject, numberAt, objectAt, stringAt } from "../json.ts";
import { finishReasonOf } from "../responses/reply.ts";
import { OPENAI_REASONING } from "../translation/reasoning.ts";
import { readResponseUsage } from "../usage/raw-usage.ts";
import { type EmitDelta, type ReasoningDetail, streamedError } from "./converter.ts";
import { INPUT_PARAMETER } from "./freeform-input.ts";
import { SseSource } from "./sse-source.ts";

interface Call {
  readonly index: number;
  readonly freeform: boolean;
  fed: boolean;
}

const INPUT_HEAD = `{${JSON.stringify(INPUT_PARAMETER)}:"`;

/** Reads the events of a streamed response (OpenAI API reference, "Streaming events"). */
export class ResponsesSource extends SseSource {
  /** Output index → call. */
  readonly #calls = new Map<number, Call>();

  protected override take(event: JsonObject, emit: EmitDelta): void {
    const at = numberAt(event, "output_index") ?? 0;
    const delta = stringAt(event, "delta") ?? "";
    switch (event["type"]) {
      case "response.output_text.delta": {
        const { logprobs } = event;
        const told = Array.isArray(logprobs) && logprobs.length > 0 ? { logprobs } : {};
        if (delta !== "") emit({ content: delta, ...told });
        break;
      }
      case "response.refusal.delta":
        emit({ refusal: delta });
        break;
      case "response.function_call_arguments.delta":
      case "response.custom_tool_call_input.delta":
        this.#feed(at, delta, emit);
        break;
      case "response.reasoning_summary_text.delta":
        emit({ reasoning: [this.#summary(event, at, delta)] });
        break;
      case "response.reasoning_summary_part.added":
        if ((numberAt(event, "summary_index") ?? 0) > 0) emit({ reasoning: [this.#summary(event, at, "\n\n")] });
        break;
      case "response.reasoning_text.delta":
        emit({ reasoning: [{ ...this.#summary(event, at, ""), type: "reasoning.text", text: delta }] });
        break;
      case "response.output_item.added":
        this.#open(at, objectAt(event, "item"), emit);
        break;
      case "response.output_item.done":
        this.#close(at, objectAt(event, "item"), emit);
        break;
      case "response.created":
        this.#readHead(objectAt(event, "response"));
        emit({});
        break;
      case "response.completed":
      case "response.incomplete":
        this.#end(objectAt(event, "response"), emit);
        break;
      case "response.failed":
        this.providerError = streamedError(objectAt(event, "response"));
        break;
      case "error":
        this.providerError = streamedError(isObject(event["error"]) ? event : { error: event });
        break;
      default: // Events of hosted tools, and those that repeat what deltas said.
        if (isObject(event["error"])) this.providerError = streamedError(event);
    }
  }

  #readHead(response: JsonObject): void {
    this.meter.responseId = stringAt(response, "id");
    this.meter.model = stringAt(response, "model");
  }

  #summary(event: JsonObject, index: number, summary: string): ReasoningDetail {
    const id = stringAt(event, "item_id") ?? "";
    return { type: "reasoning.summary", summary, id, format: OPENAI_REASONING, index };
  }

  #open(at: number, item: JsonObject, emit: EmitDelta): void {
    const freeform = item["type"] === "custom_tool_call";
    if (!freeform && item["type"] !== "function_call") return;
    const call = { index: this.#calls.size, freeform, fed: false };
    this.#calls.set(at, call);
    const head = freeform ? { arguments: INPUT_HEAD } : {};
    const { index } = call;
    emit({
      toolCalls: [{ index, id: stringAt(item, "call_id") ?? "", name: stringAt(item, "name") ?? "", ...head }],
    });
  }

  #feed(at: number, piece: string, emit: EmitDelta): void {
    const call = this.#calls.get(at);
    if (call === undefined || piece === "") return;
    call.fed = true;
    // A freeform input is told as the JSON that stands for it everywhere else.
    const text = call.freeform ? JSON.stringify(piece).slice(1, -1) : piece;
    emit({ toolCalls: [{ index: call.index, arguments: text }] });
  }

  #close(at: number, item: JsonObject, emit: EmitDelta): void {
    const call = this.#calls.get(at);
    if (call !== undefined) {
      if (!call.fed) this.#feed(at, stringAt(item, call.freeform ? "input" : "arguments") ?? "", emit);
      if (call.freeform) emit({ toolCalls: [{ index: call.index, arguments: '"}' }] });
      return;
    }
    const data = stringAt(item, "encrypted_content");
    if (item["type"] !== "reasoning" || !data) return;
    const id = stringAt(item, "id") ?? "";
    emit({ reasoning: [{ type: "reasoning.encrypted", data, id, format: OPENAI_REASONING, index: at }] });
  }

  #end(response: JsonObject, emit: EmitDelta): void {
    this.#readHead(response);
    const { usage } = response;
    if (isObject(usage)) this.meter.usage = readResponseUsage(usage);
    emit({}, finishReasonOf(response, this.#calls.size > 0));
    this.terminated = true;
  }
}
