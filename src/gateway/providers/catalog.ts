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
/** Most ids that are kept of one provider. */
const MODELS_MAX = 5_000;

interface Listing {
  /** Undefined until the provider has answered once. */
  models: ReadonlySet<string> | undefined;
  checkedAtMs: number;
  refresh: Promise<void> | undefined;
  /** The last fetch failed; said once, not at every try. */
  failing: boolean;
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
    });
    if (!configured) return;
    this.#telemetry.event("catalogLoaded", { gateway: name, models: configuredModels.length, hit: true });
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

  /** Fetches every list that is older than FRESH_MS (or RETRY_MS with `eager`); waits for fetches that run already. */
  async refresh(eager = false): Promise<void> {
    await Promise.all(
      [...this.#providers.values()].map((provider) => this.#refreshOne(provider, eager ? RETRY_MS : FRESH_MS)),
    );
  }

  #refreshOne(provider: Provider, maxAgeMs: number): Promise<void> {
    const listing = this.#listings.get(provider.name)!;
    if (listing.refresh !== undefined) return listing.refresh;
    if (Date.now() - listing.checkedAtMs < maxAgeMs) {
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
    try {
      const ids = (await fetchModelIds(provider)) ?? [];
      // An empty list says nothing: some servers answer every unknown path with one.
      listing.failing = false;
      if (ids.length > 0) listing.models = new Set(ids);
      this.#telemetry.event("catalogLoaded", { gateway: provider.name, models: ids.length, hit: false });
    } catch (error) {
      // Served on with the last list; the provider's breaker judges its inference, not its list.
      this.#telemetry.event("catalogLoaded", { gateway: provider.name, models: listing.models?.size ?? 0, hit: false });
      const reason = (error as Error).message;
      if (!listing.failing)
        this.#logger.warn({ provider: provider.name, reason }, "model list not available, keeping the last one");
      listing.failing = true;
    }
  }
}

/** Undefined for a provider that has no list. */
async function fetchModelIds(provider: Provider): Promise<string[] | undefined> {
  const wire = provider.wire("");
  const path = wire.modelsPath(provider);
  if (path === undefined) return undefined;
  const request = { method: "GET", path, body: undefined } as const;
  const headers = await providerHeaders(provider, provider.credentials[0]!, "", request);
  const call = new UpstreamCall(provider.pool, { method: "GET", path, headers });
  const timer = setTimeout(() => call.cancel(`no model list within ${FETCH_TIMEOUT_MS} ms`), FETCH_TIMEOUT_MS);
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
