import { GatewayError } from "../errors.ts";
import { isObject, type JsonObject } from "../json.ts";

const NAMES_MAX = 32;
const MODELS_MAX = 16;
const SORTS = ["price", "latency", "throughput"] as const;

/** What the client says about providers in its field `provider`. */
export interface ProviderPreferences {
  /** True where a name alone was given: that provider must serve the model. */
  readonly named: boolean;
  /** Tried first, in this order. */
  readonly order: readonly string[];
  /** The only ones allowed; undefined allows all. */
  readonly only: readonly string[] | undefined;
  readonly ignore: readonly string[];
  /** False: nobody but those of `order`, or but the first choice where `order` is empty. */
  readonly fallbacks: boolean;
  readonly sort: (typeof SORTS)[number] | undefined;
}

/** What a request's body asks of routing beside the model. */
export interface RoutingWishes {
  readonly provider: ProviderPreferences | undefined;
  /** Models to go on with when the asked one fails. */
  readonly models: readonly string[];
  /** True: order the model's providers by the balanced policy (contract 6b, `auto_routing`). */
  readonly autoRouting: boolean;
}

export const NO_WISHES: RoutingWishes = { provider: undefined, models: [], autoRouting: false };
/** Members of OpenRouter's provider object that routing knows; others would be promises that nobody keeps. */
const MEMBERS: ReadonlySet<string> = new Set(["order", "only", "ignore", "allow_fallbacks", "sort"]);

/**
 * Reads `provider` (a name, or an object as OpenRouter's "Provider routing" describes it), `models` and `auto_routing`.
 * @throws GatewayError INVALID_REQUEST.
 */
export function readWishes(body: JsonObject): RoutingWishes {
  const { provider, models, auto_routing: autoRouting } = body;
  if (provider === undefined && models === undefined && autoRouting === undefined) return NO_WISHES;
  return {
    provider: provider === undefined || provider === null ? undefined : readProvider(provider),
    models: models === undefined || models === null ? [] : names(models, "models", MODELS_MAX),
    autoRouting: autoRouting === true,
  };
}

function readProvider(provider: unknown): ProviderPreferences {
  if (typeof provider === "string") {
    return { named: true, order: [provider], only: undefined, ignore: [], fallbacks: true, sort: undefined };
  }
  if (!isObject(provider)) throw invalid("provider", "provider must be a string or an object.");
  for (const name of Object.keys(provider)) {
    if (MEMBERS.has(name)) continue;
    const known = [...MEMBERS].join(", ");
    throw invalid(`provider.${name.slice(0, 64)}`, `provider has an unknown member; this gateway knows ${known}.`);
  }
  const { order, only, ignore, allow_fallbacks: fallbacks } = provider;
  if (fallbacks !== undefined && typeof fallbacks !== "boolean") {
    throw invalid("provider.allow_fallbacks", "provider.allow_fallbacks must be true or false.");
  }
  return {
    named: false,
    order: order === undefined ? [] : names(order, "provider.order", NAMES_MAX),
    only: only === undefined ? undefined : names(only, "provider.only", NAMES_MAX),
    ignore: ignore === undefined ? [] : names(ignore, "provider.ignore", NAMES_MAX),
    fallbacks: fallbacks !== false,
    sort: readSort(provider["sort"]),
  };
}

function readSort(sort: unknown): ProviderPreferences["sort"] {
  if (sort === undefined || sort === null) return undefined;
  const by = isObject(sort) ? sort["by"] : sort; // OpenRouter takes both forms.
  const known = SORTS.find((name) => name === by);
  if (known === undefined) throw invalid("provider.sort", `provider.sort must be one of ${SORTS.join(", ")}.`);
  return known;
}

function names(value: unknown, param: string, countMax: number): string[] {
  const good = Array.isArray(value) && value.length <= countMax && value.every(isName);
  if (!good) throw invalid(param, `${param} must be a list of at most ${countMax} names.`);
  return value;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= 256;
}

function invalid(param: string, reason: string): GatewayError {
  return new GatewayError("INVALID_REQUEST", { reason }, { param });
}
