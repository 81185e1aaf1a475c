import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../runtime/logger.ts";
import { type Check, keyOf } from "./check.ts";
import { type GatewayClient, GatewayUnreachable } from "./gateway-client.ts";
import type { HealthBook, IncidentMoves } from "./health-book.ts";
import { BATCH_MODELS_MAX } from "./limits.ts";
import type { HealthMetrics } from "./metrics.ts";
import type { ModelState } from "./model-state.ts";
import type { HealthStore } from "./store.ts";

/** Contract section 3a. */
const BATCH_PAUSE_MS = 1_000;
const ROUND_PAUSE_MS = 30_000;
const IDLE_PAUSE_MS = 60_000;
const TIERS_EVERY_MS = 3_600_000;
const UPTIMES_EVERY_MS = 5 * 60_000;
/** A young service learns quickly: for this long after the start, tiers and uptimes are computed every minute. */
const YOUNG_MS = 10 * 60_000;
const YOUNG_EVERY_MS = 60_000;
const CATALOGUE_EVERY_MS = 60_000;
/** While the gateway cannot be asked, it is asked again this often: at a start it comes up seconds later. */
const UNREACHABLE_PAUSE_MS = 2_000;
/** A probe that the gateway refused because it was busy is repeated after this, so that probes do not add to the load. */
const INCONCLUSIVE_PAUSE_MS = 30_000;
/** A gateway that starts beside this service answers by then. */
const STARTING_MS = 10_000;
const PRUNE_EVERY_MS = 10 * 60_000;

export interface MonitorOptions {
  readonly book: HealthBook;
  readonly store: HealthStore;
  readonly client: GatewayClient;
  readonly metrics: HealthMetrics;
  readonly logger: Logger;
  readonly concurrentProbes: number;
  readonly signal: AbortSignal;
}

/** Unix ms of the newest time that each was done. */
interface UpkeepTimes {
  catalogue: number;
  tiers: number;
  uptimes: number;
  prune: number;
}

