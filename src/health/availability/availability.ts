import { type Check, keyOf, type Target } from "../check.ts";
import type { HealthBook } from "../health-book.ts";
import { type CircuitState, isHidden, type ModelState } from "../model-state.ts";
import { isChecked } from "../rollup/rollup.ts";
import { AvailabilityBreaker } from "./breaker.ts";
import { isInMaintenance, type MaintenanceWindow } from "./maintenance.ts";

/** Contract section 3d. */
const CACHE_TTL_MS = 300_000;
/** Below it a model is no alternative, in percent of checks of the last 24 h. */
const ALTERNATIVE_UPTIME_MIN = 70;
/** Below it routing avoids a model, even when its last check succeeded. */
const AVOIDED_UPTIME_BELOW = 50;

export const AVAILABILITY_STATUSES = ["available", "unavailable", "degraded", "maintenance", "unknown"] as const;
type AvailabilityStatus = (typeof AVAILABILITY_STATUSES)[number];

export interface Availability extends Target {
  readonly status: AvailabilityStatus;
  readonly lastCheckedAtMs: number | undefined;
  readonly responseTimeMs: number | undefined;
  /** Percent of all calls. */
  readonly successRate: number;
  readonly errorCount: number;
  readonly circuitState: CircuitState;
  readonly uptime24h: number;
  /** Unix ms at which this was found. */
  readonly atMs: number;
}

/** What routing should do about a model. */
interface RoutingAdvice {
  /** Try others first. */
  readonly avoid: boolean;
  /** Do not offer it in lists: the provider says that it is gone. */
  readonly hidden: boolean;
  readonly reason: string | undefined;
}

/** Which models can be used now. Unknown ones are assumed to work, so that a missing answer never stops a request. */
export class AvailabilityService {
  readonly #book: HealthBook;
  readonly #breakers = new Map<string, AvailabilityBreaker>();
  readonly #cache = new Map<string, Availability>();
  #windows: readonly MaintenanceWindow[] = [];

  constructor(book: HealthBook) {
    this.#book = book;
  }

  setWindows(windows: readonly MaintenanceWindow[]): void {
    this.#windows = windows;
  }

  /** Models that are known and not too old. */
  get cacheSize(): number {
    this.#dropOld(Date.now());
    return this.#cache.size;
  }

