import { errorBody, type GatewayError } from "../errors.ts";
import { isObject, type JsonObject, objectAt, objectsAt, parseObject, stringAt } from "../json.ts";
import { readOpenAiUsage } from "../usage/raw-usage.ts";
import { streamedError } from "./converter.ts";
import { EventPassThrough } from "./pass-events.ts";
import { eventData } from "./sse-splitter.ts";

const DONE = "data: [DONE]\n\n";
const FINISH_NULL = Buffer.from('"finish_reason":null');
const FINISH_NULL_SPACED = Buffer.from('"finish_reason": null');
const TOKENS = Buffer.from('_tokens"');
const ERROR = Buffer.from('"error"');

/**
 * OpenAI stream to OpenAI client: bytes pass unchanged, a scanner reads what accounting needs. A chunk that carries
 * only usage is withheld when the client did not ask for it; usage on a chunk with content is moved behind it.
 */
export class OpenAiPassThrough extends EventPassThrough {
  readonly #usageWanted: boolean;
  #finishSeen = false;
  /** The chunk with the counts that a provider gave too early. */
  #lateUsage: JsonObject | undefined;
  /** Bytes around the text in a chunk of this stream; the rest of an unparsed chunk is its text. */
  #envelopeBytes = 0;

  constructor(usageWanted: boolean) {
    super();
    this.#usageWanted = usageWanted;
  }

  get finished(): boolean {
    return this.terminated || this.#finishSeen;
  }

  protected passes(event: Buffer): boolean | Buffer {
    if (this.started && isPlainDelta(event)) {
      this.meter.chunks++;
      this.meter.outputChars += Math.max(0, event.length - this.#envelopeBytes);
      return true;
    }
    const data = eventData(event);
    if (data === undefined) return this.started; // A comment; before the first chunk it would only commit us early.
    if (data === "[DONE]") {
      this.terminated = true;
      return false; // Written by end(), after it is known that nothing is missing.
    }
    const chunk = parseObject(data);
    if (chunk === undefined) {
      this.meter.chunksDropped++;
      return false;
    }
    if (chunk["error"] !== undefined && chunk["error"] !== null) {
      this.providerError = streamedError(chunk);
      return false;
    }
    return this.#meterChunk(chunk, event.length);
  }

  #meterChunk(chunk: JsonObject, eventBytes: number): boolean | Buffer {
    const { meter } = this;
    meter.responseId ??= stringAt(chunk, "id");
    meter.model ??= stringAt(chunk, "model");
    if (isObject(chunk["usage"])) meter.usage = readOpenAiUsage(chunk["usage"]) ?? meter.usage;
    const choices = objectsAt(chunk, "choices");
    const counts = isObject(chunk["usage"]);
    if (choices.length === 0 && counts) {
      if (!this.#usageWanted) return false;
      this.#lateUsage = undefined;
    }
    for (const choice of choices) {
      const finishReason = stringAt(choice, "finish_reason");
      if (finishReason !== undefined) {
        meter.finishReason = finishReason;
        this.#finishSeen = true;
      }
      // Legacy text completions have their text beside, not in, a delta.
      const chars = deltaChars(objectAt(choice, "delta")) + (stringAt(choice, "text")?.length ?? 0);
      meter.outputChars += chars;
      if (chars > 0) this.#envelopeBytes = eventBytes - chars;
      if (chars > 0 || finishReason !== undefined) this.started = true;
    }
    meter.chunks++;
    return counts && choices.length > 0 ? this.#withoutUsage(chunk) : true;
  }

  /** Some providers count on a chunk with content; OpenAI's clients expect that on one behind it, if they asked for it. */
  #withoutUsage(chunk: JsonObject): Buffer {
    const { usage, ...rest } = chunk;
    if (this.#usageWanted) {
      const { id, object, created, model } = chunk;
      this.#lateUsage = { id, object, created, model, choices: [], usage };
    }
    const written = this.#usageWanted ? { ...rest, usage: null } : rest;
    return Buffer.from(`data: ${JSON.stringify(written)}\n\n`);
  }

  override end(): string {
    return this.#lateUsage === undefined ? DONE : `data: ${JSON.stringify(this.#lateUsage)}\n\n${DONE}`;
  }

  fail(error: GatewayError, requestId: string): string {
    return openAiStreamError(error, requestId);
  }
}

/** The error chunk and the `[DONE]` that end a broken stream for an OpenAI client (contract 6b). */
export function openAiStreamError(error: GatewayError, requestId: string): string {
  return `data: ${JSON.stringify(errorBody(error, "openai", requestId))}\n\n${DONE}`;
}

/** True for a chunk that has neither an end, nor counts, nor an error: it need not be parsed. */
function isPlainDelta(event: Buffer): boolean {
  return (
    (event.includes(FINISH_NULL) || event.includes(FINISH_NULL_SPACED)) &&
    !event.includes(TOKENS) &&
    !event.includes(ERROR)
  );
}

/** Characters of everything in a delta that a model produced. */
export function deltaChars(delta: JsonObject): number {
  let chars = 0;
  for (const key of ["content", "reasoning_content", "reasoning", "refusal"])
    chars += stringAt(delta, key)?.length ?? 0;
  for (const call of objectsAt(delta, "tool_calls")) {
    const fn = objectAt(call, "function");
    chars += (stringAt(fn, "name")?.length ?? 0) + (stringAt(fn, "arguments")?.length ?? 0);
  }
  const legacy = objectAt(delta, "function_call");
  return chars + (stringAt(legacy, "name")?.length ?? 0) + (stringAt(legacy, "arguments")?.length ?? 0);
}
