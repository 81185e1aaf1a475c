import type { TokenUsage } from "../request-record.ts";
import type { StreamMeter } from "../stream/converter.ts";
import { estimateTokensOfChars } from "./estimate.ts";
import type { RawUsage } from "./raw-usage.ts";

export interface MeteredUsage {
  readonly raw: RawUsage;
  readonly source: TokenUsage["source"];
}

/**
 * The tokens of an answer, whole or broken off: the provider's own count where it gave one, else an estimate.
 * @param estimateInput Called only when the provider did not count the input.
 */
export function meteredUsage(meter: StreamMeter, complete: boolean, estimateInput: () => number): MeteredUsage {
  const estimatedOutput = estimateTokensOfChars(meter.outputChars);
  const { usage } = meter;
  if (usage !== undefined && complete) return { raw: usage, source: "provider" };
  if (usage !== undefined) {
    // Anthropic counts the input first; what came of the output until the break is ours to estimate.
    const outputTokens = Math.max(usage.outputTokens, estimatedOutput);
    return { raw: { ...usage, outputTokens }, source: "provider_partial" };
  }
  const raw = {
    inputTokens: estimateInput(),
    outputTokens: estimatedOutput,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
  };
  return { raw, source: "word_heuristic" };
}
