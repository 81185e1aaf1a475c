import type { GatewayError } from "../errors.ts";
import { writeOpenAiUsage } from "../usage/raw-usage.ts";
import type { ChatDelta, ChunkSink, StreamMeter } from "./converter.ts";
import { openAiStreamError } from "./openai-pass-through.ts";

/** Writes the chunks of a legacy text completion (OpenAI API reference, "Completions"): text only. */
export class TextSink implements ChunkSink {
  readonly #usageWanted: boolean;
  readonly #created: number;

  /** @param created Unix seconds, the same in every chunk. */
  constructor(usageWanted: boolean, created: number) {
    this.#usageWanted = usageWanted;
    this.#created = created;
  }

  take(delta: ChatDelta, finishReason: string | undefined, meter: StreamMeter): string {
    const text = (delta.content ?? "") + (delta.refusal ?? "");
    if (text === "" && finishReason === undefined) return "";
    const choice = { text, index: 0, logprobs: null, finish_reason: textFinishReason(finishReason) };
    return this.#chunk([choice], this.#usageWanted ? null : undefined, meter);
  }

  end(meter: StreamMeter): string {
    const counted = this.#usageWanted && meter.usage !== undefined;
    return `${counted ? this.#chunk([], writeOpenAiUsage(meter.usage!), meter) : ""}data: [DONE]\n\n`;
  }

  fail(error: GatewayError, requestId: string): string {
    return openAiStreamError(error, requestId);
  }

  #chunk(choices: readonly object[], usage: object | null | undefined, meter: StreamMeter): string {
    const { responseId, model = "" } = meter;
    const head = { id: textId(responseId), object: "text_completion", created: this.#created, model };
    return `data: ${JSON.stringify({ ...head, choices, usage })}\n\n`;
  }
}

/** A text completion ends for its length, a filter, or because it is complete; it knows no tools. */
export function textFinishReason(finishReason: string | undefined): string | null {
  if (finishReason === undefined) return null;
  return finishReason === "length" || finishReason === "content_filter" ? finishReason : "stop";
}

/** An id as OpenAI's clients expect it, made from another format's. */
export function textId(id: string | undefined): string {
  return `cmpl-${(id ?? "unknown").replace(/^(chatcmpl|msg|resp|gen|cmpl)[_-]/, "")}`;
}
