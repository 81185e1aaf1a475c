import type { ConfiguredRates, PricesConfig } from "../../config/prices.ts";
import { quirksOf } from "../providers/quirks.ts";
import { type Rates, ratesOf } from "./rates.ts";

/** The operator's own prices, by date. */
export class ConfiguredPrices {
  /** Key → its prices, newest first. */
  readonly #prices = new Map<string, readonly (Rates & { readonly fromMs: number })[]>();

  constructor(models: PricesConfig["models"]) {
    for (const [name, given] of Object.entries(models)) {
      const dated = (Array.isArray(given) ? given : [given]).map(datedRates);
      this.#prices.set(
        listKey(name),
        dated.sort((a, b) => b.fromMs - a.fromMs),
      );
    }
  }

  /** @param provider In the price list's spelling. */
  of(provider: string, model: string, nowMs = Date.now()): Rates | undefined {
    const dated = this.#prices.get(`${provider}/${model}`) ?? this.#prices.get(model);
    return dated?.find(({ fromMs }) => fromMs <= nowMs);
  }
}

function datedRates({ from, ...perMillion }: ConfiguredRates): Rates & { readonly fromMs: number } {
  return { ...ratesOf(perMillion), fromMs: from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from) };
}

/** People write our provider's name; prices are asked for by the list's. */
function listKey(name: string): string {
  const slash = name.indexOf("/");
  if (slash < 0) return name;
  const provider = name.slice(0, slash);
  return `${quirksOf(provider).pricedAs ?? provider}${name.slice(slash)}`;
}
