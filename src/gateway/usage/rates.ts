import type { ConfiguredRates } from "../../config/prices.ts";
import type { RequestCost } from "../request-record.ts";
import type { RawUsage } from "./raw-usage.ts";

/** Flat rates in US dollars per token. */
export interface Rates {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly reasoning: number;
}

/** Rates from the list's or the configuration's dollars per million tokens. */
export function ratesOf(perMillion: Omit<ConfiguredRates, "from">): Rates {
  const { input, output, cacheRead = input, cacheWrite = input, reasoning = output } = perMillion;
  return {
    input: input / 1e6,
    output: output / 1e6,
    cacheRead: cacheRead / 1e6,
    cacheWrite: cacheWrite / 1e6,
    reasoning: reasoning / 1e6,
  };
}

/** What these tokens cost. Cached tokens are part of the input, reasoning tokens of the output. */
export function costAt(rates: Rates, usage: RawUsage, defaultPricing = false): RequestCost {
  const fresh = Math.max(0, usage.inputTokens - usage.cacheReadTokens - usage.cacheWriteTokens);
  const reasoning = Math.min(usage.reasoningTokens, usage.outputTokens);
  const inputUsd =
    fresh * rates.input + usage.cacheReadTokens * rates.cacheRead + usage.cacheWriteTokens * rates.cacheWrite;
  const outputUsd = (usage.outputTokens - reasoning) * rates.output + reasoning * rates.reasoning;
  return { inputUsd, outputUsd, totalUsd: inputUsd + outputUsd, defaultPricing };
}

/** What they cost at most: all input fresh or written to a cache, all output at the dearer of its two rates. */
export function worstAt(rates: Rates, inputTokens: number, outputTokens: number): number {
  return inputTokens * Math.max(rates.input, rates.cacheWrite) + outputTokens * Math.max(rates.output, rates.reasoning);
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
