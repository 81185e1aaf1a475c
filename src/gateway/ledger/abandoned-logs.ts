import { readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Tables } from "../../database/database.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Periods } from "../access/periods.ts";
import type { Telemetry } from "../request-record.ts";
import { RETRY_MS } from "./limits.ts";
import { UsageLedger } from "./usage-ledger.ts";
import { UsageStore } from "./usage-store.ts";
import type { UsageBatch } from "./usage-sums.ts";
import type { UsageTables } from "./usage-tables.ts";

const WORKER_LOG = /^usage-log-worker-(\d{1,4})$/;
/** Added to the name of a log that is in the database whole, so that it is taken in no second time while it is deleted. */
const STORED_SUFFIX = ".stored";
/** Longest that a shutdown waits for a log that is being stored, ms; the next start takes it again, and adds nothing twice. */
const CLOSE_MS = 3_000;

export interface AbandonedLogsOptions {
  /** The gateway's data folder. */
  readonly dataDir: string;
  /** Worker processes that this gateway starts; each of them sees to its own log. */
  readonly workers: number;
  /** Under which the spending of the former workers counts; undefined where this gateway has no log. */
  readonly gatewayId: () => string | undefined;
  readonly tables: Tables<UsageTables>;
  readonly periods: () => Periods;
  /** Told which keys were used when. */
  readonly used: (lastUse: ReadonlyMap<string, number>) => Promise<void>;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
}

/**
 * Usage logs of workers that no longer exist, as `gateway.workers` was lowered: what they hold is brought into the
 * database by the primary, each entry exactly once, and then they are deleted. A database that is away is tried again.
 */
export class AbandonedLogs {
  readonly #options: AbandonedLogsOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: AbandonedLogsOptions) {
    this.#options = options;
  }

  /** Begins in the background. */
  start(): void {
    this.#running = this.#takeAll();
  }

  /** Resolves when every abandoned log is stored, or after `close`. Never rejects. */
  get done(): Promise<void> {
    return this.#running;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.race([this.#running, sleep(CLOSE_MS, undefined, { ref: false })]);
  }

  async #takeAll(): Promise<void> {
    const { dataDir, logger } = this.#options;
    try {
      for (const name of readdirSync(dataDir)) {
        if (name.endsWith(STORED_SUFFIX) && WORKER_LOG.test(name.slice(0, -STORED_SUFFIX.length))) {
          rmSync(join(dataDir, name), { recursive: true, force: true });
        } else if (this.#isAbandoned(name)) await this.#take(name);
      }
    } catch (error) {
      logger.error({ error: (error as Error).message }, "usage logs of former workers cannot be seen to");
    }
  }

  #isAbandoned(name: string): boolean {
    const index = WORKER_LOG.exec(name)?.[1];
    // A gateway of one worker has none: it answers by itself.
    return index !== undefined && Number(index) >= (this.#options.workers > 1 ? this.#options.workers : 0);
  }

  async #take(name: string): Promise<void> {
    const { dataDir, periods, telemetry, logger } = this.#options;
    const dir = join(dataDir, name);
    const ledger = new UsageLedger({ dir, periods, telemetry, logger });
    await ledger.start();
    try {
      // Without an id it could not be opened, which it said; it stays for the next start.
      if (ledger.id === undefined || !(await this.#store(ledger, ledger.id))) return;
    } finally {
      ledger.close();
    }
    // First out of sight, in one step: half a folder, perhaps without its id, must not be read as a new log.
    renameSync(dir, dir + STORED_SUFFIX);
    rmSync(dir + STORED_SUFFIX, { recursive: true, force: true });
    logger.info({ log: name }, "usage of a former worker is in the database; its log is deleted");
  }

  /** Tries until it succeeds; false when it was told to stop before. */
  async #store(ledger: UsageLedger, ledgerId: string): Promise<boolean> {
    const { tables, gatewayId, used, logger } = this.#options;
    const store = new UsageStore(tables, { ledgerId, gatewayId: gatewayId() ?? ledgerId });
    let batch: UsageBatch | undefined;
    for (let pauseMs: number = RETRY_MS.first; !this.#stop.signal.aborted; pauseMs *= 2) {
      try {
        batch ??= await ledger.takeBatch(() => store.applied());
        if (batch.requests > 0) {
          await store.add(batch); // A second time it adds nothing.
          await used(batch.lastUse);
        }
        await tables.synced();
        return true;
      } catch (error) {
        if (pauseMs === RETRY_MS.first)
          logger.error({ error: (error as Error).message }, "usage of a former worker cannot be stored; trying again");
      }
      const signal = this.#stop.signal;
      // The only rejection is the stop, after which the loop ends.
      await sleep(Math.min(pauseMs, RETRY_MS.last), undefined, { signal, ref: false }).catch(() => undefined);
    }
    return false;
  }
}
