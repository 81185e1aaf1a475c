import { DEFAULT_CHAIN } from "../../config/routing.ts";
import { GatewayError } from "../errors.ts";
import { ATTEMPTS_MAX } from "../limits.ts";
import type { Catalog } from "../providers/catalog.ts";
import type { Credential } from "../providers/credential.ts";
import { type Provider, upstreamModel } from "../providers/provider.ts";

/** One provider to try, with the id that it uses for the model. */
export interface Target {
  readonly provider: Provider;
  readonly model: string;
  /** Targets of one model, or of models that are as good as each other, have one number; those behind it have higher ones. */
  readonly step?: number;
  /** What the call authenticates with; the provider's first where undefined. */
  readonly credential?: Credential;
}

interface Family {
  readonly pattern: RegExp;
  readonly chain: readonly string[];
  /** What the ids of resellers begin with. */
  readonly vendor: string | undefined;
}

/** Who makes models of this name, and the only providers that may serve them. */
const FAMILIES: readonly Family[] = [
  { pattern: /:(free|exacto|extended)$/, chain: ["openrouter"], vendor: undefined },
  {
    pattern: /^(openai\/|gpt-|chatgpt-|o\d|text-embedding-|omni-moderation|text-moderation|davinci-|babbage-)/,
    chain: ["openai", "openrouter"],
    vendor: "openai",
  },
  { pattern: /^(anthropic\/|claude-)/, chain: ["anthropic", "openrouter"], vendor: "anthropic" },
  { pattern: /^(x-ai\/|grok-)/, chain: ["xai"], vendor: "x-ai" },
  { pattern: /^openrouter\//, chain: ["openrouter"], vendor: "openrouter" },
];

/** Providers that serve their own models only. */
const MAKERS: ReadonlySet<string> = new Set(
  FAMILIES.map(({ chain }) => chain[0]!).filter((name) => name !== "openrouter"),
);

/**
 * The providers to try for a model, first choice first.
 *
 * A provider named by the client (field `provider`, or as prefix `provider/model`) comes first; the rest are those that
 * list the model, in the family's or the default order. A provider that has never told its list is tried when the
 * model's family or the client names it. When nobody lists the model, those are tried, too, of which nothing is known,
 * and their own 404 is the answer; makers of models (openai, anthropic, xai) are not asked for names that are not theirs.
 *
 * @param pinned With true only the named provider is tried.
 * @throws GatewayError NO_PROVIDER_CONFIGURED, PROVIDER_NOT_FOUND, MODEL_NOT_FOUND.
 */
export async function resolveTargets(
  providers: ReadonlyMap<string, Provider>,
  catalog: Catalog,
  model: string,
  providerField: string | undefined,
  pinned: boolean,
): Promise<Target[]> {
  const targets = await resolveAll(providers, catalog, model, providerField, DEFAULT_CHAIN);
  return targets.slice(0, pinned && providerField !== undefined ? 1 : ATTEMPTS_MAX);
}

/** As `resolveTargets`, however many there are, in the order of `chain`. */
export async function resolveAll(
  providers: ReadonlyMap<string, Provider>,
  catalog: Catalog,
  model: string,
  providerField: string | undefined,
  chain: readonly string[],
): Promise<Target[]> {
  if (providers.size === 0) throw new GatewayError("NO_PROVIDER_CONFIGURED", {});
  if (providerField !== undefined && !providers.has(providerField)) {
    throw new GatewayError("PROVIDER_NOT_FOUND", { provider: providerField }, { param: "provider" });
  }
  const serves = (found: readonly Target[]): boolean => {
    return found.length > 0 && (providerField === undefined || found[0]!.provider.name === providerField);
  };
  let targets = targetsNow(providers, catalog, model, providerField, chain, false);
  if (!serves(targets)) {
    await catalog.refresh(true); // A model may be newer than our list.
    targets = targetsNow(providers, catalog, model, providerField, chain, true);
  }
  if (!serves(targets)) {
    // Who asks for a provider and silently gets another one would look for the difference in the wrong place.
    const asked = providerField === undefined ? model : `${providerField}/${model}`;
    throw new GatewayError("MODEL_NOT_FOUND", { model: asked }, { param: "model" });
  }
  return targets;
}

function targetsNow(
  providers: ReadonlyMap<string, Provider>,
  catalog: Catalog,
  model: string,
  providerField: string | undefined,
  chain: readonly string[],
  trustAll: boolean,
): Target[] {
  const named = namedProvider(providers, catalog, model, providerField);
  const bareModel = named?.model ?? model;
  const family = FAMILIES.find(({ pattern }) => pattern.test(bareModel));
  const targets: Target[] = [];
  for (const name of order(providers, chain, family?.chain, named?.provider.name)) {
    const provider = providers.get(name);
    if (provider === undefined) continue;
    const trusted =
      (trustAll && !MAKERS.has(name)) || provider === named?.provider || family?.chain.includes(name) === true;
    const id = servedId(provider, catalog, bareModel, family?.vendor, trusted);
    if (id !== undefined) targets.push({ provider, model: upstreamModel(provider, id) });
  }
  return targets;
}

/** The provider that the client asked for by name, if any, and the model without that name. */
function namedProvider(
  providers: ReadonlyMap<string, Provider>,
  catalog: Catalog,
  model: string,
  providerField: string | undefined,
): Target | undefined {
  const slash = model.indexOf("/");
  const prefix = slash > 0 ? model.slice(0, slash) : undefined;
  if (providerField !== undefined) {
    return {
      provider: providers.get(providerField)!,
      model: prefix === providerField ? model.slice(slash + 1) : model,
    };
  }
  const provider = prefix === undefined ? undefined : providers.get(prefix);
  // Some ids begin like a provider's name but are meant whole, such as openrouter's own `openrouter/auto`.
  if (provider === undefined || catalog.models(provider.name)?.has(model)) return undefined;
  return { provider, model: model.slice(slash + 1) };
}

function order(
  providers: ReadonlyMap<string, Provider>,
  chain: readonly string[],
  familyChain: readonly string[] | undefined,
  first: string | undefined,
): Iterable<string> {
  const names = new Set<string>();
  if (first !== undefined) names.add(first);
  for (const name of familyChain ?? chain) names.add(name);
  for (const name of [...providers.keys()].sort()) {
    // A family's chain is exclusive only for the contract's providers; one of another name may list the model, too, and
    // Vertex serves Claude for its maker where the operator wrote its models down.
    const { type, configuredModels } = providers.get(name)!;
    const forMaker = type === "vertex" && configuredModels.length > 0;
    if (familyChain === undefined || !DEFAULT_CHAIN.includes(name) || forMaker) names.add(name);
  }
  return names;
}

/** The id under which this provider serves the model, or undefined. `trusted`: taken at its word without a list. */
function servedId(
  provider: Provider,
  catalog: Catalog,
  model: string,
  vendor: string | undefined,
  trusted: boolean,
): string | undefined {
  const bare = vendor !== undefined && model.startsWith(`${vendor}/`) ? model.slice(vendor.length + 1) : model;
  const prefixed = vendor === undefined ? model : `${vendor}/${bare}`;
  const served = catalog.models(provider.name);
  if (served === undefined) {
    if (!trusted) return undefined;
    return provider.quirks.vendorPrefixedIds ? prefixed : bare;
  }
  return [model, bare, prefixed].find((id) => served.has(id));
}
