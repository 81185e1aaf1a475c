import { isObject, type JsonObject, numberAt, objectAt } from "../json.ts";
import type { RawUsage } from "../usage/raw-usage.ts";

/**
 * Tokens as OpenAI's image and audio endpoints report them (`input_tokens`, `output_tokens`); undefined for models that
 * are charged by the picture, the second or the character.
 */
export function readMediaUsage(reply: JsonObject): RawUsage | undefined {
  const usage = reply["usage"];
  if (!isObject(usage)) return undefined;
  const inputTokens = numberAt(usage, "input_tokens");
  const outputTokens = numberAt(usage, "output_tokens");
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const details = { ...objectAt(usage, "input_token_details"), ...objectAt(usage, "input_tokens_details") };
  const audioInputTokens = numberAt(details, "audio_tokens");
  const imageInputTokens = numberAt(details, "image_tokens");
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    cacheReadTokens: numberAt(details, "cached_tokens") ?? 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    ...(audioInputTokens === undefined ? {} : { audioInputTokens }),
    ...(imageInputTokens === undefined ? {} : { imageInputTokens }),
  };
}

/** Seconds of sound that a transcription was made of, as the reply says (`usage.seconds`, `duration`), or undefined. */
export function readSeconds(reply: JsonObject): number | undefined {
  return numberAt(objectAt(reply, "usage"), "seconds") ?? numberAt(reply, "duration");
}
