import type { Usage } from "@pydantic/genai-prices";
import type { Logger } from "../../runtime/logger.ts";
import type { RequestCost, Telemetry } from "../request-record.ts";
import type { RawUsage } from "./raw-usage.ts";

/** US dollars per token where no list knows the model: dear on purpose, so that an unknown model is noticed. */
const DEFAULT_USD_PER_TOKEN = 0.00002;
/** Prices kept per (provider, model); the oldest leaves first. */
const CACHE_ENTRIES_MAX = 2_000;

/** Flat rates in US dollars per token. */
interface Rates {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
}

type CalcPrice = typeof import("@pydantic/genai-prices").calcPrice;
/** What is known of a model's price: flat rates, a list entry with tiers that must be asked each time, or nothing. */
type Price = Rates | "ask the list" | "unknown";

/**
 * Prices requests by the dated list of @pydantic/genai-prices. The list (19 MB in memory) is loaded at the first
 * request; asking it costs about 50 µs, so flat rates are taken from it once per model and kept.
 */
export class Prices {
  readonly #telemetry: Telemetry;
  readonly #logger: Logger;
  readonly #cache = new Map<string, Price>();
  #calcPrice: CalcPrice | undefined;
  #loading: Promise<void> | undefined;

  constructor(telemetry: Telemetry, logger: Logger) {
    this.#telemetry = telemetry;
    this.#logger = logger;
  }

  /** Resolves when the list is in memory, or known to be missing: then every model costs the default price. */
  load(): Promise<void> {
    this.#loading ??= import("@pydantic/genai-prices").then(
      ({ calcPrice }) => {
        this.#calcPrice = calcPrice;
      },
      (error: Error) => this.#logger.error({ error: error.message }, "price list not loaded; using the default price"),
    );
    return this.#loading;
  }

  /**
   * What the request cost. `load` must have resolved.
   * @param provider Provider id in the price list's spelling.
   */
  price(provider: string, model: string, usage: RawUsage): RequestCost {
    const key = `${provider}\n${model}`;
    let price = this.#cache.get(key);
    this.#telemetry.event("priceLookup", { model, known: price !== "unknown", cacheHit: price !== undefined });
    if (price === undefined) {
      price = this.#lookUp(provider, model);
      if (this.#cache.size >= CACHE_ENTRIES_MAX) this.#cache.delete(this.#cache.keys().next().value!);
      this.#cache.set(key, price);
    }
    if (price === "ask the list") {
      const asked = this.#ask(provider, model, listUsage(usage));
      if (asked !== undefined) return cost(asked.input_price, asked.output_price, false);
    } else if (price !== "unknown") {
      const fresh = Math.max(0, usage.inputTokens - usage.cacheReadTokens - usage.cacheWriteTokens);
      const cached = usage.cacheReadTokens * price.cacheRead + usage.cacheWriteTokens * price.cacheWrite;
      return cost(fresh * price.input + cached, usage.outputTokens * price.output, false);
    }
    return cost(usage.inputTokens * DEFAULT_USD_PER_TOKEN, usage.outputTokens * DEFAULT_USD_PER_TOKEN, true);
  }

  /**
   * US dollars per million tokens; undefined for a model that no list knows, and before `load` has resolved. For choosing
   * between models: tells telemetry nothing.
   */
  listRates(provider: string, model: string): { readonly input: number; readonly output: number } | undefined {
    const found = this.#ask(provider, model, { input_tokens: 1_000, output_tokens: 1_000 });
    return found && { input: found.input_price * 1_000, output: found.output_price * 1_000 };
  }

  /**
   * What a request may cost at most, in US dollars: all of its input fresh or written to a cache, whichever is dearer. For
   * reservations: tells telemetry nothing. `load` must have resolved.
   */
  worstUsd(provider: string, model: string, inputTokens: number, outputTokens: number): number {
    const key = `${provider}\n${model}`;
    const price = this.#cache.get(key) ?? this.#lookUp(provider, model);
    if (this.#cache.size < CACHE_ENTRIES_MAX) this.#cache.set(key, price);
    if (price === "ask the list") {
      const asked = this.#ask(provider, model, { input_tokens: inputTokens, output_tokens: outputTokens });
      if (asked !== undefined) return asked.input_price + asked.output_price;
    } else if (price !== "unknown") {
      return inputTokens * Math.max(price.input, price.cacheWrite) + outputTokens * price.output;
    }
    return (inputTokens + outputTokens) * DEFAULT_USD_PER_TOKEN;
  }

  #lookUp(provider: string, model: string): Price {
    const found = this.#ask(provider, model, { input_tokens: 1, output_tokens: 1 });
    if (found === undefined) return "unknown";
    const { input_mtok, output_mtok, cache_read_mtok, cache_write_mtok } = found.model_price;
    const flat = [input_mtok, output_mtok, cache_read_mtok ?? input_mtok, cache_write_mtok ?? input_mtok];
    const timed = Array.isArray(found.model.prices) && found.model.prices.length > 1;
    if (timed || !flat.every((rate) => typeof rate === "number")) return "ask the list";
    const [input, output, cacheRead, cacheWrite] = flat.map((rate) => (rate as number) / 1e6);
    return { input: input!, output: output!, cacheRead: cacheRead!, cacheWrite: cacheWrite! };
  }

  /** The list's answer for this provider, else for whoever else is known to sell the model. */
  #ask(provider: string, model: string, usage: Usage): NonNullable<ReturnType<CalcPrice>> | undefined {
    for (const options of [{ providerId: provider }, {}]) {
      try {
        const found = this.#calcPrice?.(usage, model, options);
        if (found) return found;
      } catch {
        // The list throws for counts that contradict each other; the default price is then as good as any.
      }
    }
    return undefined;
  }
}

function listUsage(usage: RawUsage): Usage {
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_read_tokens: usage.cacheReadTokens,
    cache_write_tokens: usage.cacheWriteTokens,
  };
}

function cost(inputUsd: number, outputUsd: number, defaultPricing: boolean): RequestCost {
  return { inputUsd, outputUsd, totalUsd: inputUsd + outputUsd, defaultPricing };
}
