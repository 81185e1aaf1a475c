import type { Logger } from "../../runtime/logger.ts";
import type { Telemetry } from "../request-record.ts";
import type { Provider } from "./provider.ts";
import { readBody, UpstreamCall } from "./upstream-call.ts";
import { providerHeaders } from "./upstream-request.ts";

/** How long a provider's list is taken as fresh. */
const FRESH_MS = 10 * 60_000;
/** After a failure, and after a question for a model that the list lacks, not more often than this. */
const RETRY_MS = 60_000;
const FETCH_TIMEOUT_MS = 8_000;
const LIST_BYTES_MAX = 16 * 1024 * 1024; // 16 MiB; OpenRouter's is about 1 MiB
/** How the message of a fetch begins that took too long. */
const LATE = "no model list within";
/** A list that has shrunk below this share of the last one is taken, and reported. */
const SHRUNK_SHARE = 0.5;
/** Most ids that are kept of one provider. */
const MODELS_MAX = 5_000;

interface Listing {
  /** Undefined until the provider has answered once. */
  models: ReadonlySet<string> | undefined;
  checkedAtMs: number;
  refresh: Promise<void> | undefined;
  /** The last fetch failed; said once, not at every try. */
  failing: boolean;
  /** The last fetch failed or brought nothing, so that the next one comes early and is a repair. */
  broken: boolean;
}

/**
 * Which provider serves which model. A list from the configuration is taken as it is; otherwise the provider's own list
 * is fetched in the background and kept; when it cannot be fetched, the last one stays, and a provider that never
 * answered counts as "may serve anything" (`undefined`).
 */
export class Catalog {
  readonly #listings = new Map<string, Listing>();
  readonly #providers = new Map<string, Provider>();
  readonly #telemetry: Telemetry;
  readonly #logger: Logger;

  constructor(providers: readonly Provider[], telemetry: Telemetry, logger: Logger) {
    this.#telemetry = telemetry;
    this.#logger = logger;
    for (const provider of providers) this.put(provider);
  }

  /** Adds a provider, or takes over one that has changed: its list is asked for again. */
  put(provider: Provider): void {
    const { name, configuredModels } = provider;
    const configured = configuredModels.length > 0;
    const models = configured ? new Set(configuredModels) : undefined;
    if (this.#providers.has(name)) this.#telemetry.event("catalogInvalidated", { gateway: name, reason: "reload" });
    this.#providers.set(name, provider);
    this.#listings.set(name, {
      models,
      checkedAtMs: configured ? Number.POSITIVE_INFINITY : 0,
      refresh: undefined,
      failing: false,
      broken: false,
    });
    if (!configured) return;
    const bytes = bytesOf(configuredModels);
    this.#telemetry.event("catalogLoaded", { gateway: name, models: configuredModels.length, hit: true, bytes });
  }

  /** Forgets a provider and its list. */
  remove(name: string): void {
    if (!this.#providers.delete(name)) return;
    this.#listings.delete(name);
    this.#telemetry.event("catalogInvalidated", { gateway: name, reason: "provider_removed" });
  }

  /** Ids that this provider serves, without waiting; undefined when it has never told. */
  models(provider: string): ReadonlySet<string> | undefined {
    return this.#listings.get(provider)?.models;
  }

  /**
   * Fetches every list that is older than FRESH_MS (or RETRY_MS with `eager`, and where the last fetch brought nothing);
   * waits for fetches that run already.
   */
  async refresh(eager = false): Promise<void> {
    await Promise.all(
      [...this.#providers.values()].map((provider) => this.#refreshOne(provider, eager ? RETRY_MS : FRESH_MS)),
    );
  }

  #refreshOne(provider: Provider, maxAgeMs: number): Promise<void> {
    const listing = this.#listings.get(provider.name)!;
    if (listing.refresh !== undefined) return listing.refresh;
    if (Date.now() - listing.checkedAtMs < (listing.broken ? RETRY_MS : maxAgeMs)) {
      this.#telemetry.event("catalogLoaded", { gateway: provider.name, models: listing.models?.size ?? 0, hit: true });
      return Promise.resolve();
    }
    listing.checkedAtMs = Date.now();
    listing.refresh = this.#fetch(provider, listing).finally(() => {
      listing.refresh = undefined;
    });
    return listing.refresh;
  }

  async #fetch(provider: Provider, listing: Listing): Promise<void> {
    const repairing = listing.broken;
    try {
      const ids = await fetchModelIds(provider);
      listing.failing = false;
      listing.broken = ids?.length === 0;
      if (ids !== undefined) this.#take(provider.name, listing, ids);
    } catch (error) {
      listing.broken = true;
      this.#keep(provider.name, listing, error as Error);
    }
    if (!repairing) return;
    const result = listing.broken ? "failure" : "success";
    this.#telemetry.event("catalogRepaired", { gateway: provider.name, result });
  }

  #take(gateway: string, listing: Listing, ids: readonly string[]): void {
    const before = listing.models?.size ?? 0;
    // An empty list says nothing: some servers answer every unknown path with one.
    if (ids.length > 0) listing.models = new Set(ids);
    const small = ids.length < before * SHRUNK_SHARE;
    const emptyReason = ids.length === 0 ? "api_empty" : small ? "below_threshold" : undefined;
    const bytes = bytesOf(listing.models ?? []);
    const detail = { gateway, models: ids.length, hit: false, bytes };
    this.#telemetry.event("catalogLoaded", emptyReason === undefined ? detail : { ...detail, emptyReason });
    if (ids.length === 0 && before > 0) this.#telemetry.event("catalogFallback", { gateway, source: "cache" });
  }

  /** Served on with the last list; the provider's breaker judges its inference, not its list. */
  #keep(gateway: string, listing: Listing, { message: reason }: Error): void {
    const models = listing.models?.size ?? 0;
    const emptyReason = reason.startsWith(LATE) ? "timeout" : models === 0 ? "cache_empty" : undefined;
    const detail = { gateway, models, hit: false };
    this.#telemetry.event("catalogLoaded", emptyReason === undefined ? detail : { ...detail, emptyReason });
    if (models > 0) this.#telemetry.event("catalogFallback", { gateway, source: "cache" });
    if (!listing.failing)
      this.#logger.warn({ provider: gateway, reason }, "model list not available, keeping the last one");
    listing.failing = true;
  }
}

/** What a list takes in memory, about: one byte per character of its ids. */
function bytesOf(ids: Iterable<string>): number {
  let bytes = 0;
  for (const id of ids) bytes += id.length;
  return bytes;
}

/** Undefined for a provider that has no list. */
async function fetchModelIds(provider: Provider): Promise<string[] | undefined> {
  const wire = provider.wire("");
  const path = wire.modelsPath(provider);
  if (path === undefined) return undefined;
  const request = { method: "GET", path, body: undefined } as const;
  const headers = await providerHeaders(provider, provider.credentials[0]!, "", request);
  const call = new UpstreamCall(provider.pool, { method: "GET", path, headers });
  const timer = setTimeout(() => call.cancel(`${LATE} ${FETCH_TIMEOUT_MS} ms`), FETCH_TIMEOUT_MS);
  try {
    const { status } = await call.head;
    if (status !== 200) {
      call.cancel("not needed");
      throw new Error(`status ${status}`);
    }
    const text = (await readBody(call, LIST_BYTES_MAX)).toString("utf8");
    const ids = wire.readModelIds(text);
    if (ids === undefined) throw new Error("its answer is no model list");
    return ids.slice(0, MODELS_MAX);
  } finally {
    clearTimeout(timer);
  }
}
