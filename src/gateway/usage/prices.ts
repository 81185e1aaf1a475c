import type { Usage } from "@pydantic/genai-prices";
import { type PricesConfig, prices as pricesSchema } from "../../config/prices.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { RequestCost, Telemetry } from "../request-record.ts";
import { ConfiguredPrices } from "./configured-prices.ts";
import { flatRates, PriceList } from "./price-list.ts";
import { PriceRefresh } from "./price-refresh.ts";
import { boundsViolation, costAt, priceFailure, type Rates, ratesOf, worstAt } from "./rates.ts";
import type { RawUsage } from "./raw-usage.ts";

/** Of the newest fetched list, in the data folder. */
export const PRICE_LIST_FILE = "price-list.json";
/** US dollars per million tokens where nobody knows the model: dear on purpose, so that an unknown model is noticed. */
const DEFAULT_RATES: Rates = ratesOf({ input: 20, output: 20 });
/** Prices kept per (provider, model); the oldest leaves first. */
const CACHE_ENTRIES_MAX = 2_000;
/** How often the age of the list is told. */
const HEALTH_MS = 60 * 60_000;

/** What is known of a model's price: flat rates, a list entry with tiers that must be asked each time, or nothing. */
type Price = Rates | "ask the list" | "unknown";

/**
 * Prices requests: by the operator's own prices (`gateway.prices.models`), else by the dated list, else by a default that
 * is reported. The list is loaded at the first request; flat rates are taken from it once per model and kept.
 */
export class Prices {
  readonly #telemetry: Telemetry;
  readonly #logger: Logger;
  readonly #cache = new Map<string, Price>();
  readonly #list = new PriceList();
  readonly #file: string | undefined;
  #config: PricesConfig;
  #configured: ConfiguredPrices;
  #refresh: PriceRefresh;
  #loading: Promise<void> | undefined;
  #healthTimer: NodeJS.Timeout | undefined;

  /** @param file Where a fetched list is kept; undefined keeps it in memory only. */
  constructor(telemetry: Telemetry, logger: Logger, config: PricesConfig = pricesSchema.parse({}), file?: string) {
    this.#telemetry = telemetry;
    this.#logger = logger;
    this.#file = file;
    this.#config = config;
    this.#configured = new ConfiguredPrices(config.models);
    this.#refresh = this.#newRefresh();
  }

  /** Takes over a changed configuration; requests that are under way are priced by the new one. */
  configure(config: PricesConfig): void {
    this.#config = config;
    this.#configured = new ConfiguredPrices(config.models);
    this.#cache.clear();
    this.#refresh.stop();
    this.#refresh = this.#newRefresh();
    if (this.#loading !== undefined) this.#refresh.start();
  }

  #newRefresh(): PriceRefresh {
    return new PriceRefresh({
      list: this.#list,
      config: this.#config,
      file: this.#file,
      telemetry: this.#telemetry,
      logger: this.#logger,
      replaced: () => {
        this.#cache.clear();
        this.#tellHealth();
      },
    });
  }

