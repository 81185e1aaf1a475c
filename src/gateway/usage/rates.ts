import type { ConfiguredRates } from "../../config/prices.ts";
import type { RequestCost } from "../request-record.ts";
import type { RawUsage } from "./raw-usage.ts";

/** Flat rates in US dollars per token. */
export interface Rates {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  /** Written to be kept an hour. */
  readonly cacheWrite1h: number;
  readonly reasoning: number;
  readonly audioInput: number;
  readonly imageInput: number;
  readonly audioOutput: number;
  /** US dollars per request, and per search that the provider made for it. */
  readonly request: number;
  readonly webSearch: number;
}

/** Rates from the list's or the configuration's dollars per million tokens, per request and per search. */
export function ratesOf(given: Omit<ConfiguredRates, "from">): Rates {
  const { input, output, request = 0, webSearch = 0 } = given;
  const { cacheRead = input, cacheWrite = input, reasoning = output, audioInput = input, audioOutput = output } = given;
  return {
    input: input / 1e6,
    output: output / 1e6,
    cacheRead: cacheRead / 1e6,
    cacheWrite: cacheWrite / 1e6,
    cacheWrite1h: (given.cacheWrite1h ?? cacheWrite) / 1e6,
    reasoning: reasoning / 1e6,
    audioInput: audioInput / 1e6,
    imageInput: (given.imageInput ?? input) / 1e6,
    audioOutput: audioOutput / 1e6,
    request,
    webSearch,
  };
}

/**
 * What this usage costs. Cached and audio tokens are part of the input, reasoning and audio tokens of the output; what is
 * charged by the piece stands with the input.
 */
export function costAt(rates: Rates, usage: RawUsage, defaultPricing = false): RequestCost {
  const { cacheReadTokens, cacheWriteTokens, audioInputTokens = 0, audioOutputTokens = 0, webSearches = 0 } = usage;
  const { imageInputTokens = 0 } = usage;
  const hour = Math.min(usage.cacheWrite1hTokens ?? 0, cacheWriteTokens);
  const fresh = Math.max(
    0,
    usage.inputTokens - cacheReadTokens - cacheWriteTokens - audioInputTokens - imageInputTokens,
  );
  const reasoning = Math.min(usage.reasoningTokens, usage.outputTokens);
  const written = Math.max(0, usage.outputTokens - reasoning - audioOutputTokens);
  const cached =
    cacheReadTokens * rates.cacheRead + (cacheWriteTokens - hour) * rates.cacheWrite + hour * rates.cacheWrite1h;
  const pieces = rates.request + webSearches * rates.webSearch;
  const seenAndHeard = audioInputTokens * rates.audioInput + imageInputTokens * rates.imageInput;
  const inputUsd = fresh * rates.input + seenAndHeard + cached + pieces;
  const outputUsd = written * rates.output + reasoning * rates.reasoning + audioOutputTokens * rates.audioOutput;
  return { inputUsd, outputUsd, totalUsd: inputUsd + outputUsd, defaultPricing };
}

/** What text costs at most: all input fresh or written to a cache, all output at the dearer of its two rates. */
export function worstAt(rates: Rates, inputTokens: number, outputTokens: number): number {
  const input = Math.max(rates.input, rates.cacheWrite, rates.cacheWrite1h);
  return rates.request + inputTokens * input + outputTokens * Math.max(rates.output, rates.reasoning);
}

/** What is implausible in a price; undefined when nothing is. @param usdPerMillionMax What no model costs. */
export function boundsViolation({ input, output }: Rates, usdPerMillionMax: number): string | undefined {
  if (Math.max(input, output) * 1e6 > usdPerMillionMax) return "above_maximum";
  if (output < input && output > 0) return "output_below_input";
  return undefined;
}

/** Why a price cannot be used; undefined when it can. */
export function priceFailure(rates: Rates): string | undefined {
  const all = Object.values(rates);
  if (!all.every(Number.isFinite)) return "not_a_number";
  return all.some((rate) => rate < 0) ? "negative" : undefined;
}
