import { type Check, isHardFailure, keyOf, type Target } from "./check.ts";
import { sweepIncidents } from "./incidents/incident-sweep.ts";
import { type Incident, incidentAfterCheck, resolved } from "./incidents/incidents.ts";
import { BATCH_MODELS_MAX, MODELS_MAX, UNLISTED_MODELS_MAX, UNLISTED_RETENTION_MS } from "./limits.ts";
import { afterCheck, checkIntervalMs, type ModelState, newModelState } from "./model-state.ts";
import { ModelKinds } from "./probes/model-kinds.ts";
import { TIERS, tiersByUsage } from "./probes/tiers.ts";
import type { Uptimes } from "./store/aggregate-store.ts";
import type { Changes, HealthStore } from "./store/health-store.ts";
import { DAY_MS } from "./store/periods.ts";

/** A model that customers used within this time stays tracked, even where no catalogue lists it. */
const UNLISTED_STAYS_MS = 3_600_000;
const WITHOUT_CHECKS: Uptimes = { uptime24h: 100, uptime7d: 100, uptime30d: 100 };

/** What a batch of checks did to incidents. */
export interface IncidentMoves {
  readonly opened: readonly Incident[];
  readonly resolved: readonly Incident[];
}

/**
 * All models and open incidents, held in memory and written through: a change is in the database before it is visible
 * here, so that a full disk loses nothing that was acknowledged and a restart continues where this ended. Changes are
 * made one after the other. Where other services write to the same database, each change starts from what is stored.
 */
export class HealthBook {
  #store: HealthStore;
  readonly #baseIntervalMs: number;
  #models = new Map<string, ModelState>();
  #openIncidents = new Map<string, Incident>();
  /** Unix ms of the newest customer's call, by target. */
  readonly #usedAtMs = new Map<string, number>();
  /** Unix ms before which a model is not looked at, by target. */
  readonly #postponedToMs = new Map<string, number>();
  readonly #kinds = new ModelKinds();
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(store: HealthStore, baseIntervalMs: number) {
    this.#store = store;
    this.#baseIntervalMs = baseIntervalMs;
  }

  static async open(store: HealthStore, baseIntervalMs: number): Promise<HealthBook> {
    const book = new HealthBook(store, baseIntervalMs);
    await book.reload();
    return book;
  }

  models(): ModelState[] {
    return [...this.#models.values()];
  }

  model(target: Target): ModelState | undefined {
    return this.#models.get(keyOf(target));
  }

  openIncidents(): Incident[] {
    return [...this.#openIncidents.values()];
  }

  /** Reads everything again; what others wrote shows then. */
  async reload(): Promise<void> {
    await this.#next(async () => {
      const { models, incidents } = await this.#store.load();
      this.#models = new Map(models);
      this.#openIncidents = new Map(incidents);
    });
  }