  /** Resolves when the list is in memory, or known to be missing: then every model costs the default price. */
  load(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<void> {
    try {
      await this.#list.load();
      await this.#refresh.restore();
    } catch (error) {
      this.#logger.error({ error: (error as Error).message }, "price list not loaded; using the default price");
      this.#telemetry.event("priceHealth", { stalenessHours: 0, healthy: false });
      return;
    }
    this.#tellHealth();
    this.#healthTimer = setInterval(() => this.#tellHealth(), HEALTH_MS);
    this.#healthTimer.unref();
    this.#refresh.start();
  }

  /** Fetches a newer list now. Never rejects. */
  refreshNow(triggeredBy: "admin" | "reload"): Promise<void> {
    return this.#refresh.fetch(triggeredBy);
  }

  close(): void {
    clearInterval(this.#healthTimer);
    this.#refresh.stop();
  }

  #tellHealth(): void {
    const ageMs = Math.max(0, Date.now() - this.#list.listedAtMs);
    const healthy = ageMs <= this.#config.staleAfter;
    this.#telemetry.event("priceHealth", { stalenessHours: ageMs / 3_600_000, healthy });
  }

  /**
   * What the request cost. `load` must have resolved.
   * @param provider Provider id in the price list's spelling.
   */
  price(provider: string, model: string, usage: RawUsage): RequestCost {
    const own = this.#configured.of(provider, model);
    if (own !== undefined) {
      this.#telemetry.event("priceLookup", { model, known: true, cacheHit: true, cacheName: "manual_pricing" });
      return costAt(own, usage);
    }
    const key = `${provider}\n${model}`;
    let price = this.#cache.get(key);
    this.#telemetry.event("priceLookup", { model, known: price !== "unknown", cacheHit: price !== undefined });
    if (price === undefined) {
      price = this.#lookUp(provider, model);
      this.#keep(key, price);
    }
    if (price === "ask the list") {
      const asked = this.#list.ask(provider, model, listUsage(usage));
      if (asked !== undefined) {
        // What is charged by the piece stands in the total only.
        const { total_price: totalUsd, output_price: outputUsd } = asked;
        return { inputUsd: totalUsd - outputUsd, outputUsd, totalUsd, defaultPricing: false };
      }
    } else if (price !== "unknown") return costAt(price, usage);
    return costAt(DEFAULT_RATES, usage, true);
  }

  /**
   * US dollars per million tokens; undefined for a model that nobody knows, and before `load` has resolved. For choosing
   * between models: tells telemetry nothing.
   */
  listRates(provider: string, model: string): { readonly input: number; readonly output: number } | undefined {
    const own = this.#configured.of(provider, model);
    if (own !== undefined) return { input: own.input * 1e6, output: own.output * 1e6 };
    const found = this.#list.ask(provider, model, { input_tokens: 1_000, output_tokens: 1_000 });
    return found && { input: found.input_price * 1_000, output: found.output_price * 1_000 };
  }

  /**
   * What a request may cost at most, in US dollars: all of its input fresh or written to a cache, whichever is dearer. For
   * reservations. `load` must have resolved.
   */
  worstUsd(provider: string, model: string, inputTokens: number, outputTokens: number): number {
    const own = this.#configured.of(provider, model);
    if (own !== undefined) return worstAt(own, inputTokens, outputTokens);
    const key = `${provider}\n${model}`;
    let price = this.#cache.get(key);
    if (price === undefined) {
      price = this.#lookUp(provider, model);
      this.#keep(key, price);
    }
    if (price === "ask the list") {
      const asked = this.#list.ask(provider, model, { input_tokens: inputTokens, output_tokens: outputTokens });
      if (asked !== undefined) return asked.total_price;
    } else if (price !== "unknown") return worstAt(price, inputTokens, outputTokens);
    return worstAt(DEFAULT_RATES, inputTokens, outputTokens);
  }

  #keep(key: string, price: Price): void {
    if (this.#cache.size >= CACHE_ENTRIES_MAX) this.#cache.delete(this.#cache.keys().next().value!);
    this.#cache.set(key, price);
  }

  /** Judges a model's price before it is used for the first time. */
  #lookUp(provider: string, model: string): Price {
    const found = this.#list.ask(provider, model, { input_tokens: 1, output_tokens: 1 });
    if (found === undefined) {
      this.#telemetry.event("priceValidated", { model, failure: "missing_price" });
      return "unknown";
    }
    const rates = flatRates(found);
    const judged = rates ?? ratesOf({ input: found.input_price * 1e6, output: found.output_price * 1e6 });
    const failure = priceFailure(judged);
    this.#telemetry.event("priceValidated", failure === undefined ? { model } : { model, failure });
    if (failure !== undefined) return "unknown";
    const violation = boundsViolation(judged, this.#config.usdPerMillionMax);
    if (violation !== undefined) {
      this.#telemetry.event("priceOutOfBounds", { model, violation });
      this.#logger.warn({ provider, model, violation }, "a model's price is outside of what is plausible");
    }
    return rates ?? "ask the list";
  }
}

function listUsage(usage: RawUsage): Usage {
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_read_tokens: usage.cacheReadTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    output_reasoning_tokens: Math.min(usage.reasoningTokens, usage.outputTokens),
    cache_write_1h_tokens: Math.min(usage.cacheWrite1hTokens ?? 0, usage.cacheWriteTokens),
    web_searches: usage.webSearches ?? 0,
  };
}
