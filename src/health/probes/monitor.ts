import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../runtime/logger.ts";
import { type Check, keyOf, type Target } from "../check.ts";
import { type HealthBook, type IncidentMoves, isDue } from "../health-book.ts";
import { BATCH_MODELS_MAX } from "../limits.ts";
import type { HealthMetrics } from "../metrics.ts";
import type { ModelState } from "../model-state.ts";
import { type GatewayClient, GatewayUnreachable } from "./gateway-client.ts";
import type { ProbeLock } from "./probe-lock.ts";

/** Contract section 3a. */
const BATCH_PAUSE_MS = 1_000;
const ROUND_PAUSE_MS = 30_000;
const IDLE_PAUSE_MS = 60_000;
const CATALOGUE_EVERY_MS = 60_000;
/** While the gateway cannot be asked, it is asked again this often: at a start it comes up seconds later. */
const UNREACHABLE_PAUSE_MS = 2_000;
/** A probe that the gateway refused because it was busy is repeated after this, so that probes do not add to the load. */
const INCONCLUSIVE_PAUSE_MS = 30_000;
/** A model whose result could not be stored is left alone for so long. */
const UNSTORED_PAUSE_MS = 300_000;
/** A gateway that starts beside this service answers by then. */
const STARTING_MS = 10_000;

export interface MonitorOptions {
  readonly book: HealthBook;
  readonly client: GatewayClient;
  readonly metrics: HealthMetrics;
  readonly logger: Logger;
  readonly lock: ProbeLock;
  readonly concurrentProbes: number;
  readonly signal: AbortSignal;
  /** Models that are not to be probed now, such as those in maintenance. */
  skipped(state: ModelState): boolean;
  /** Results were taken, whoever found them. */
  onChecks(checks: readonly Check[]): void;
}

