import type { Redis } from "../../redis/redis.ts";
import type { HealthBook } from "../health-book.ts";
import { LIST_ROWS_MAX } from "../limits.ts";
import type { ProviderHour } from "../store/aggregate-store.ts";
import { HOUR_MS } from "../store/periods.ts";
import { type Dashboard, dashboardOf } from "./dashboard.ts";
import { modelJson } from "./model-json.ts";
import { isChecked, type Rollup, rollUp } from "./rollup.ts";

/** How long a roll-up counts as cached (contract section 3c). */
const CACHE_TTL_MS = 360_000;
const DASHBOARD_TTL_MS = 90_000;
/** A roll-up younger than this is given out again instead of being computed. */
const FRESH_MS = 1_000;
/** The last hour, which is read from the history, when nothing was added to it meanwhile. */
const HOUR_FRESH_MS = 15_000;

type CacheName = "system" | "providers" | "models" | "gateways" | "summary" | "dashboard";

export interface CacheOptions {
  readonly book: HealthBook;
  /** Where the roll-ups are shared, when there is one. */
  readonly redis: Redis | undefined;
  providersSince(sinceMs: number): Promise<Map<string, ProviderHour>>;
}

export interface CacheStats {
  readonly available: boolean;
  readonly system: boolean;
  readonly providers: boolean;
  readonly models: boolean;
}

/** The roll-ups of system, providers, models and gateways: computed here, and put into Redis for others to read. */
export class HealthCaches {
  readonly #options: CacheOptions;
  #rollup: Rollup | undefined;
  #computedAtMs = 0;
  #lastHour: Promise<Map<string, ProviderHour>> | undefined;
  #lastHourAtMs = 0;
  #changed = false;

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  /** At most a second old. */
  rollup(nowMs = Date.now()): Rollup {
    if (this.#rollup === undefined || nowMs - this.#computedAtMs >= FRESH_MS) {
      this.#rollup = rollUp(this.#options.book.models(), nowMs);
      this.#computedAtMs = nowMs;
    }
    return this.#rollup;
  }

  /** New results were stored. */
  touch(): void {
    this.#changed = true;
  }

  /** The last hour by provider, at most a second old where something was added, else 15. */
  lastHour(nowMs = Date.now()): Promise<Map<string, ProviderHour>> {
    const freshMs = this.#changed ? FRESH_MS : HOUR_FRESH_MS;
    if (this.#lastHour === undefined || nowMs - this.#lastHourAtMs >= freshMs) {
      this.#changed = false;
      this.#lastHourAtMs = nowMs;
      const reading = this.#options.providersSince(nowMs - HOUR_MS);
      this.#lastHour = reading;
      reading.catch(() => {
        // Whoever waits for it sees the error; the next one asks again.
        if (this.#lastHour === reading) this.#lastHour = undefined;
      });
    }
    return this.#lastHour;
  }

  async dashboard(nowMs = Date.now()): Promise<Dashboard> {
    return dashboardOf(this.rollup(nowMs), this.#options.book.models(), await this.lastHour(nowMs), nowMs);
  }

  /** What `GET /cache/stats` says: which roll-ups are there and have something in them. */
  async stats(nowMs = Date.now()): Promise<CacheStats> {
    const { redis } = this.#options;
    if (redis !== undefined) {
      const exists = async (name: CacheName): Promise<boolean> =>
        (await redis.command("EXISTS", keyIn(redis, name))) === 1;
      const [system, providers, models] = await Promise.all([exists("system"), exists("providers"), exists("models")]);
      return { available: redis.available, system: system!, providers: providers!, models: models! };
    }
    const rollup = nowMs - this.#computedAtMs < CACHE_TTL_MS ? this.#rollup : undefined;
    return {
      available: true,
      system: rollup !== undefined,
      providers: rollup !== undefined && rollup.providers.length > 0,
      models: rollup !== undefined && Object.keys(rollup.statusDistribution).length > 0,
    };
  }

  /** Puts the roll-ups into Redis, where there is one. An empty one is left out: "cached" means that it says something. */
  async publish(nowMs = Date.now()): Promise<void> {
    const { redis, book } = this.#options;
    if (redis?.available !== true) return;
    const { system, providers, gateways } = this.rollup(nowMs);
    const checked = book.models().filter(isChecked);
    const put = async (name: CacheName, value: unknown, ttlMs = CACHE_TTL_MS): Promise<void> => {
      if (Array.isArray(value) && value.length === 0) return;
      await redis.command("SET", keyIn(redis, name), JSON.stringify(value), "PX", ttlMs);
    };
    await put("system", system);
    await put("providers", providers);
    await put("models", checked.slice(0, LIST_ROWS_MAX).map(modelJson));
    await put("gateways", gateways);
    await put("summary", { system, providers, gateways });
    await put("dashboard", await this.dashboard(nowMs), DASHBOARD_TTL_MS);
  }
}

function keyIn(redis: Redis, name: CacheName): string {
  return redis.key(`health:${name}`);
}
