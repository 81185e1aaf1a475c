import { Agent } from "undici";
import type { RoleContext } from "../../runtime/role.ts";
import { fetchJson, type HealthAddress, parseAddress } from "../health-collector/fetch-json.ts";
import { type JsonObject, numberAt, objectsAt, stringAt } from "../json.ts";
import { HEALTH_ROWS_MAX } from "../limits.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** A view this many rounds old says nothing any more: routing goes on without it. */
const STALE_ROUNDS = 3;

/** Contract section 3d: below this a model is avoided; an alternative needs at least the second. */
const UPTIME_AVOID = 50;
const UPTIME_ALTERNATIVE = 70;

/** What the health service knows of one model at one provider. */
interface ModelHealth {
  readonly healthy: boolean;
  /** Its provider has said three times in a row that it does not exist. */
  readonly hidden: boolean;
  /** Percent of the last 24 h. */
  readonly uptime: number;
  readonly latencyMs: number;
}

/** What routing asks. */
export interface HealthJudge {
  /** True where every model is fine or unknown, so that no list needs to be looked through. */
  readonly calm: boolean;
  /** Unhealthy or with little uptime. What is not known counts as healthy. */
  avoids(provider: string, model: string): boolean;
  /** The uptime and latency of a model that may stand in for an avoided one; undefined when it may not, or nothing is known. */
  alternative(provider: string, model: string): { readonly uptime: number; readonly latencyMs: number } | undefined;
}

/** The judge of a gateway without a health service: everything is healthy. */
export const NO_HEALTH: HealthJudge = { calm: true, avoids: () => false, alternative: () => undefined };

/**
 * The health service's list of models, read in the background every `gateway.collectorInterval` and used from memory: no
 * request waits for it, and without it, or with an old one, everything counts as healthy.
 */
export class HealthView implements HealthJudge {
  readonly #context: RoleContext;
  readonly #address: HealthAddress;
  readonly #agent = new Agent({ connections: 1, connect: { timeout: CONNECT_TIMEOUT_MS } });
  #byModel: ReadonlyMap<string, ModelHealth> = new Map();
  #avoided = 0;
  #readAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param address `peers.health`. */
  constructor(context: RoleContext, address: string) {
    this.#context = context;
    this.#address = parseAddress(address);
  }

  get calm(): boolean {
    return this.#avoided === 0 || this.#stale;
  }

  get #stale(): boolean {
    return Date.now() - this.#readAtMs > STALE_ROUNDS * this.#context.config.gateway.collectorInterval;
  }

  avoids(provider: string, model: string): boolean {
    const health = this.#of(provider, model);
    return health !== undefined && (!health.healthy || health.uptime < UPTIME_AVOID);
  }

  /** True for models that no list should offer any more. */
  hides(provider: string, model: string): boolean {
    return this.#of(provider, model)?.hidden === true;
  }

  alternative(provider: string, model: string): ModelHealth | undefined {
    const health = this.#of(provider, model);
    return health?.healthy && health.uptime >= UPTIME_ALTERNATIVE ? health : undefined;
  }

  #of(provider: string, model: string): ModelHealth | undefined {
    return this.#stale ? undefined : this.#byModel.get(`${provider}\n${model}`);
  }

  /** Reads the list now and then again and again. Never rejects; what went wrong is the collector's to report. */
  async run(): Promise<void> {
    await this.refresh();
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.run(), this.#context.config.gateway.collectorInterval);
    this.#timer.unref();
  }

  /** Reads the list once; an old one stays until it is stale. */
  async refresh(): Promise<void> {
    const { collectorTimeout } = this.#context.config.gateway;
    try {
      const { payload } = await fetchJson(this.#address, "/internal/routing", collectorTimeout, this.#agent);
      this.take(payload);
    } catch (error) {
      if (this.#closed) return;
      this.#context.logger.debug({ error: (error as Error).message }, "health view not refreshed");
    }
  }

  /** Takes `{"models": [{provider, model, last_status, uptime_24h, avoid, hidden, …}]}`. Rows that say nothing are left out. */
  take(payload: JsonObject): void {
    const byModel = new Map<string, ModelHealth>();
    for (const row of objectsAt(payload, "models").slice(0, HEALTH_ROWS_MAX)) {
      const provider = stringAt(row, "provider");
      const model = stringAt(row, "model");
      const status = stringAt(row, "last_status");
      if (provider === undefined || model === undefined || status === undefined) continue;
      const uptime = numberAt(row, "uptime_24h") ?? 100;
      const latencyMs = numberAt(row, "average_response_time_ms") ?? Number.POSITIVE_INFINITY;
      // In maintenance a model is avoided, whatever its last check said.
      const healthy = status === "success" && row["avoid"] !== true;
      byModel.set(`${provider}\n${model}`, { healthy, hidden: row["hidden"] === true, uptime, latencyMs });
    }
    this.#byModel = byModel;
    this.#readAtMs = Date.now();
    this.#avoided = [...byModel.values()].filter(({ healthy, uptime }) => !healthy || uptime < UPTIME_AVOID).length;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    // Ends a request that is under way; its error is a round's that is over.
    void this.#agent.destroy();
  }
}