/** Looks which models are due, and probes them. */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #probing = new Set<string>();
  readonly #startedAtMs = Date.now();
  #catalogueAtMs = 0;
  #listedProviders: ReadonlySet<string> = new Set();
  #gatewayReachable: boolean | undefined;
  #lastRoundAtMs: number | undefined;
  #paused = false;
  #failing = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** False until the gateway has been asked, while it cannot be, and while somebody has stopped the monitoring. */
  get active(): boolean {
    return this.#gatewayReachable === true && !this.#paused;
  }

  /** Stops probing, or starts it again; results of customers' calls are taken all the same. */
  set paused(paused: boolean) {
    this.#paused = paused;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Unix ms of the newest round's end. */
  get lastRoundAtMs(): number | undefined {
    return this.#lastRoundAtMs;
  }

  /** Providers that the gateway lists with a model of any kind. */
  get listedProviders(): ReadonlySet<string> {
    return this.#listedProviders;
  }

  /** Runs rounds until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { signal, logger } = this.#options;
    while (!signal.aborted) {
      let pauseMs = ROUND_PAUSE_MS;
      try {
        pauseMs = await this.#round();
        if (this.#failing) logger.info("health rounds work again");
        this.#failing = false;
      } catch (error) {
        // A full disk or a bug: the service keeps answering with what it knows, and tries again. One line per change.
        if (!this.#failing) logger.error({ error: (error as Error).message }, "health round failed; it is tried again");
        this.#failing = true;
      }
      // The only rejection is the abort, which ends the loop.
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** One batch; returns how long to wait before the next. */
  async #round(): Promise<number> {
    const { book, lock, skipped } = this.#options;
    if (lock.shared) await book.reload();
    await this.refreshCatalogue();
    await book.forgetOldFailures(Date.now());
    if (this.#gatewayReachable !== true) return UNREACHABLE_PAUSE_MS;
    const checked = await this.checkDue(BATCH_MODELS_MAX);
    this.#lastRoundAtMs = Date.now();
    if (!this.#paused && book.due(Date.now(), 1, skipped).length > 0) return BATCH_PAUSE_MS;
    return checked > 0 ? ROUND_PAUSE_MS : IDLE_PAUSE_MS;
  }

  /** Asks what the gateway serves, when that is not known or a minute old; says so once when it does not answer. */
  async refreshCatalogue(): Promise<void> {
    const { book, client, logger } = this.#options;
    const nowMs = Date.now();
    if (this.#gatewayReachable === true && nowMs - this.#catalogueAtMs < CATALOGUE_EVERY_MS) return;
    try {
      const { targets, providers } = await client.catalogue();
      const unfit = await book.syncCatalogue(targets, nowMs);
      if (unfit > 0) logger.warn({ unfit }, "catalogue is larger than the number of models that are tracked");
      this.#listedProviders = providers;
      this.#catalogueAtMs = nowMs;
      this.#setReachable(true, { models: targets.filter((target) => book.isProbed(target)).length });
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

  /** Probes up to `limit` due models; returns how many were looked at. */
  async checkDue(limit: number): Promise<number> {
    const { book, skipped } = this.#options;
    if (this.#paused) return 0;
    return this.#checkAll(book.due(Date.now(), limit, (state) => this.#probing.has(keyOf(state)) || skipped(state)));
  }

  /** Probes those of these models that can be probed now, whatever their next check is; returns how many were looked at. */
  async checkNow(targets: readonly Target[]): Promise<number> {
    const { book } = this.#options;
    const states = targets.flatMap((target) => book.model(target) ?? []);
    return this.#checkAll(states.filter((state) => book.isProbed(state) && !this.#probing.has(keyOf(state))));
  }

  async #checkAll(states: readonly ModelState[]): Promise<number> {
    const queue = [...states];
    for (const state of queue) this.#probing.add(keyOf(state));
    const workers = Array.from({ length: Math.min(this.#options.concurrentProbes, queue.length) }, async () => {
      for (let state = queue.shift(); state !== undefined; state = queue.shift()) await this.#check(state);
    });
    const ends = await Promise.allSettled(workers);
    // Where a worker failed, what it would have taken from the queue is still in it.
    for (const state of states) this.#probing.delete(keyOf(state));
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return states.length;
  }

  async #check(known: ModelState): Promise<void> {
    const { book, client, lock, metrics, signal } = this.#options;
    if (signal.aborted || this.#gatewayReachable !== true) return;
    if (!(await lock.take(known))) {
      // Another service asks this model at this moment; what it found is read with the next round.
      book.postpone(known, Date.now() + INCONCLUSIVE_PAUSE_MS);
      return;
    }
    try {
      const state = lock.shared ? await this.#stillDue(known) : known;
      if (state === undefined) return;
      const check = await client.probe(state);
      metrics.countProbe(check?.status ?? "inconclusive", check?.responseTimeMs);
      if (check !== undefined) await this.take([check]);
      else book.postpone(state, Date.now() + INCONCLUSIVE_PAUSE_MS);
    } catch (error) {
      if (!(error instanceof GatewayUnreachable)) {
        // Its result could not be stored, so it is still due: asking again at once would only cost money.
        book.postpone(known, Date.now() + UNSTORED_PAUSE_MS);
        throw error;
      }
      this.#setReachable(false, { reason: error.message });
    } finally {
      await lock.release(known);
    }
  }

  /** Another service may have checked it since we last looked. One that is asked for by hand is checked all the same. */
  async #stillDue(known: ModelState): Promise<ModelState | undefined> {
    const [stored] = await this.#options.book.refresh([known]);
    if (stored === undefined || stored.lastCalledAtMs === known.lastCalledAtMs) return known;
    return isDue(stored, Date.now()) ? stored : undefined;
  }

  /**
   * Takes results, whoever found them.
   * @throws the database's error, when they could not be written; nothing changed then.
   */
  async take(checks: readonly Check[]): Promise<IncidentMoves> {
    const { book, metrics, logger, onChecks } = this.#options;
    let moves: IncidentMoves;
    try {
      moves = await book.applyChecks(checks);
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
    onChecks(checks);
    return moves;
  }
}
