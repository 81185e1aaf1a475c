import { refusedLiteral } from "../../runtime/outbound-guard.ts";
import type { Catalog } from "../providers/catalog.ts";
import { createProvider, type Provider, type ProviderConfig } from "../providers/provider.ts";
import type { Breakers } from "../routing/breakers.ts";
import { equal } from "./assign.ts";

/** Plans of requests hold a provider for a moment before they call it; its pool is closed after that. */
const RETIRE_AFTER_MS = 5_000;

export interface ProviderSetParts {
  readonly providers: Map<string, Provider>;
  readonly catalog: Pick<Catalog, "put" | "remove">;
  readonly breakers: Pick<Breakers, "put" | "remove">;
  /** ms. */
  connectMs(): number;
}

export interface ProviderChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** A provider's configuration, and where it came from. */
export interface ProviderEntry {
  readonly config: ProviderConfig;
  /** False for one that the admin API made: names that its address uses for private machines are not taken on trust. */
  readonly trusted: boolean;
}

/** Why an entry cannot be a provider; undefined when it can. */
export function refusalOf(name: string, { config, trusted }: ProviderEntry): string | undefined {
  if (!URL.canParse(config.baseUrl)) return `provider ${name}: its baseUrl is no address`;
  const { hostname } = new URL(config.baseUrl);
  const reach = { allowPrivate: config.allowPrivate === true, ...(trusted && { explicitHost: hostname }) };
  const refused = refusedLiteral(hostname, reach);
  return refused && `provider ${name}: ${refused.message}`;
}

/**
 * The providers that are switched on, as they change. A provider that is changed or removed is asked no more; requests
 * and streams that it is answering end by themselves, then its connections are closed.
 */
export class ProviderSet {
  readonly #parts: ProviderSetParts;
  readonly #entries = new Map<string, ProviderEntry>();
  readonly #retiring = new Set<NodeJS.Timeout>();

  /** @param entries What `parts.providers` has been made from. */
  constructor(parts: ProviderSetParts, entries: Readonly<Record<string, ProviderEntry>>) {
    this.#parts = parts;
    for (const [name, entry] of Object.entries(entries)) this.#entries.set(name, entry);
  }

  /** Makes the set equal to these, which `refusalOf` has not refused. */
  apply(entries: Readonly<Record<string, ProviderEntry>>): ProviderChanges {
    const { providers, catalog, breakers } = this.#parts;
    const [added, changed, removed]: [string[], string[], string[]] = [[], [], []];
    for (const [name, entry] of Object.entries(entries)) {
      const before = this.#entries.get(name);
      if (before !== undefined && equal(before, entry)) continue;
      const provider = createProvider(name, entry.config, this.#parts.connectMs(), false, entry.trusted);
      const old = providers.get(name);
      providers.set(name, provider);
      this.#entries.set(name, entry);
      catalog.put(provider);
      breakers.put(name);
      (old === undefined ? added : changed).push(name);
      if (old !== undefined) this.#retire(old);
    }
    for (const [name, provider] of providers) {
      if (Object.hasOwn(entries, name) || provider.simulated) continue;
      providers.delete(name);
      this.#entries.delete(name);
      catalog.remove(name);
      breakers.remove(name);
      removed.push(name);
      this.#retire(provider);
    }
    return { added, changed, removed };
  }

  /** Ends the waits for retired providers; their connections are closed at once. */
  close(): void {
    for (const timer of this.#retiring) clearTimeout(timer);
    this.#retiring.clear();
  }

  #retire({ pool }: Provider): void {
    const timer = setTimeout(() => {
      this.#retiring.delete(timer);
      void pool.close(); // Resolves when the last answer has ended.
    }, RETIRE_AFTER_MS);
    timer.unref();
    this.#retiring.add(timer);
  }
}
