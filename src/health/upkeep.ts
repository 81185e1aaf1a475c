import type { Logger } from "../runtime/logger.ts";
import type { HealthMetrics } from "./metrics.ts";
import type { Stores } from "./store/stores.ts";

const SECOND_MS = 1_000;
/** A young service learns quickly: for this long after the start, tiers and uptimes are computed every minute. */
const YOUNG_MS = 10 * 60_000;
const YOUNG_EVERY_MS = 60_000;
/** How long the one that does the shared work keeps it, when it stops without a word. */
const LEASE_MS = 90_000;
const LEASE_NAME = "upkeep";

/** Work that is done again and again. */
export interface Job {
  readonly name: string;
  readonly everyMs: number;
  /** True: done more often while the service is young. */
  readonly eagerAtStart?: boolean;
  /** True: done by one of the services that share a database. */
  readonly shared?: boolean;
  run(nowMs: number): Promise<void>;
}

export interface UpkeepOptions {
  readonly jobs: readonly Job[];
  readonly stores: () => Stores;
  readonly owner: string;
  readonly logger: Logger;
  readonly metrics: HealthMetrics;
  readonly signal: AbortSignal;
}

/** Runs the jobs whose time has come, one after the other; one that fails is tried again at its next time. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #doneAtMs = new Map<string, number>();
  readonly #failing = new Set<string>();
  readonly #startedAtMs = Date.now();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  start(): void {
    const tick = (): void => {
      // A round that takes longer than the tick is left alone.
      this.#running ??= this.runDue(Date.now()).finally(() => {
        this.#running = undefined;
      });
    };
    this.#timer = setInterval(tick, SECOND_MS);
    this.#timer.unref();
    tick();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Never rejects. */
  async runDue(nowMs: number): Promise<void> {
    const due = this.#options.jobs.filter(
      (job) => nowMs - (this.#doneAtMs.get(job.name) ?? 0) >= this.#everyMs(job, nowMs),
    );
    if (due.length === 0) return;
    const leads = due.some(({ shared }) => shared) && (await this.#leads(nowMs));
    for (const job of due) {
      if (this.#options.signal.aborted) return;
      this.#doneAtMs.set(job.name, nowMs);
      if (job.shared === true && !leads) continue;
      await this.#run(job, nowMs);
    }
  }

  #everyMs({ everyMs, eagerAtStart }: Job, nowMs: number): number {
    const young = eagerAtStart === true && nowMs - this.#startedAtMs < YOUNG_MS;
    return young ? Math.min(everyMs, YOUNG_EVERY_MS) : everyMs;
  }

  async #run(job: Job, nowMs: number): Promise<void> {
    const { logger, metrics } = this.#options;
    try {
      await job.run(nowMs);
      if (this.#failing.delete(job.name)) logger.info({ job: job.name }, "upkeep works again");
    } catch (error) {
      metrics.countStoreError();
      // One line per change of state.
      if (this.#failing.has(job.name)) return;
      this.#failing.add(job.name);
      logger.error({ job: job.name, error: (error as Error).message }, "upkeep failed; it is tried again");
    }
  }

  /** Alone with its database it always leads; of several that share one, whoever holds the lease. */
  async #leads(nowMs: number): Promise<boolean> {
    const { health, locks } = this.#options.stores();
    if (!health.shared) return true;
    try {
      return await locks.take(LEASE_NAME, this.#options.owner, nowMs, LEASE_MS);
    } catch {
      // Without the database there is nothing to do that others would do as well.
      return false;
    }
  }
}
