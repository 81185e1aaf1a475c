import type { GatewayError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import { blocksForAnthropic, isForeign, reasoningText } from "../translation/reasoning.ts";
import { writeOpenAiUsage } from "../usage/raw-usage.ts";
import type { ChatDelta, ChunkSink, ReasoningDetail, StreamMeter, ToolCallDelta } from "./converter.ts";
import { FreeformInput } from "./freeform-input.ts";
import { openAiStreamError } from "./openai-pass-through.ts";

/** Writes OpenAI's chat chunks (API reference, "The chat completion chunk object"). */
export class ChatSink implements ChunkSink {
  readonly #usageWanted: boolean;
  readonly #created: number;
  /** Names of the client's freeform tools, which the provider knows as functions of one text. */
  readonly #freeform: ReadonlySet<string>;
  /** OpenAI's index of a call of a freeform tool → its input. */
  readonly #inputs = new Map<number, FreeformInput>();
  /** The open thinking block's text so far. */
  #thought = "";
  #thoughtIndex: number | undefined;
  /** Everything in a chunk before its delta; empty until the first. */
  #head = "";

  /** @param created Unix seconds, the same in every chunk. */
  constructor(usageWanted: boolean, created: number, freeform: ReadonlySet<string> = new Set()) {
    this.#usageWanted = usageWanted;
    this.#created = created;
    this.#freeform = freeform;
  }

  take(delta: ChatDelta, finishReason: string | undefined, meter: StreamMeter): string {
    let out = "";
    if (this.#head === "") out = this.#begin(meter);
    if (delta.content !== undefined && finishReason === undefined && isOnlyText(delta)) {
      return `${out}${this.#head}{"content":${JSON.stringify(delta.content)}}${this.#tail}`;
    }
    const written = this.#write(delta);
    // The end of freeform input is certain only now.
    if (finishReason !== undefined) out += this.#restOfInputs();
    if (finishReason === undefined && Object.keys(written).length === 0) return out;
    const logprobs = delta.logprobs === undefined ? "null" : JSON.stringify({ content: delta.logprobs, refusal: null });
    const end = `,"logprobs":${logprobs},"finish_reason":${finishReason === undefined ? "null" : JSON.stringify(finishReason)}}]`;
    return `${out}${this.#head}${JSON.stringify(written)}${end}${this.#usageNull}}\n\n`;
  }

  #begin(meter: StreamMeter): string {
    const first = { id: chatId(meter.responseId), object: "chat.completion.chunk", created: this.#created };
    const head = JSON.stringify({ ...first, model: meter.model ?? "" });
    this.#head = `data: ${head.slice(0, -1)},"choices":[{"index":0,"delta":`;
    return `${this.#head}{"role":"assistant","content":""}${this.#tail}`;
  }

  /** Everything after an ordinary delta. */
  get #tail(): string {
    return `,"logprobs":null,"finish_reason":null}]${this.#usageNull}}\n\n`;
  }

  /** OpenAI writes it on every chunk for those who want usage. */
  get #usageNull(): string {
    return this.#usageWanted ? ',"usage":null' : "";
  }

  #write(delta: ChatDelta): JsonObject {
    const written: JsonObject = {};
    const thought = delta.reasoning === undefined ? delta.reasoningText : reasoningText(delta.reasoning);
    if (thought) written["reasoning_content"] = thought;
    if (delta.reasoning !== undefined) {
      written["reasoning_details"] = delta.reasoning;
      const blocks = delta.reasoning.flatMap((detail) => this.#closedBlock(detail));
      if (blocks.length > 0) written["thinking_blocks"] = blocks;
    }
    if (delta.content !== undefined) written["content"] = delta.content;
    if (delta.refusal !== undefined) written["refusal"] = delta.refusal;
    const calls = (delta.toolCalls ?? []).map((call) => this.#writeCall(call));
    if (calls.length > 0) written["tool_calls"] = calls;
    return written;
  }

  /** Claude's thinking once more when it is whole and signed, as LiteLLM's clients send it back. */
  #closedBlock(detail: ReasoningDetail): JsonObject[] {
    if (isForeign(detail)) return [];
    if (detail.index !== this.#thoughtIndex) this.#thought = "";
    this.#thoughtIndex = detail.index;
    this.#thought += detail.text ?? "";
    if (detail.type !== "reasoning.encrypted" && !detail.signature) return [];
    const blocks = blocksForAnthropic([{ ...detail, text: this.#thought }]);
    this.#thought = "";
    return blocks;
  }

  #writeCall(call: ToolCallDelta): JsonObject {
    const { index, id, name } = call;
    if (name !== undefined && this.#freeform.has(name)) {
      const input = new FreeformInput();
      this.#inputs.set(index, input);
      return { index, id, type: "custom", custom: { name, input: input.push(call.arguments ?? "") } };
    }
    const input = this.#inputs.get(index);
    if (input !== undefined) return { index, custom: { input: input.push(call.arguments ?? "") } };
    if (name === undefined) return { index, id, function: { arguments: call.arguments ?? "" } };
    return { index, id, type: "function", function: { name, arguments: call.arguments ?? "" } };
  }

  #restOfInputs(): string {
    let out = "";
    for (const [index, input] of this.#inputs) {
      const rest = input.rest();
      if (rest === "") continue;
      out += `${this.#head}${JSON.stringify({ tool_calls: [{ index, custom: { input: rest } }] })}${this.#tail}`;
    }
    this.#inputs.clear();
    return out;
  }

  end(meter: StreamMeter): string {
    const done = "data: [DONE]\n\n";
    if (!this.#usageWanted || meter.usage === undefined) return done;
    const chunk = {
      id: chatId(meter.responseId),
      object: "chat.completion.chunk",
      created: this.#created,
      model: meter.model ?? "",
      choices: [],
      usage: writeOpenAiUsage(meter.usage),
    };
    return `data: ${JSON.stringify(chunk)}\n\n${done}`;
  }

  fail(error: GatewayError, requestId: string): string {
    return openAiStreamError(error, requestId);
  }
}

function isOnlyText(delta: ChatDelta): boolean {
  return (
    delta.reasoning === undefined &&
    delta.reasoningText === undefined &&
    delta.toolCalls === undefined &&
    delta.refusal === undefined &&
    delta.logprobs === undefined
  );
}

/** An id as OpenAI's clients expect it, made from another format's. */
export function chatId(id: string | undefined): string {
  return id?.startsWith("chatcmpl-") ? id : `chatcmpl-${(id ?? "unknown").replace(/^(msg|resp|gen|cmpl)[_-]/, "")}`;
}
