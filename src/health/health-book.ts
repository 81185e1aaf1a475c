import { type Check, keyOf, type Target } from "./check.ts";
import { type Incident, incidentAfterCheck } from "./incidents.ts";
import { BATCH_MODELS_MAX, MODELS_MAX } from "./limits.ts";
import { afterCheck, checkIntervalMs, type ModelState, newModelState } from "./model-state.ts";
import type { HealthStore } from "./store.ts";
import { TIERS, tiersByUsage } from "./tiers.ts";

const DAY_MS = 24 * 3_600_000;
/** A model that customers used within this time stays tracked, even where no catalogue lists it. */
const UNLISTED_STAYS_MS = 3_600_000;

/** What a batch of checks did to incidents. */
export interface IncidentMoves {
  readonly opened: readonly Incident[];
  readonly resolved: readonly Incident[];
}

/**
 * All models and open incidents, held in memory and written through: a change is in the store before it is visible here,
 * so that a full disk loses nothing that was acknowledged and a restart continues where this ended.
 */
export class HealthBook {
  readonly #store: HealthStore;
  readonly #baseIntervalMs: number;
  readonly #models = new Map<string, ModelState>();
  readonly #openIncidents = new Map<string, Incident>();
  /** Unix ms of the newest customer's call, by target. */
  readonly #usedAtMs = new Map<string, number>();

  constructor(store: HealthStore, baseIntervalMs: number) {
    this.#store = store;
    this.#baseIntervalMs = baseIntervalMs;
    for (const state of store.loadModels()) this.#models.set(keyOf(state), state);
    for (const incident of store.loadOpenIncidents()) this.#openIncidents.set(keyOf(incident), incident);
  }

  models(): ModelState[] {
    return [...this.#models.values()];
  }

  openIncidents(): Incident[] {
    return [...this.#openIncidents.values()];
  }

  /**
   * Makes the catalogue's models known and switches off what it no longer lists. The first models are due at once, the
   * others spread over their interval, so that a catalogue of thousands does not cost thousands of probes at the start.
   * @returns Models of the catalogue that did not fit into MODELS_MAX.
   */
  syncCatalogue(targets: readonly Target[], nowMs: number): number {
    const listed = new Set(targets.map(keyOf));
    const changed: ModelState[] = [];
    let added = 0;
    let unfit = 0;
    const spreadMs = checkIntervalMs("on_demand", 0, this.#baseIntervalMs) / Math.max(1, targets.length);
    for (const target of targets) {
      const state = this.#models.get(keyOf(target));
      if (state?.enabled === true) continue;
      if (state !== undefined) changed.push({ ...state, enabled: true });
      else if (this.#models.size + added >= MODELS_MAX) unfit++;
      else changed.push(newModelState(target, nowMs + (added++ < BATCH_MODELS_MAX ? 0 : added * spreadMs)));
    }
    for (const state of this.#models.values()) {
      const key = keyOf(state);
      const inUse = (this.#usedAtMs.get(key) ?? Number.NEGATIVE_INFINITY) > nowMs - UNLISTED_STAYS_MS;
      if (state.enabled && !listed.has(key) && !inUse) changed.push({ ...state, enabled: false });
    }
    this.#install({ models: changed, incidents: [], checks: [] });
    return unfit;
  }

  /** Enabled models whose time has come, the most important first, then those that wait longest. */
  due(nowMs: number, limit: number): ModelState[] {
    return this.models()
      .filter((state) => state.enabled && state.nextCheckAtMs <= nowMs)
      .sort((a, b) => TIERS[b.tier].priority - TIERS[a.tier].priority || a.nextCheckAtMs - b.nextCheckAtMs)
      .slice(0, limit);
  }

  /** Looks at a model later, because asking now said nothing about it. Not written: after a restart it is due again. */
  postpone(target: Target, untilMs: number): void {
    const state = this.#models.get(keyOf(target));
    if (state !== undefined) this.#models.set(keyOf(target), { ...state, nextCheckAtMs: untilMs });
  }

  /**
   * Takes results in the order given. All of them are written in one transaction, or none.
   * @throws the store's error; nothing changed then.
   */
  applyChecks(checks: readonly Check[]): IncidentMoves {
    const models = new Map<string, ModelState>();
    const incidents = new Map<string, Incident>();
    const open = new Map(this.#openIncidents);
    const opened: Incident[] = [];
    const resolved: Incident[] = [];
    const taken: Check[] = [];
    for (const check of checks) {
      const key = keyOf(check);
      const before = models.get(key) ?? this.#models.get(key);
      if (before === undefined && this.#models.size + models.size >= MODELS_MAX) continue;
      const after = afterCheck(before ?? newModelState(check, check.atMs), check, this.#baseIntervalMs);
      models.set(key, after);
      taken.push(check);
      const was = open.get(key);
      const is = incidentAfterCheck(was, check, after.consecutiveFailures, after.consecutiveSuccesses);
      if (is === undefined || is === was) continue;
      incidents.set(is.id, is);
      if (was === undefined) opened.push(is);
      if (is.status === "resolved") {
        resolved.push(is);
        open.delete(key);
      } else open.set(key, is);
    }
    this.#install({ models: [...models.values()], incidents: [...incidents.values()], checks: taken });
    return { opened, resolved };
  }

  /** Writes, then shows. */
  #install(changes: Parameters<HealthStore["write"]>[0]): void {
    if (changes.models.length + changes.incidents.length + changes.checks.length === 0) return;
    this.#store.write(changes);
    for (const state of changes.models) this.#models.set(keyOf(state), state);
    for (const { kind, atMs, ...target } of changes.checks) {
      if (kind === "passive") this.#usedAtMs.set(keyOf(target), atMs);
    }
    for (const incident of changes.incidents) {
      if (incident.status === "resolved") this.#openIncidents.delete(keyOf(incident));
      else this.#openIncidents.set(keyOf(incident), incident);
    }
  }

  /** Sorts the models into tiers by the calls of the last 24 h; a model that rose is due no later than its new interval. */
  recomputeTiers(nowMs: number): void {
    const tiers = tiersByUsage(this.#models.keys(), this.#store.callsSince(nowMs - DAY_MS));
    const changed: ModelState[] = [];
    for (const [key, state] of this.#models) {
      const tier = tiers.get(key)!;
      if (tier === state.tier) continue;
      const latestMs = nowMs + checkIntervalMs(tier, state.consecutiveFailures, this.#baseIntervalMs);
      changed.push({ ...state, tier, nextCheckAtMs: Math.min(state.nextCheckAtMs, latestMs) });
    }
    this.#install({ models: changed, incidents: [], checks: [] });
  }

  recomputeUptimes(nowMs: number): void {
    const uptimes = this.#store.uptimes(nowMs);
    const changed: ModelState[] = [];
    for (const [key, state] of this.#models) {
      const uptime = uptimes.get(key) ?? { uptime24h: 100, uptime7d: 100, uptime30d: 100 };
      const { uptime24h, uptime7d, uptime30d } = state;
      if (uptime.uptime24h === uptime24h && uptime.uptime7d === uptime7d && uptime.uptime30d === uptime30d) continue;
      changed.push({ ...state, ...uptime });
    }
    this.#install({ models: changed, incidents: [], checks: [] });
  }
}