  inMaintenance(target: Target, nowMs = Date.now()): boolean {
    return isInMaintenance(target, this.#windows, nowMs);
  }

  /** New results: the breakers count them, and what they are about is looked at again. */
  take(checks: readonly Check[]): void {
    for (const check of checks) {
      const state = this.#book.model(check);
      if (state === undefined) continue;
      const key = keyOf(check);
      let breaker = this.#breakers.get(key);
      if (breaker === undefined) this.#breakers.set(key, (breaker = new AvailabilityBreaker()));
      breaker.record(check.status === "success", check.responseTimeMs, check.atMs);
      this.#cache.set(key, this.#look(state, Date.now()));
    }
  }

  /** Looks at every model that has been checked, and forgets those that are gone; run once a minute. */
  refresh(nowMs = Date.now()): void {
    const known = new Set<string>();
    for (const state of this.#book.models()) {
      if (!isChecked(state)) continue;
      known.add(keyOf(state));
      this.#cache.set(keyOf(state), this.#look(state, nowMs));
    }
    for (const key of this.#breakers.keys()) if (!known.has(key)) this.#breakers.delete(key);
    for (const key of this.#cache.keys()) if (!known.has(key)) this.#cache.delete(key);
  }

  /** From the cache where it is young enough; a model that is not known is `unknown`. */
  of(target: Target, nowMs = Date.now()): Availability {
    const cached = this.#cache.get(keyOf(target));
    if (cached !== undefined && nowMs - cached.atMs < CACHE_TTL_MS) return cached;
    const state = this.#book.model(target);
    return state === undefined ? unknown(target, this.#windows, nowMs) : this.#look(state, nowMs);
  }

  /** All watched models, in the order of their names. */
  list(nowMs = Date.now()): Availability[] {
    return this.#book
      .models()
      .filter((state) => state.enabled)
      .map((state) => this.of(state, nowMs))
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  /**
   * Others that can stand in: of the same model at other providers, healthy and with at least 70 % uptime, the most
   * reliable first and of equally reliable ones the fastest.
   */
  alternatives(model: string, exceptProvider: string | undefined, nowMs = Date.now()): Availability[] {
    const bare = bareName(model);
    return this.list(nowMs)
      .filter((entry) => bareName(entry.model) === bare && entry.provider !== exceptProvider)
      .filter(isUsable)
      .sort(byQuality);
  }

  /** Contract section 3d: unhealthy or an uptime below 50 % is avoided; unknown is assumed to be healthy. */
  advice(state: ModelState, nowMs = Date.now()): RoutingAdvice {
    const hidden = isHidden(state);
    const reason = this.#reasonToAvoid(state, nowMs);
    return { avoid: reason !== undefined, hidden, reason };
  }

  #reasonToAvoid(state: ModelState, nowMs: number): string | undefined {
    if (this.inMaintenance(state, nowMs)) return "maintenance";
    if (!isChecked(state)) return undefined;
    if (state.lastStatus !== "success") return `last check: ${state.lastStatus}`;
    if (state.uptime24h < AVOIDED_UPTIME_BELOW) return `uptime ${state.uptime24h.toFixed(1)} %`;
    return undefined;
  }

  #look(state: ModelState, nowMs: number): Availability {
    const circuitState = this.#breakers.get(keyOf(state))?.state(nowMs) ?? "closed";
    return {
      provider: state.provider,
      model: state.model,
      gateway: state.gateway,
      status: this.inMaintenance(state, nowMs) ? "maintenance" : statusOf(state, circuitState),
      lastCheckedAtMs: state.lastCalledAtMs,
      responseTimeMs: state.lastResponseTimeMs,
      successRate: state.callCount === 0 ? 100 : (100 * state.successCount) / state.callCount,
      errorCount: state.errorCount,
      circuitState,
      uptime24h: state.uptime24h,
      atMs: nowMs,
    };
  }

  #dropOld(nowMs: number): void {
    for (const [key, entry] of this.#cache) if (nowMs - entry.atMs >= CACHE_TTL_MS) this.#cache.delete(key);
  }
}

/** An answer that failed once may be an accident: degraded until the breaker says that it is not. */
function statusOf(state: ModelState, circuitState: CircuitState): AvailabilityStatus {
  if (!isChecked(state)) return "unknown";
  if (circuitState === "open" || state.circuitState === "open" || isHidden(state)) return "unavailable";
  if (state.lastStatus === "not_found" || state.lastStatus === "unauthorized") return "unavailable";
  if (state.lastStatus !== "success" || circuitState === "half_open") return "degraded";
  return state.uptime24h < AVOIDED_UPTIME_BELOW ? "degraded" : "available";
}

function unknown(target: Target, windows: readonly MaintenanceWindow[], nowMs: number): Availability {
  const { provider, model, gateway } = target;
  return {
    provider,
    model,
    gateway,
    status: isInMaintenance(target, windows, nowMs) ? "maintenance" : "unknown",
    lastCheckedAtMs: undefined,
    responseTimeMs: undefined,
    successRate: 100,
    errorCount: 0,
    circuitState: "closed",
    uptime24h: 100,
    atMs: nowMs,
  };
}

function isUsable(entry: Availability): boolean {
  return entry.status === "available" && entry.uptime24h >= ALTERNATIVE_UPTIME_MIN;
}

function byQuality(a: Availability, b: Availability): number {
  const latency = (entry: Availability): number => entry.responseTimeMs ?? Number.MAX_VALUE;
  return b.uptime24h - a.uptime24h || latency(a) - latency(b);
}

/** `openai/gpt-4o` of one provider is `gpt-4o` of another. */
function bareName(model: string): string {
  return model.slice(model.lastIndexOf("/") + 1).toLowerCase();
}
