import type { Config } from "../../config/schema.ts";
import { AUTO_CANDIDATES_MAX } from "../limits.ts";
import type { Catalog } from "../providers/catalog.ts";
import { modelKind } from "../providers/model-kind.ts";
import { type Provider, upstreamModel } from "../providers/provider.ts";
import type { Prices } from "../usage/prices.ts";
import type { AvailabilityBreakers } from "./availability-breaker.ts";
import type { Breakers } from "./breakers.ts";
import type { LatencyBook } from "./latency-book.ts";
import { guessedQuality } from "./model-quality.ts";
import type { Target } from "./resolve.ts";
import { type Candidate, type Policy, type RankLimits, rank, slug } from "./smart-router.ts";

/** Asking the price list takes about 50 µs, so it is asked for this many models at most, the best ones first. */
const PRICED_MODELS_MAX = 400;
/** How long a choice among all models of all lists, and a price, are kept. */
const SHORTLIST_MS = 60_000;
const RATES_MS = 600_000;
const RATES_MAX = 2_000;
/** An ordinary request has about three tokens in for one out. */
const INPUT_SHARE = 0.75;

interface Rates {
  readonly input: number;
  readonly output: number;
}

export interface CandidateParts {
  readonly config: Config["gateway"]["routing"];
  readonly providers: ReadonlyMap<string, Provider>;
  readonly catalog: Catalog;
  readonly breakers: Breakers;
  readonly availability: AvailabilityBreakers;
  readonly latency: LatencyBook;
  readonly prices: Prices;
}

/** Finds what the smart router may choose among, and what is known of each. */
export class Candidates {
  readonly #parts: CandidateParts;
  readonly #now: () => number;
  readonly #shortlists = new Map<Policy, { readonly targets: readonly Target[]; readonly atMs: number }>();
  readonly #rates = new Map<string, { readonly rates: Rates | undefined; readonly atMs: number }>();

  constructor(parts: CandidateParts, now: () => number = Date.now) {
    this.#parts = parts;
    this.#now = now;
  }

  /** What is known of a target at this moment. */
  describe({ provider, model }: Target): Candidate {
    const { config, breakers, availability, latency } = this.#parts;
    const { name } = provider;
    const told = config.auto.find((entry) => entry.model === model || entry.model === `${name}/${model}`);
    const providerState = breakers.of(name)?.state ?? "closed";
    return {
      provider: name,
      model,
      costUsd: blended(this.#ratesOf(provider, model)),
      priceUsd: blended(told?.sellsAt),
      p95Ms: latency.quantile(name, model, 0.95),
      quality: told?.quality ?? guessedQuality(model),
      breaker: providerState === "closed" ? availability.state(name, model) : providerState,
    };
  }

  /** Cost of an ordinary mix of tokens, US dollars per million. */
  costOf({ provider, model }: Target): number | undefined {
    return blended(this.#ratesOf(provider, model));
  }

  /** The best of all chat models that providers list, by a policy: what `auto` chooses among. */
  shortlist(policy: Policy, limits: RankLimits): readonly Target[] {
    const kept = this.#shortlists.get(policy);
    if (kept !== undefined && this.#now() - kept.atMs < SHORTLIST_MS) return kept.targets;
    const targets = new Map(this.#listed().map((target) => [slug(named(target)), target]));
    const { ranked, excluded } = rank(
      [...targets.values()].map((target) => ({ ...this.describe(target), breaker: "closed" as const })),
      policy,
      limits,
    );
    const best = [...ranked.map(({ candidate }) => candidate), ...excluded.map(({ candidate }) => candidate)];
    const chosen = best.slice(0, AUTO_CANDIDATES_MAX).map((candidate) => targets.get(slug(candidate))!);
    this.#shortlists.set(policy, { targets: chosen, atMs: this.#now() });
    return chosen;
  }

  /** Chooses and prices anew: providers have changed. */
  forget(): void {
    this.#shortlists.clear();
    this.#rates.clear();
  }

  #listed(): Target[] {
    const { providers, catalog } = this.#parts;
    const all: Target[] = [];
    for (const provider of providers.values()) {
      for (const id of catalog.models(provider.name) ?? []) {
        if (modelKind(id) === "chat") all.push({ provider, model: upstreamModel(provider, id) });
      }
    }
    if (all.length <= PRICED_MODELS_MAX) return all;
    return all.sort((a, b) => guessedQuality(b.model) - guessedQuality(a.model)).slice(0, PRICED_MODELS_MAX);
  }

  #ratesOf(provider: Provider, model: string): Rates | undefined {
    const key = `${provider.name}\n${model}`;
    const kept = this.#rates.get(key);
    if (kept !== undefined && this.#now() - kept.atMs < RATES_MS) return kept.rates;
    const rates = this.#parts.prices.listRates(provider.quirks.pricedAs ?? provider.name, model);
    if (this.#rates.size >= RATES_MAX) this.#rates.delete(this.#rates.keys().next().value!);
    this.#rates.set(key, { rates, atMs: this.#now() });
    return rates;
  }
}

function named({ provider, model }: Target): { provider: string; model: string } {
  return { provider: provider.name, model };
}

function blended(rates: Rates | undefined): number | undefined {
  return rates && rates.input * INPUT_SHARE + rates.output * (1 - INPUT_SHARE);
}
