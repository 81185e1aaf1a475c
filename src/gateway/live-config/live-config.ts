import type { Config } from "../../config/schema.ts";
import type { RoleContext } from "../../runtime/role.ts";
import { assignInPlace, differingKeys } from "./assign.ts";
import {
  type ProviderChanges,
  type ProviderEntry,
  ProviderSet,
  type ProviderSetParts,
  refusalOf,
} from "./provider-set.ts";

export type GatewayConfig = Config["gateway"];

/** What the admin API has changed beside the file. */
export interface Overlay {
  readonly providers: GatewayConfig["providers"];
  readonly aliases: GatewayConfig["aliases"];
  readonly limits: Partial<GatewayConfig["limits"]>;
  readonly prices: GatewayConfig["prices"]["models"];
}

const NO_OVERLAY: Overlay = { providers: {}, aliases: {}, limits: {}, prices: {} };

/** Sections that are read once, at the start. */
const AT_START_ONLY: ReadonlySet<string> = new Set([
  "workers",
  "safety",
  "telemetry",
  "environment",
  "bodyBytesMax",
  "usage",
]);

/** The whole of what holds, in a form that crosses to a worker process. */
export interface Effective {
  readonly gateway: GatewayConfig;
  /** Providers of the admin API. */
  readonly untrusted: readonly string[];
}

export interface ConfigChange {
  /** Sections of `gateway` that hold from now on. */
  readonly sections: readonly string[];
  /** Sections that differ and wait for a restart. */
  readonly restart: readonly string[];
  readonly providers: ProviderChanges;
}

/** The configuration cannot be used; the one before it stays. */
export class ConfigRefused extends Error {
  override readonly name = "ConfigRefused";
}

type Listener = (config: GatewayConfig) => void;

/**
 * The gateway's configuration as it changes while requests run: the file's, and on top what the admin API made. Values
 * are written into the objects that everybody holds already, so a component that reads its limits at each use needs to
 * do nothing; one that works something out from them listens.
 */
export class LiveConfig {
  readonly #context: RoleContext;
  readonly #providers: ProviderSet;
  readonly #listeners: Listener[] = [];
  /** As at the start, for the sections that hold until the end. */
  readonly #started: GatewayConfig;
  #file: GatewayConfig;
  #overlay: Overlay = NO_OVERLAY;
  /** Told of each change, for workers. */
  broadcast: (effective: Effective) => void = () => undefined;

  constructor(context: RoleContext, providers: ProviderSet) {
    this.#context = context;
    this.#providers = providers;
    this.#started = structuredClone(context.config.gateway);
    this.#file = this.#started;
  }

  get overlay(): Overlay {
    return this.#overlay;
  }

  /** Names that the file (with the environment) uses, which the admin API cannot change. */
  inFile(section: "providers" | "aliases" | "prices", name: string): boolean {
    return Object.hasOwn(section === "prices" ? this.#file.prices.models : this.#file[section], name);
  }

  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** Takes over what the file says now. @throws ConfigRefused. */
  applyFile(file: GatewayConfig): ConfigChange {
    return this.#replace(structuredClone(file), this.#overlay);
  }

  /** Takes over what the admin API made. @throws ConfigRefused. */
  applyOverlay(overlay: Overlay): ConfigChange {
    return this.#replace(this.#file, structuredClone(overlay));
  }

  /** A worker's: what its primary says. */
  applyEffective({ gateway, untrusted }: Effective): void {
    this.#apply(gateway, new Set(untrusted));
  }

  /** What holds now. */
  effective(): Effective {
    return effectiveOf(this.#file, this.#overlay);
  }

  #replace(file: GatewayConfig, overlay: Overlay): ConfigChange {
    const effective = effectiveOf(file, overlay);
    const change = this.#apply(effective.gateway, new Set(effective.untrusted));
    this.#file = file;
    this.#overlay = overlay;
    if (change.sections.length > 0) this.broadcast(effective);
    return change;
  }

  #apply(gateway: GatewayConfig, untrusted: ReadonlySet<string>): ConfigChange {
    const current = this.#context.config.gateway;
    const entries = Object.fromEntries(
      Object.entries(gateway.providers).map(([name, config]): [string, ProviderEntry] => [
        name,
        { config, trusted: !untrusted.has(name) },
      ]),
    );
    const refusals = Object.entries(entries).flatMap(([name, entry]) => refusalOf(name, entry) ?? []);
    if (refusals.length > 0) throw new ConfigRefused(refusals.join("; "));
    const differing = differingKeys(current, gateway);
    const restart = differingKeys(this.#started, gateway).filter((section) => AT_START_ONLY.has(section));
    const held = Object.fromEntries(
      [...AT_START_ONLY].map((section) => [section, this.#started[section as keyof GatewayConfig]]),
    );
    const sections = differing.filter((section) => !AT_START_ONLY.has(section));
    assignInPlace(current, { ...gateway, ...held });
    // Copies, as the objects of the configuration change under whoever holds them.
    const providers =
      this.#context.config.mode === "demo" ? NO_CHANGES : this.#providers.apply(structuredClone(entries));
    if (sections.length > 0) for (const listener of this.#listeners) listener(current);
    return { sections, restart, providers };
  }

  close(): void {
    this.#providers.close();
  }
}

/** The live configuration of a gateway whose providers have been made from `context.config`. */
export function liveConfigOf(context: RoleContext, parts: Omit<ProviderSetParts, "connectMs">): LiveConfig {
  const { gateway } = context.config;
  const entries = Object.entries(structuredClone(gateway.providers)).map(([name, config]): [string, ProviderEntry] => [
    name,
    { config, trusted: true },
  ]);
  const connectMs = (): number => gateway.timeouts.connect;
  return new LiveConfig(context, new ProviderSet({ ...parts, connectMs }, Object.fromEntries(entries)));
}

/** Demo mode has the simulator's providers, whatever the file says. */
const NO_CHANGES: ProviderChanges = { added: [], changed: [], removed: [] };

/** The file goes first: what stands in it cannot be changed from outside. */
function effectiveOf(file: GatewayConfig, overlay: Overlay): Effective {
  return {
    gateway: {
      ...structuredClone(file),
      providers: { ...overlay.providers, ...structuredClone(file.providers) },
      aliases: { ...overlay.aliases, ...structuredClone(file.aliases) },
      limits: { ...file.limits, ...overlay.limits },
      prices: {
        ...structuredClone(file.prices),
        models: { ...overlay.prices, ...structuredClone(file.prices.models) },
      },
    },
    untrusted: Object.keys(overlay.providers).filter((name) => !Object.hasOwn(file.providers, name)),
  };
}
