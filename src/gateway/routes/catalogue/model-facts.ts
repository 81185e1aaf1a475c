import type { Gateway } from "../../gateway.ts";
import { type ModelKind, modelKind } from "../../providers/model-kind.ts";
import { groupRows } from "../../statistics/fold.ts";
import type { Totals } from "../../statistics/totals.ts";
import type { ListPrice } from "./list-prices.ts";
import { type ListedModel, listModels } from "./listing.ts";

/** Everything that is known of a model: who serves it, what it costs, how it did in the last 24 h. */
export interface ModelFacts extends ListedModel {
  readonly kind: ModelKind;
  readonly contextTokens: number | undefined;
  /** At the provider that is asked first; undefined where no list knows it. */
  readonly price: ListPrice | undefined;
  /** The gateway's own requests for it; undefined without any. */
  readonly totals: Totals | undefined;
}

/** The facts of every listed model, by id. */
export async function modelFacts(gateway: Gateway): Promise<ModelFacts[]> {
  return withFacts(gateway, await listModels(gateway));
}

/** Adds facts to some listed models. */
export async function withFacts(gateway: Gateway, models: readonly ListedModel[]): Promise<ModelFacts[]> {
  const known = await gateway.listPrices.of(
    models.map(({ id, owner }) => ({ provider: gateway.providers.get(owner)?.quirks.pricedAs ?? owner, model: id })),
  );
  const day = new Map(groupRows(gateway.statistics.past(24), "model").map(({ name, totals }) => [name, totals]));
  return models.map((model, index) => ({
    ...model,
    kind: modelKind(model.id),
    contextTokens: known[index]!.contextTokens,
    price: ownPrice(gateway, model) ?? known[index]!.price,
    totals: day.get(model.id),
  }));
}

/** The operator's own price, which requests are billed by. */
function ownPrice(gateway: Gateway, { id, owner }: ListedModel): ListPrice | undefined {
  const { models } = gateway.context.config.gateway.prices;
  if (!Object.hasOwn(models, id) && !Object.hasOwn(models, `${owner}/${id}`)) return undefined;
  const rates = gateway.prices.listRates(gateway.providers.get(owner)?.quirks.pricedAs ?? owner, id);
  return rates && { inputUsd: rates.input, outputUsd: rates.output, cacheReadUsd: undefined, cacheWriteUsd: undefined };
}
