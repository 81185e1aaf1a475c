import { Counter, Gauge, type Registry } from "prom-client";

/** The gauges that mirror one number or boolean of a payload: name → where it comes from, and its default. */
const MIRRORED = {
  gatewayz_health_monitoring_active: { from: "status", field: "health_monitoring_active", missing: 0 },
  gatewayz_availability_monitoring_active: { from: "status", field: "availability_monitoring_active", missing: 0 },
  gatewayz_health_check_interval_seconds: { from: "status", field: "health_check_interval", missing: 300 },
  gatewayz_health_tracked_models: { from: "status", field: "models_tracked", missing: 0 },
  gatewayz_health_tracked_providers: { from: "status", field: "providers_tracked", missing: 0 },
  gatewayz_health_tracked_gateways: { from: "status", field: "gateways_tracked", missing: 0 },
  gatewayz_availability_cache_size: { from: "status", field: "availability_cache_size", missing: 0 },
  gatewayz_health_total_models: { from: "metrics", field: "total_models", missing: 0 },
  gatewayz_health_total_providers: { from: "metrics", field: "total_providers", missing: 0 },
  gatewayz_health_total_gateways: { from: "metrics", field: "total_gateways", missing: 0 },
  gatewayz_health_tracked_models_count: { from: "metrics", field: "tracked_models", missing: 0 },
  gatewayz_health_active_incidents: { from: "metrics", field: "active_incidents", missing: 0 },
} as const;

/** Value of `cache_type` → field of `/cache/stats`. */
const CACHE_FIELDS = {
  redis: "cache_available",
  system_health: "system_health_cached",
  providers_health: "providers_health_cached",
  models_health: "models_health_cached",
} as const;

/** Statuses that the distribution may name; a service that sends more is not ours and would grow the page. */
const STATUSES_MAX = 50;

/** One JSON object of the health service. */
export type Payload = Readonly<Record<string, unknown>>;
export type PayloadName = "status" | "metrics" | "cache";

/** The 17 names of the `gatewayz_health_*` family (contract section 2a), in `registry`. */
export class HealthFamily {
  readonly #mirrored = new Map<string, Gauge>();
  readonly #up: Gauge;
  readonly #distribution: Gauge<"status">;
  readonly #cache: Gauge<"cache_type">;
  readonly #errors: Counter;
  readonly #lastSuccess: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#up = new Gauge({
      name: "gatewayz_health_service_up",
      help: "1 when the health service's /health answered 2xx in the newest round, else 0.",
      registers,
    });
    for (const [name, { from, field }] of Object.entries(MIRRORED)) {
      const help = `Field ${field} of the health service's /${from}.`;
      this.#mirrored.set(name, new Gauge({ name, help, registers }));
    }
    this.#distribution = new Gauge({
      name: "gatewayz_health_status_distribution",
      help: "Tracked models by the status of their last check.",
      labelNames: ["status"],
      registers,
    });
    this.#cache = new Gauge({
      name: "gatewayz_health_cache_available",
      help: "1 when the health service holds this cache.",
      labelNames: ["cache_type"],
      registers,
    });
    this.#errors = new Counter({
      name: "gatewayz_health_service_scrape_errors_total",
      help: "Rounds in which no endpoint answered or a payload could not be applied.",
      registers,
    });
    this.#lastSuccess = new Gauge({
      name: "gatewayz_health_service_last_successful_scrape",
      help: "Unix time in seconds of the newest round in which an endpoint answered; 0 before the first.",
      registers,
    });
    this.#mirrored
      .get("gatewayz_health_check_interval_seconds")!
      .set(MIRRORED.gatewayz_health_check_interval_seconds.missing);
    for (const type of Object.keys(CACHE_FIELDS)) this.#cache.set({ cache_type: type }, 0);
  }

  setUp(up: boolean): void {
    this.#up.set(up ? 1 : 0);
  }

  countError(): void {
    this.#errors.inc();
  }

  setLastSuccess(unixSeconds: number): void {
    this.#lastSuccess.set(unixSeconds);
  }

  /** Nothing answered: what claims a present state becomes 0, while the counts keep what was known last. */
  setUnknown(): void {
    this.#mirrored.get("gatewayz_health_monitoring_active")!.set(0);
    this.#mirrored.get("gatewayz_availability_monitoring_active")!.set(0);
    for (const type of Object.keys(CACHE_FIELDS)) this.#cache.set({ cache_type: type }, 0);
  }

  /**
   * Mirrors one payload into the gauges.
   * @throws Error naming the field when a value is neither number nor boolean; nothing is applied then.
   */
  apply(name: PayloadName, payload: Payload): void {
    if (name === "cache") this.#applyCache(payload);
    else this.#applyMirrored(name, payload);
  }

  #applyMirrored(name: "status" | "metrics", payload: Payload): void {
    const values = Object.entries(MIRRORED)
      .filter(([, source]) => source.from === name)
      .map(([gauge, { field, missing }]) => [gauge, numberOf(payload[field], field, missing)] as const);
    const distribution = name === "metrics" ? distributionOf(payload.status_distribution) : undefined;
    for (const [gauge, value] of values) this.#mirrored.get(gauge)!.set(value);
    if (distribution === undefined) return;
    // Rebuilt, so that a status which vanished does not stay for ever.
    this.#distribution.reset();
    for (const [status, count] of distribution) this.#distribution.set({ status }, count);
  }

  #applyCache(payload: Payload): void {
    const values = Object.entries(CACHE_FIELDS).map(
      ([type, field]) => [type, numberOf(payload[field], field, 0)] as const,
    );
    for (const [type, value] of values) this.#cache.set({ cache_type: type }, value);
  }
}

function numberOf(value: unknown, field: string, missing: number): number {
  if (value === undefined || value === null) return missing;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new Error(`field ${field} is ${typeof value}, not a number or boolean`);
}

function distributionOf(value: unknown): [string, number][] {
  if (value === undefined || value === null) return [];
  if (typeof value !== "object" || Array.isArray(value)) throw new Error("field status_distribution is not an object");
  return Object.entries(value)
    .slice(0, STATUSES_MAX)
    .map(([status, count]) => [status, numberOf(count, `status_distribution.${status}`, 0)]);
}
