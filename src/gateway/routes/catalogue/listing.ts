import { globFits, mayUseModel } from "../../access/model-access.ts";
import type { Gateway } from "../../gateway.ts";
import type { ClientIdentity } from "../../request-record.ts";

/** Longest wait for lists that are being fetched; after it the lists known so far are served. */
const REFRESH_WAIT_MS = 3_000;

export interface ListedModel {
  readonly id: string;
  /** The provider that is asked first. */
  readonly owner: string;
  readonly providers: readonly string[];
}

/**
 * What the providers serve, by id; waits a moment for lists that are being fetched. Left out is what the health service
 * has found to be gone, unless `all` is asked for, as the health service itself does.
 */
export async function listModels(gateway: Gateway, all = false): Promise<ListedModel[]> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, REFRESH_WAIT_MS);
  });
  await Promise.race([gateway.catalog.refresh(), patience]);
  clearTimeout(timer);
  const models = knownModels(gateway);
  return all ? models : models.flatMap((model) => withoutHidden(gateway, model) ?? []);
}

function withoutHidden({ routing }: Gateway, model: ListedModel): ListedModel | undefined {
  const providers = model.providers.filter((provider) => !routing.hides(provider, model.id));
  if (providers.length === model.providers.length) return model;
  const [owner] = providers;
  return owner === undefined ? undefined : { ...model, owner, providers };
}

/** What the providers have told so far, by id. */
export function knownModels(gateway: Gateway): ListedModel[] {
  const byId = new Map<string, { id: string; owner: string; providers: string[] }>();
  for (const provider of gateway.providers.keys()) {
    for (const id of gateway.catalog.models(provider) ?? []) {
      const known = byId.get(id);
      if (known === undefined) byId.set(id, { id, owner: provider, providers: [provider] });
      else known.providers.push(provider);
    }
  }
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The models that a key may use, and of their providers those that it may use. */
export function usableBy(client: ClientIdentity, models: readonly ListedModel[]): ListedModel[] {
  const { allowedModels, allowedProviders } = client;
  if (allowedModels === undefined && allowedProviders === undefined) return [...models];
  return models.flatMap((model) => {
    const providers = model.providers.filter(
      (provider) => allowedProviders === undefined || allowedProviders.some((glob) => globFits(glob, provider)),
    );
    const fits =
      mayUseModel(client, model.id) || providers.some((provider) => mayUseModel(client, `${provider}/${model.id}`));
    const [owner] = providers;
    return owner === undefined || !fits ? [] : [{ ...model, owner, providers }];
  });
}
