import * as z from "zod";
import { keyLimits, limits } from "../../config/access.ts";
import { prices } from "../../config/prices.ts";
import { providerSchema } from "../../config/provider-schema.ts";
import { configSchema } from "../../config/schema.ts";
import type { Logger } from "../../runtime/logger.ts";
import { GatewayError } from "../errors.ts";
import { ConfigRefused, type GatewayConfig, type LiveConfig, type Overlay } from "./live-config.ts";
import { refusalOf } from "./provider-set.ts";
import type { Sealer } from "./sealed.ts";
import { SETTINGS_MAX, type Setting, type SettingKind, type SettingsStore } from "./settings-store.ts";

/** How often other gateways' changes are looked for. */
const POLL_INTERVAL_MS = 5_000;
const LIMITS_NAME = "defaults";

/** An alias as `gatewayz.yaml` has it. */
export const aliasSchema = configSchema.shape.gateway.unwrap().shape.aliases.unwrap().valueType;
/** A model's price, or its prices by date, as `gateway.prices.models` has them. */
export const priceSchema = prices.shape.models.unwrap().valueType;
const { models, policy, fallback, fallbackOn, providers } = aliasSchema.shape;
/** The same with nothing filled in: what is absent stays. */
export const aliasPatch = z.strictObject({
  models: models.optional(),
  policy,
  fallback: fallback.unwrap().optional(),
  fallbackOn: fallbackOn.unwrap().optional(),
  providers,
});
export const limitsPatch = keyLimits.extend({ dailySpendUsd: limits.shape.dailySpendUsd.unwrap().optional() });

/** Kind → the section of the file with the same things, and what one of them is called. */
const DELETABLE = {
  provider: ["providers", "provider"],
  alias: ["aliases", "model"],
  price: ["prices", "price of"],
} as const;

/** What the admin API made: kept in the database, laid over the file, the same in all gateways of an installation. */
export class RuntimeSettings {
  readonly #store: SettingsStore;
  readonly #live: LiveConfig;
  readonly #sealer: Sealer;
  readonly #logger: Logger;
  #seq = -1;
  #timer: NodeJS.Timeout | undefined;
  #failed = false;
  /** Entries that could not be used; said once each. */
  readonly #complained = new Set<string>();

  constructor(store: SettingsStore, live: LiveConfig, sealer: Sealer, logger: Logger) {
    this.#store = store;
    this.#live = live;
    this.#sealer = sealer;
    this.#logger = logger;
  }

  /** Loads what there is; then looks for other gateways' changes until `close`. Never rejects. */
  async start(): Promise<void> {
    await this.#poll();
    this.#timer = setInterval(() => void this.#poll(), POLL_INTERVAL_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** @throws GatewayError CONFLICT (the file's own), INVALID_REQUEST (an address that is never called); DatabaseError. */
  async putProvider(name: string, config: GatewayConfig["providers"][string]): Promise<void> {
    this.#refuseFiled("providers", "provider", name);
    const refused = refusalOf(name, { config, trusted: false });
    if (refused !== undefined)
      throw new GatewayError("INVALID_REQUEST", { reason: `${refused}.` }, { param: "baseUrl" });
    await this.#put({ kind: "provider", name, value: this.#sealer.seal(JSON.stringify(config)) });
  }

  async putAlias(name: string, alias: GatewayConfig["aliases"][string]): Promise<void> {
    this.#refuseFiled("aliases", "model", name);
    await this.#put({ kind: "alias", name, value: JSON.stringify(alias) });
  }

  /** @param name `model` or `provider/model`. */
  async putPrice(name: string, price: Overlay["prices"][string]): Promise<void> {
    this.#refuseFiled("prices", "price of", name);
    await this.#put({ kind: "price", name, value: JSON.stringify(price) });
  }

  async putLimits(values: Overlay["limits"]): Promise<void> {
    await this.#put({ kind: "limits", name: LIMITS_NAME, value: JSON.stringify(values) });
  }

  async deleteLimits(): Promise<void> {
    await this.#store.delete("limits", LIMITS_NAME);
    await this.#load();
  }

  /** @throws GatewayError CONFLICT, ENTRY_NOT_FOUND. */
  async delete(kind: Exclude<SettingKind, "limits">, name: string): Promise<void> {
    const [section, what] = DELETABLE[kind];
    this.#refuseFiled(section, what, name);
    if (!(await this.#store.delete(kind, name))) throw new GatewayError("ENTRY_NOT_FOUND", { what, name });
    await this.#load();
  }

  #refuseFiled(section: "providers" | "aliases" | "prices", what: string, name: string): void {
    if (!this.#live.inFile(section, name)) return;
    const reason = `The ${what} ${JSON.stringify(name)} stands in gatewayz.yaml or the environment; change it there.`;
    throw new GatewayError("CONFLICT", { reason });
  }

  async #put(setting: Setting): Promise<void> {
    if (!(await this.#store.put(setting))) {
      const reason = `There are ${SETTINGS_MAX} models and providers that the admin API made; remove some first.`;
      throw new GatewayError("CONFLICT", { reason });
    }
    await this.#load();
  }

  async #poll(): Promise<void> {
    try {
      if ((await this.#store.seq()) !== this.#seq) await this.#load();
      this.#failed = false;
    } catch (error) {
      if (this.#failed) return;
      this.#failed = true;
      this.#logger.error(
        { error: (error as Error).message },
        "settings of the admin API cannot be read; the known ones stay in use",
      );
    }
  }

  async #load(): Promise<void> {
    // The number first: what is changed in between is read now and once more at the next look.
    const seq = await this.#store.seq();
    const settings = await this.#store.all();
    try {
      this.#live.applyOverlay(this.#overlayOf(settings));
    } catch (error) {
      if (!(error instanceof ConfigRefused)) throw error;
      this.#logger.error({ reason: error.message }, "settings of the admin API cannot be used; the ones before stay");
    }
    this.#seq = seq;
  }

  #overlayOf(settings: readonly Setting[]): Overlay {
    const overlay = {
      providers: {} as Overlay["providers"],
      aliases: {} as Overlay["aliases"],
      limits: {},
      prices: {} as Overlay["prices"],
    };
    for (const setting of settings) {
      const { kind, name } = setting;
      if (kind === "provider") {
        const config = this.#read(setting, providerSchema, this.#sealer.open(setting.value));
        if (config !== undefined && refusalOf(name, { config, trusted: false }) === undefined)
          overlay.providers[name] = config;
      } else if (kind === "alias") {
        const alias = this.#read(setting, aliasSchema, setting.value);
        if (alias !== undefined) overlay.aliases[name] = alias;
      } else if (kind === "price") {
        const price = this.#read(setting, priceSchema, setting.value);
        if (price !== undefined) overlay.prices[name] = price;
      } else Object.assign(overlay.limits, this.#read(setting, limitsPatch, setting.value));
    }
    return overlay;
  }

  #read<T extends z.ZodType>({ kind, name }: Setting, schema: T, text: string | undefined): z.output<T> | undefined {
    const parsed = text === undefined ? undefined : schema.safeParse(JSON.parse(text));
    if (parsed?.success === true) return parsed.data;
    const id = `${kind} ${name}`;
    if (!this.#complained.has(id)) {
      this.#complained.add(id);
      const reason = text === undefined ? "it was sealed with another admin key" : z.prettifyError(parsed!.error!);
      this.#logger.error({ kind, name, reason }, "a setting of the admin API cannot be read; make it again");
    }
    return undefined;
  }
}
