import { setImmediate as nextTurn } from "node:timers/promises";

/** US dollars per million tokens; undefined parts are not named by the list. */
export interface ListPrice {
  readonly inputUsd: number;
  readonly outputUsd: number;
  readonly cacheReadUsd: number | undefined;
  readonly cacheWriteUsd: number | undefined;
}

/** What the price list knows of a model. */
export interface ListFacts {
  readonly price: ListPrice | undefined;
  readonly contextTokens: number | undefined;
}

const NOTHING: ListFacts = { price: undefined, contextTokens: undefined };
/** Facts kept, one entry per model of the catalogue. */
const ENTRIES_MAX = 20_000;
/** Asking the list costs about 50 µs; after so many questions other work gets its turn. */
const QUESTIONS_PER_TURN = 40;

/** Facts are asked for anew after this time: the list may have been refreshed, and prices change by date. */
const KEPT_MS = 600_000;

type Find = (provider: string, model: string) => ListFacts;

/** Prices and context limits from the dated list of @pydantic/genai-prices, as of today, asked once per model. */
export class ListPrices {
  readonly #known = new Map<string, ListFacts>();
  #knownSinceMs = 0;
  #loading: Promise<Find> | undefined;
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The facts of these models, in their order. */
  async of(models: readonly { readonly provider: string; readonly model: string }[]): Promise<ListFacts[]> {
    this.#loading ??= loadList();
    const find = await this.#loading;
    if (this.#now() - this.#knownSinceMs > KEPT_MS) {
      this.#known.clear();
      this.#knownSinceMs = this.#now();
    }
    const facts: ListFacts[] = [];
    let asked = 0;
    for (const { provider, model } of models) {
      const key = `${provider}\n${model}`;
      let known = this.#known.get(key);
      if (known === undefined) {
        known = find(provider, model);
        if (this.#known.size >= ENTRIES_MAX) this.#known.delete(this.#known.keys().next().value!);
        this.#known.set(key, known);
        if (++asked % QUESTIONS_PER_TURN === 0) await nextTurn();
      }
      facts.push(known);
    }
    return facts;
  }
}

async function loadList(): Promise<Find> {
  const { calcPrice } = await import("@pydantic/genai-prices");
  const ask = (provider: string | undefined, model: string): ReturnType<typeof calcPrice> => {
    try {
      return calcPrice(
        { input_tokens: 1, output_tokens: 1 },
        model,
        provider === undefined ? {} : { providerId: provider },
      );
    } catch {
      return null; // The list throws for what it cannot price, such as images; it knows no more of it.
    }
  };
  return (provider, model) => {
    // Whoever else is known to sell it tells the context limit as well as its maker.
    const found = ask(provider, model) ?? ask(undefined, model);
    if (found === null) return NOTHING;
    const { input_mtok, output_mtok, cache_read_mtok, cache_write_mtok } = found.model_price;
    const inputUsd = baseOf(input_mtok) ?? 0;
    const outputUsd = baseOf(output_mtok) ?? 0;
    return {
      price: { inputUsd, outputUsd, cacheReadUsd: baseOf(cache_read_mtok), cacheWriteUsd: baseOf(cache_write_mtok) },
      contextTokens: found.model.context_window,
    };
  };
}

/** The price up to the first tier. */
function baseOf(price: unknown): number | undefined {
  if (typeof price === "number") return price;
  const base = (price as { base?: unknown } | undefined)?.base;
  return typeof base === "number" ? base : undefined;
}
