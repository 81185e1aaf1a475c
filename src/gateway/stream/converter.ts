import type { GatewayError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import type { RawUsage } from "../usage/raw-usage.ts";

/** What a stream tells about itself while it passes. */
export class StreamMeter {
  responseId: string | undefined;
  model: string | undefined;
  /** In OpenAI's words: stop, length, tool_calls, content_filter. */
  finishReason: string | undefined;
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
