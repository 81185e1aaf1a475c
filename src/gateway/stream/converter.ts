import type { GatewayError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import type { RawUsage } from "../usage/raw-usage.ts";

/** What a stream tells about itself while it passes. */
export class StreamMeter {
  responseId: string | undefined;
  model: string | undefined;
  /** In OpenAI's words: stop, length, tool_calls, content_filter. */
  finishReason: string | undefined;
  /** The client's stop sequence that was met, where a provider says so. */
  stopSequence: string | undefined;
  /** As the provider reported it, last report wins. */
  usage: RawUsage | undefined;
  /** Events that were passed on. */
  chunks = 0;
  /** Events that could not be read and were left out. */
  chunksDropped = 0;
  /** Characters of text and arguments seen, for an estimate when the provider reports no usage. */
  outputChars = 0;
}

/** An error that the provider sent inside its stream. */
export interface StreamedProviderError {
  readonly message: string;
  readonly type: string | undefined;
  readonly code: string | undefined;
}

/** What is reported when one event passes SSE_EVENT_BYTES_MAX. */
export const EVENT_TOO_LONG: StreamedProviderError = {
  message: "an event of the stream is too long",
  type: undefined,
  code: undefined,
};

/**
 * Turns a provider's stream into the client's, event by event. The same interface serves pass-through, where bytes go
 * on unchanged, and the two translations.
 */
export interface StreamConverter {
  readonly meter: StreamMeter;
  /** True once something that a reader would call an answer has passed; until then failover is invisible. */
  readonly started: boolean;
  /** True once the provider has said that the answer is complete. */
  readonly finished: boolean;
  /** True once the format's end mark came: nothing more can follow, whatever the connection does. */
  readonly terminated: boolean;
  readonly providerError: StreamedProviderError | undefined;
  /** What has come without being a whole event; where a stream should be but is not, the whole body. */
  readonly unreadText: string;
  /** Takes bytes from the provider; returns bytes for the client, maybe none. Stops at a provider's error. */
  push(chunk: Buffer): Buffer | string;
  /** What the client must still get after the provider's last byte of a finished stream. */
  end(): string;
  /** Ends a broken stream in the client's dialect. */
  fail(error: GatewayError, requestId: string): string;
}

/**
 * One piece of a model's reasoning as OpenRouter's clients know it (OpenRouter docs, "Preserving reasoning"). Text comes
 * piece by piece, a signature or encrypted data belongs to the text of the same `index`.
 */
export interface ReasoningDetail {
  readonly type: "reasoning.text" | "reasoning.summary" | "reasoning.encrypted";
  readonly text?: string;
  readonly summary?: string;
  /** Opaque, of `reasoning.encrypted`. */
  readonly data?: string;
  /** Opaque, of `reasoning.text`: proves to its maker that the text is the model's. */
  readonly signature?: string;
  readonly id?: string;
  /** Who can read `data` and `signature`, such as `anthropic-claude-v1`, `openai-responses-v1`, `google-gemini-v1`. */
  readonly format?: string;
  readonly index?: number;
}

export interface ToolCallDelta {
  /** Which of the answer's calls; several may be told in turns. */
  readonly index: number;
  /** With the first piece of a call. */
  readonly id?: string;
  readonly name?: string;
  /** The next piece of the arguments' JSON. */
  readonly arguments?: string;
}

/**
 * A step of an answer: the `delta` of OpenAI's chat chunks, checked and flattened. It is the pivot of every translated
 * stream: each provider format reads into it, each client format is written from it.
 */
export interface ChatDelta {
  readonly content?: string;
  readonly refusal?: string;
  /** Reasoning without anything to prove it. Left out where `reasoning` says the same. */
  readonly reasoningText?: string;
  readonly reasoning?: readonly ReasoningDetail[];
  readonly toolCalls?: readonly ToolCallDelta[];
  /** OpenAI's `logprobs.content` for the tokens of `content`. */
  readonly logprobs?: readonly unknown[];
}

/** @param finishReason In OpenAI's words, with the last step. */
export type EmitDelta = (delta: ChatDelta, finishReason?: string) => void;

/**
 * Reads a provider's stream of one format. It fills `responseId`, `model`, `usage` and `chunksDropped` of its meter;
 * everything else follows from the steps that it emits.
 */
export interface ChunkSource {
  readonly meter: StreamMeter;
  /** True once the format's end mark came. */
  readonly terminated: boolean;
  readonly providerError: StreamedProviderError | undefined;
  /** What has come without being a whole event. */
  readonly unreadText: string;
  /** Takes bytes from the provider, emits what they say. Emits nothing after an error or the end mark. */
  push(bytes: Buffer, emit: EmitDelta): void;
}

/** Writes the steps of an answer as a client's stream. Every method returns text for the client, maybe none. */
export interface ChunkSink {
  /** Set when the answer cannot be written without losing some of it: the stream then ends with this error. */
  readonly problem?: StreamedProviderError | undefined;
  /** @param meter `responseId`, `model` and `usage` as far as they are known. */
  take(delta: ChatDelta, finishReason: string | undefined, meter: StreamMeter): string;
  end(meter: StreamMeter): string;
  fail(error: GatewayError, requestId: string, meter: StreamMeter): string;
}

/** Reads the error object of either format: `{"error": {message, type, code}}`. */
export function streamedError(event: JsonObject): StreamedProviderError {
  const error = event["error"];
  if (typeof error === "string") return { message: error, type: undefined, code: undefined };
  const { message, type, code } = (typeof error === "object" && error !== null ? error : {}) as JsonObject;
  return {
    message: typeof message === "string" ? message : "unknown error",
    type: typeof type === "string" ? type : undefined,
    code: typeof code === "string" || typeof code === "number" ? String(code) : undefined,
  };
}