/** Looks which models are due, probes them, and keeps tiers, uptimes and bounds up to date. */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #probing = new Set<string>();
  readonly #startedAtMs = Date.now();
  readonly #doneAtMs: UpkeepTimes = { catalogue: 0, tiers: 0, uptimes: 0, prune: 0 };
  #gatewayReachable: boolean | undefined;
  #lastRoundAtMs: number | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** False until the gateway has been asked, and while it cannot be. */
  get gatewayReachable(): boolean {
    return this.#gatewayReachable === true;
  }

  /** Unix ms of the newest round's end. */
  get lastRoundAtMs(): number | undefined {
    return this.#lastRoundAtMs;
  }

  /** Runs rounds until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { signal, logger } = this.#options;
    while (!signal.aborted) {
      let pauseMs = ROUND_PAUSE_MS;
      try {
        pauseMs = await this.#round();
      } catch (error) {
        // A full disk or a bug: the service keeps answering with what it knows, and tries again.
        logger.error({ error: (error as Error).message }, "health round failed");
      }
      // The only rejection is the abort, which ends the loop.
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** One batch; returns how long to wait before the next. */
  async #round(): Promise<number> {
    await this.#refreshCatalogue();
    if (!this.gatewayReachable) return UNREACHABLE_PAUSE_MS;
    const checked = await this.checkDue(BATCH_MODELS_MAX);
    this.#upkeep();
    this.#lastRoundAtMs = Date.now();
    if (this.#options.book.due(Date.now(), 1).length > 0) return BATCH_PAUSE_MS;
    return checked > 0 ? ROUND_PAUSE_MS : IDLE_PAUSE_MS;
  }

  async #refreshCatalogue(): Promise<void> {
    const { book, client, logger } = this.#options;
    const nowMs = Date.now();
    if (this.gatewayReachable && nowMs - this.#doneAtMs.catalogue < CATALOGUE_EVERY_MS) return;
    try {
      const targets = await client.catalogue();
      const unfit = book.syncCatalogue(targets, nowMs);
      if (unfit > 0) logger.warn({ unfit }, "catalogue is larger than the number of models that are tracked");
      this.#doneAtMs.catalogue = nowMs;
      this.#setReachable(true, { models: targets.length });
    } catch (error) {
      if (!(error instanceof GatewayUnreachable)) throw error;
      this.#setReachable(false, { reason: error.message });
    }
  }

  /** One line per change of state. */
  #setReachable(reachable: boolean, detail: object): void {
    if (this.#gatewayReachable === reachable || this.#options.signal.aborted) return;
    // Both start together, and this one first: a gateway that is not there yet is no news.
    const starting = this.#gatewayReachable === undefined && Date.now() - this.#startedAtMs < STARTING_MS;
    if (!reachable && starting) return;
    this.#gatewayReachable = reachable;
    const { logger } = this.#options;
    if (reachable) logger.info(detail, "gateway reached; checking its models");
    else logger.warn(detail, "gateway cannot be asked; models are not checked until it answers");
  }

  /** Probes up to `limit` due models; returns how many were probed. */
  async checkDue(limit: number): Promise<number> {
    const { book, concurrentProbes } = this.#options;
    const due = book.due(Date.now(), limit + this.#probing.size).filter((state) => !this.#probing.has(keyOf(state)));
    const queue = due.slice(0, limit);
    for (const state of queue) this.#probing.add(keyOf(state));
    const workers = Array.from({ length: Math.min(concurrentProbes, queue.length) }, async () => {
      for (let state = queue.shift(); state !== undefined; state = queue.shift()) await this.#check(state);
    });
    await Promise.all(workers);
    return Math.min(due.length, limit);
  }

  async #check(state: ModelState): Promise<void> {
    const { client, signal } = this.#options;
    try {
      if (signal.aborted || !this.gatewayReachable) return;
      const check = await client.probe(state);
      if (check !== undefined) this.take([check]);
      else this.#options.book.postpone(state, Date.now() + INCONCLUSIVE_PAUSE_MS);
    } catch (error) {
      if (!(error instanceof GatewayUnreachable)) throw error;
      this.#setReachable(false, { reason: error.message });
    } finally {
      this.#probing.delete(keyOf(state));
    }
  }

  /**
   * Takes results, whoever found them.
   * @throws the store's error, when they could not be written; nothing changed then.
   */
  take(checks: readonly Check[]): IncidentMoves {
    const { book, metrics, logger } = this.#options;
    let moves: IncidentMoves;
    try {
      moves = book.applyChecks(checks);
    } catch (error) {
      metrics.countStoreError();
      throw error;
    }
    metrics.countChecks(checks, moves);
    for (const { provider, model, incidentType, severity, errorMessage } of moves.opened) {
      logger.warn({ provider, model, incidentType, severity, errorMessage }, "incident opened");
    }
    for (const { provider, model, incidentType, startedAtMs, resolvedAtMs } of moves.resolved) {
      const durationSeconds = Math.round((resolvedAtMs! - startedAtMs) / 1_000);
      logger.info({ provider, model, incidentType, durationSeconds }, "incident resolved");
    }
    return moves;
  }

  #upkeep(): void {
    const { book, store } = this.#options;
    const nowMs = Date.now();
    const every = (name: keyof UpkeepTimes, intervalMs: number, work: () => void): void => {
      if (nowMs - this.#doneAtMs[name] < intervalMs) return;
      this.#doneAtMs[name] = nowMs;
      work();
    };
    const young = nowMs - this.#startedAtMs < YOUNG_MS;
    every("tiers", young ? YOUNG_EVERY_MS : TIERS_EVERY_MS, () => book.recomputeTiers(nowMs));
    every("uptimes", young ? YOUNG_EVERY_MS : UPTIMES_EVERY_MS, () => {
      book.recomputeUptimes(nowMs);
      // The hour that ended since the last time gets its final numbers too.
      for (const atMs of [nowMs - UPTIMES_EVERY_MS, nowMs]) store.computePercentiles(atMs);
    });
    every("prune", PRUNE_EVERY_MS, () => store.prune(nowMs));
  }
}
