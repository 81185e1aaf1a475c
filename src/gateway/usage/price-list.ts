import type { PriceCalculation, Provider, Usage } from "@pydantic/genai-prices";
import { type Rates, ratesOf } from "./rates.ts";

/** The day on which the installed version of @pydantic/genai-prices was made; price-list.test.ts compares the version. */
export const INSTALLED_LIST = { version: "0.1.8", date: "2026-09-23" } as const;

type Library = typeof import("@pydantic/genai-prices");

/**
 * The dated list of @pydantic/genai-prices: 19 MB in memory, about 50 µs a question. The library holds it once per
 * process; a newer one replaces it for all who ask there.
 */
export class PriceList {
  #library: Library | undefined;
  #replace: ((providers: Provider[]) => void) | undefined;
  /** Unix ms of the list in use. */
  listedAtMs = Date.parse(INSTALLED_LIST.date);

  /** Brings the list into memory. @throws Error when the library cannot be loaded. */
  async load(): Promise<void> {
    if (this.#library !== undefined) return;
    const library = await import("@pydantic/genai-prices");
    library.updatePrices(({ setProviderData }) => {
      this.#replace = setProviderData;
    });
    this.#library = library;
  }

  /** Providers and models of the list in use; `load` must have resolved. */
  async providers(): Promise<readonly Provider[]> {
    return (await this.#library?.waitForUpdate()) ?? [];
  }

  /**
   * Puts another list in place of the one in use.
   * @throws Error when the library does not take it; the one in use stays.
   */
  replace(providers: Provider[], listedAtMs: number): void {
    this.#replace?.(providers);
    this.listedAtMs = listedAtMs;
  }

  /** The list's answer for this provider, else for whoever else is known to sell the model. */
  ask(provider: string, model: string, usage: Usage): PriceCalculation | undefined {
    for (const options of [{ providerId: provider }, {}]) {
      try {
        const found = this.#library?.calcPrice(usage, model, options);
        if (found) return found;
      } catch {
        // The list throws for counts that contradict each other and for what it sells otherwise than by token.
      }
    }
    return undefined;
  }
}

/** The list's name of a price → ours. Prices per thousand pieces are turned into those of one. */
const TOKEN_PRICES = {
  input_mtok: "input",
  output_mtok: "output",
  cache_read_mtok: "cacheRead",
  cache_write_mtok: "cacheWrite",
  cache_write_1h_mtok: "cacheWrite1h",
  output_reasoning_mtok: "reasoning",
  input_audio_mtok: "audioInput",
  input_image_mtok: "imageInput",
  output_audio_mtok: "audioOutput",
} as const;
const PIECE_PRICES = { requests_kcount: "request", web_searches_kcount: "webSearch" } as const;

/** The flat rates of a list's entry; undefined where they depend on the time of day or on the number of tokens. */
export function flatRates(found: PriceCalculation): Rates | undefined {
  const { model_price: price, model } = found;
  if (Array.isArray(model.prices) && model.prices.length > 1) return undefined;
  const { input_mtok: input, output_mtok: output = 0 } = price;
  if (typeof input !== "number" || typeof output !== "number") return undefined;
  const given: { -readonly [K in keyof Parameters<typeof ratesOf>[0]]: Parameters<typeof ratesOf>[0][K] } = {
    ...{ input, output },
  };
  for (const [theirs, ours] of Object.entries(TOKEN_PRICES)) {
    const rate = price[theirs];
    if (typeof rate === "object") return undefined;
    if (rate !== undefined) given[ours] = rate;
  }
  for (const [theirs, ours] of Object.entries(PIECE_PRICES)) {
    const rate = price[theirs];
    if (typeof rate === "object") return undefined;
    if (rate !== undefined) given[ours] = rate / 1_000;
  }
  return ratesOf(given);
}