  /** Reads some models again; returns those that are stored. */
  async refresh(targets: readonly Target[]): Promise<ModelState[]> {
    return this.#next(async () => {
      const { models } = await this.#store.find(targets);
      return targets.flatMap((target) => {
        const state = models.get(keyOf(target));
        if (state === undefined) return [];
        this.#models.set(keyOf(target), state);
        return state;
      });
    });
  }

  /**
   * Moves to another database: what it knows is taken over, what only this memory knows is written to it.
   * @throws the database's error; the book stays where it was then.
   */
  async moveTo(store: HealthStore): Promise<void> {
    await this.#next(async () => {
      const known = await store.load();
      const missing = this.models().filter((state) => !known.models.has(keyOf(state)));
      const incidents = this.openIncidents().filter((incident) => !known.incidents.has(keyOf(incident)));
      await store.write({ models: missing, incidents, checks: [] });
      this.#store = store;
      this.#models = new Map([...missing.map((state) => [keyOf(state), state] as const), ...known.models]);
      this.#openIncidents = new Map([
        ...incidents.map((incident) => [keyOf(incident), incident] as const),
        ...known.incidents,
      ]);
    });
  }

  /**
   * Makes the catalogue's chat models known and switches off what it no longer lists; models of other kinds become known
   * when a customer calls them. The first models are due at once, the others spread over their interval, so that a
   * catalogue of thousands does not cost thousands of probes at the start.
   * @param targets Those without a kind chat.
   * @returns Models of the catalogue that did not fit into MODELS_MAX.
   */
  async syncCatalogue(targets: readonly (Target & { readonly modelKind?: string })[], nowMs: number): Promise<number> {
    return this.#next(async () => {
      const listed = new Map(targets.map((target) => [keyOf(target), target.modelKind ?? "chat"]));
      this.#kinds.setListed(listed, (key) => this.#models.has(key));
      const changed: ModelState[] = [];
      let added = 0;
      let unfit = 0;
      const spreadMs = checkIntervalMs("on_demand", 0, this.#baseIntervalMs) / Math.max(1, targets.length);
      for (const target of targets) {
        const state = this.#models.get(keyOf(target));
        if (state?.enabled === true) continue;
        if (state !== undefined) changed.push({ ...state, enabled: true });
        else if (!this.#kinds.isProbed(target)) continue;
        else if (this.#models.size + added >= MODELS_MAX) unfit++;
        else changed.push(newModelState(target, nowMs + (added++ < BATCH_MODELS_MAX ? 0 : added * spreadMs)));
      }
      for (const state of this.#models.values()) {
        const key = keyOf(state);
        const inUse = (this.#usedAtMs.get(key) ?? Number.NEGATIVE_INFINITY) > nowMs - UNLISTED_STAYS_MS;
        if (state.enabled && !listed.has(key) && !inUse) changed.push({ ...state, enabled: false });
      }
      await this.#install({ models: changed, columns: ["enabled"], incidents: [], checks: [] });
      return unfit;
    });
  }

  /** False for models that only customers' calls say something about, such as those for embeddings. */
  isProbed(target: Target): boolean {
    return this.#kinds.isProbed(target);
  }

  /**
   * Forgets that models which are not probed failed, once that is older than the first interval: routing goes elsewhere
   * while a model is known to fail, so that without a probe nobody would ever find out that it works again.
   */
  async forgetOldFailures(nowMs: number): Promise<void> {
    await this.#next(async () => {
      const changed = this.models()
        .filter(({ lastStatus }) => lastStatus !== undefined && lastStatus !== "success")
        .filter((state) => !this.isProbed(state) && (state.lastCalledAtMs ?? 0) <= nowMs - this.#baseIntervalMs)
        .map((state): ModelState => {
          const circuitState = state.circuitState === "open" ? "half_open" : state.circuitState;
          return { ...state, lastStatus: undefined, hardFailures: 0, circuitState };
        });
      const columns = ["last_status", "hard_failures", "circuit_state"] as const;
      await this.#install({ models: changed, columns, incidents: [], checks: [] });
    });
  }

  /** Enabled models that are probed and whose time has come, the most important first, then those that wait longest. */
  due(nowMs: number, limit: number, skipped: (state: ModelState) => boolean = () => false): ModelState[] {
    for (const [key, untilMs] of this.#postponedToMs) if (untilMs <= nowMs) this.#postponedToMs.delete(key);
    return this.models()
      .filter((state) => isDue(state, nowMs) && this.isProbed(state))
      .filter((state) => !this.#postponedToMs.has(keyOf(state)) && !skipped(state))
      .sort((a, b) => TIERS[b.tier].priority - TIERS[a.tier].priority || a.nextCheckAtMs - b.nextCheckAtMs)
      .slice(0, limit);
  }

  /** Looks at a model later, because asking now said nothing about it. Not written: after a restart it is due again. */
  postpone(target: Target, untilMs: number): void {
    this.#postponedToMs.set(keyOf(target), untilMs);
  }

  /**
   * Takes results in the order given. All of them are written in one transaction, or none.
   * @throws the database's error; nothing changed then.
   */
  async applyChecks(checks: readonly Check[]): Promise<IncidentMoves> {
    return this.#next(async () => {
      const opened: Incident[] = [];
      const ended: Incident[] = [];
      const changes = await this.#store.update(checks, (known) => {
        const models = new Map<string, ModelState>();
        const incidents = new Map<string, Incident>();
        const open = new Map(known.incidents);
        const taken: Check[] = [];
        for (const check of checks) {
          const key = keyOf(check);
          const before = models.get(key) ?? known.models.get(key);
          if (!this.#kinds.counts(check)) continue;
          // A name that only a client made up is no model of ours.
          if (before === undefined && isHardFailure(check)) continue;
          if (before === undefined && !this.#hasRoom(key, models)) continue;
          const after = afterCheck(before ?? newModelState(check, check.atMs), check, this.#baseIntervalMs);
          models.set(key, after);
          taken.push(check);
          this.#kinds.take(check);
          const was = open.get(key);
          const is = incidentAfterCheck(was, check, after.consecutiveFailures, after.consecutiveSuccesses);
          if (is === undefined || is === was) continue;
          incidents.set(is.id, is);
          if (was === undefined) opened.push(is);
          if (is.status === "resolved") {
            ended.push(is);
            open.delete(key);
          } else open.set(key, is);
        }
        // Resolved ones first: a new one of the same target may only be written after them.
        const ordered = [...incidents.values()].sort((a, b) => Number(isOpen(a)) - Number(isOpen(b)));
        return { models: [...models.values()], incidents: ordered, checks: taken };
      });
      this.#show(changes);
      return { opened, resolved: ended };
    });
  }

  /** @param changing Models that are about to be written, among them new ones. */
  #hasRoom(key: string, changing: ReadonlyMap<string, ModelState>): boolean {
    const keys = new Set([...this.#models.keys(), ...changing.keys()]);
    if (keys.size >= MODELS_MAX) return false;
    if (this.#kinds.isListed(key)) return true;
    return [...keys].filter((known) => !this.#kinds.isListed(known)).length < UNLISTED_MODELS_MAX;
  }

  /**
   * Changes an open incident.
   * @returns Undefined when there is none of this id.
   */
  async changeIncident(id: string, work: (incident: Incident) => Incident): Promise<Incident | undefined> {
    return this.#next(async () => {
      const incident = await this.#store.updateIncident(id, work);
      if (incident !== undefined) this.#show({ models: [], incidents: [incident], checks: [] });
      return incident;
    });
  }

  /** Resolves the incidents that no check will ever end; returns them. */
  async sweepIncidents(nowMs: number): Promise<Incident[]> {
    return this.#next(async () => {
      const incidents: Incident[] = [];
      for (const { id, resolutionNotes } of sweepIncidents(this.openIncidents(), this.#models, nowMs)) {
        const ended = await this.#store.updateIncident(id, (open) => resolved(open, resolutionNotes!, "sweep", nowMs));
        if (ended !== undefined) incidents.push(ended);
      }
      this.#show({ models: [], incidents, checks: [] });
      return incidents;
    });
  }

  /** Sorts the models into tiers by the calls of the last 24 h; a model that rose is due no later than its new interval. */
  async recomputeTiers(nowMs: number, callsSince: (sinceMs: number) => Promise<Map<string, number>>): Promise<void> {
    const calls = await callsSince(nowMs - DAY_MS);
    await this.#next(async () => {
      const tiers = tiersByUsage(this.#models.keys(), calls);
      const changed: ModelState[] = [];
      for (const [key, state] of this.#models) {
        const tier = tiers.get(key)!;
        if (tier === state.tier) continue;
        const latestMs = nowMs + checkIntervalMs(tier, state.consecutiveFailures, this.#baseIntervalMs);
        changed.push({ ...state, tier, nextCheckAtMs: Math.min(state.nextCheckAtMs, latestMs) });
      }
      const columns = ["tier", "priority", "next_check_at"] as const;
      await this.#install({ models: changed, columns, incidents: [], checks: [] });
    });
  }

  async recomputeUptimes(nowMs: number, uptimesAt: (nowMs: number) => Promise<Map<string, Uptimes>>): Promise<void> {
    const uptimes = await uptimesAt(nowMs);
    await this.#next(async () => {
      const changed: ModelState[] = [];
      for (const [key, state] of this.#models) {
        const uptime = uptimes.get(key) ?? WITHOUT_CHECKS;
        const { uptime24h, uptime7d, uptime30d } = state;
        if (uptime.uptime24h === uptime24h && uptime.uptime7d === uptime7d && uptime.uptime30d === uptime30d) continue;
        changed.push({ ...state, ...uptime });
      }
      const columns = ["uptime_24h", "uptime_7d", "uptime_30d"] as const;
      await this.#install({ models: changed, columns, incidents: [], checks: [] });
    });
  }

  /** Forgets the models that nobody has listed or called for a month. */
  async forgetUnlisted(nowMs: number): Promise<void> {
    await this.#next(async () => {
      for (const target of await this.#store.forgetModels(nowMs - UNLISTED_RETENTION_MS)) {
        this.#models.delete(keyOf(target));
        this.#usedAtMs.delete(keyOf(target));
      }
    });
  }

  /** One change after the other. */
  #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    // Whoever asked for the change sees its error; the next change starts anyway.
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Writes, then shows. */
  async #install(changes: Changes): Promise<void> {
    if (changes.models.length + changes.incidents.length + changes.checks.length === 0) return;
    await this.#store.write(changes);
    this.#show(changes);
  }

  #show(changes: Changes): void {
    for (const state of changes.models) this.#models.set(keyOf(state), state);
    for (const check of changes.checks) {
      if (check.kind === "passive") this.#usedAtMs.set(keyOf(check), check.atMs);
    }
    for (const incident of changes.incidents) {
      const key = keyOf(incident);
      if (isOpen(incident)) this.#openIncidents.set(key, incident);
      else if (this.#openIncidents.get(key)?.id === incident.id) this.#openIncidents.delete(key);
    }
  }
}

export function isDue(state: ModelState, nowMs: number): boolean {
  return state.enabled && state.nextCheckAtMs <= nowMs;
}

function isOpen({ status }: Incident): boolean {
  return status !== "resolved";
}
