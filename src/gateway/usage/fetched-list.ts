import type { ModelPrice, Provider } from "@pydantic/genai-prices";
import { isObject, type JsonObject } from "../json.ts";

/** Of one provider of a fetched list. */
export interface ProviderChanges {
  readonly provider: string;
  readonly fetched: number;
  /** Models that are taken over. */
  readonly updated: number;
  /** Of these, models with a price that differs. */
  readonly changed: number;
  readonly skipped: Readonly<Record<string, number>>;
  readonly spikes: readonly { readonly model: string; readonly priceType: PriceType }[];
}

export type PriceType = "input" | "output" | "cache_read" | "cache_write";

const PRICE_TYPES: Readonly<Record<string, PriceType>> = {
  input_mtok: "input",
  output_mtok: "output",
  cache_read_mtok: "cache_read",
  cache_write_mtok: "cache_write",
};
/** Fewer providers than this are no list but a mistake somewhere on the way. */
const PROVIDERS_MIN = 5;

/**
 * Reads a fetched list: models whose prices cannot be used are left out, and each provider's changes against the list in
 * use are told.
 * @param spikeFactor A price that moved by more is a spike.
 * @throws Error when it is no list.
 */
export function readFetchedList(
  text: string,
  before: readonly Provider[],
  spikeFactor: number,
): { providers: Provider[]; changes: ProviderChanges[] } {
  const raw: unknown = JSON.parse(text);
  if (!Array.isArray(raw)) throw new Error("the price list is no array of providers");
  const listed = raw.filter(isProvider);
  if (listed.length < PROVIDERS_MIN) throw new Error(`the price list names only ${listed.length} providers`);
  const known = new Map(before.map((provider) => [provider.id, provider]));
  const providers: Provider[] = [];
  const changes: ProviderChanges[] = [];
  for (const provider of listed) {
    const skipped: Record<string, number> = {};
    const models = provider.models.filter((model) => {
      const reason = modelFault(model as unknown);
      if (reason !== undefined) skipped[reason] = (skipped[reason] ?? 0) + 1;
      return reason === undefined;
    });
    providers.push({ ...provider, models });
    changes.push({
      provider: provider.id,
      fetched: provider.models.length,
      updated: models.length,
      skipped,
      ...compare(known.get(provider.id), models, spikeFactor),
    });
  }
  return { providers, changes };
}

function isProvider(value: unknown): value is Provider {
  return (
    isObject(value) &&
    typeof value["id"] === "string" &&
    typeof value["api_pattern"] === "string" &&
    Array.isArray(value["models"])
  );
}

function modelFault(model: unknown): string | undefined {
  if (!isObject(model) || typeof model["id"] !== "string" || !isObject(model["match"])) return "malformed";
  const prices = pricesOf(model);
  if (prices.length === 0) return "missing_price";
  return prices.every(isUsable) ? undefined : "invalid_price";
}

function pricesOf(model: JsonObject): JsonObject[] {
  const { prices } = model;
  if (isObject(prices)) return [prices];
  return Array.isArray(prices) ? prices.filter(isObject).map((dated) => dated["prices"] as JsonObject) : [];
}

/** Every price of the object is a number that can be paid, or has tiers of them. */
function isUsable(prices: unknown): boolean {
  if (!isObject(prices)) return false;
  const amounts = Object.values(prices).flatMap((price) => {
    if (!isObject(price)) return [price];
    const tiers = Array.isArray(price["tiers"]) ? price["tiers"] : [];
    return [price["base"], ...tiers.map((tier) => (isObject(tier) ? tier["price"] : undefined))];
  });
  return amounts.every((amount) => typeof amount === "number" && Number.isFinite(amount) && amount >= 0);
}

function compare(
  before: Provider | undefined,
  models: Provider["models"],
  spikeFactor: number,
): Pick<ProviderChanges, "changed" | "spikes"> {
  const old = new Map(before?.models.map((model) => [model.id, newest(model.prices)]));
  const spikes: { model: string; priceType: PriceType }[] = [];
  let changed = 0;
  for (const model of models) {
    const was = old.get(model.id);
    const now = newest(model.prices);
    if (was === undefined || JSON.stringify(was) === JSON.stringify(now)) continue;
    changed++;
    for (const [key, priceType] of Object.entries(PRICE_TYPES)) {
      const ratio = base(now[key]) / base(was[key]);
      // From or to nothing is a change, but of no factor.
      if (!Number.isFinite(ratio) || ratio === 0) continue;
      if (ratio > spikeFactor || ratio < 1 / spikeFactor) spikes.push({ model: model.id, priceType });
    }
  }
  return { changed, spikes };
}

function newest(prices: Provider["models"][number]["prices"]): ModelPrice {
  return Array.isArray(prices) ? (prices.at(-1)?.prices ?? {}) : prices;
}

function base(price: ModelPrice[string]): number {
  return typeof price === "object" ? price.base : (price ?? Number.NaN);
}
