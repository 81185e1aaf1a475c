import type { Tables } from "../../database/database.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { SpentRow } from "../access/budgets.ts";
import { toUsd } from "../access/nano-usd.ts";
import type { Periods } from "../access/periods.ts";
import type { Telemetry } from "../request-record.ts";
import { PRUNE_INTERVAL_MS, RETRY_MS } from "./limits.ts";
import type { UsageLedger } from "./usage-ledger.ts";
import { UsageStore } from "./usage-store.ts";
import type { UsageBatch } from "./usage-sums.ts";
import type { UsageTables } from "./usage-tables.ts";

/** How often the spending of other gateways is asked for while nothing happens here, ms. */
const REFRESH_MS = 5_000;
/** Longest that a shutdown waits for the last batch, ms; what does not make it is in the log. */
const CLOSE_MS = 3_000;

export interface RollUpOptions {
  readonly ledger: UsageLedger;
  /** Of the gateway that this process is a part of; its ledger's own where it is all of it. */
  readonly gatewayId?: string | undefined;
  readonly tables: Tables<UsageTables>;
  readonly periods: () => Periods;
  /** Told what has been spent, after each roll-up and every few seconds. */
  readonly spent: (rows: readonly SpentRow[]) => void;
  /** Told which keys were used when. */
  readonly used: (lastUse: ReadonlyMap<string, number>) => Promise<void>;
  readonly intervalMs: number;
  readonly retentionMs: () => number;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  readonly now?: () => number;
}

/** Brings usage from the ledger into the database, in batches, each exactly once, however often it has to try. */
export class RollUp {
  readonly #options: RollUpOptions;
  readonly #now: () => number;
  #store: UsageStore | undefined;
  /** Taken from the ledger and not yet known to be stored. */
  #batch: UsageBatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #attempt = 1;
  #retryAtMs = 0;
  #refreshedAtMs = 0;
  #prunedAtMs = 0;
  #closed = false;

  constructor(options: RollUpOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Rolls up what is there; resolves when budgets know what was spent before, or the first try failed. */
  async start(): Promise<void> {
    await this.run();
    if (this.#closed) return;
    this.#timer = setInterval(() => void this.#tick(), this.#options.intervalMs);
    this.#timer.unref();
  }

  /** Rolls up now. Never rejects; a failure is tried again later. */
  async run(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    this.#running = this.#roll();
    await this.#running;
    this.#running = undefined;
  }

  /** Stores what is pending, within a few seconds. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    const { ledger, telemetry, logger } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        logger.warn("usage is not stored in time; the next start takes it from its log");
        resolve();
      }, CLOSE_MS);
    });
    await Promise.race([this.run(), late]);
    clearTimeout(timer);
    if (ledger.id === undefined) this.#reportLost(telemetry);
    ledger.close();
  }

  async #tick(): Promise<void> {
    if (this.#running !== undefined || this.#now() < this.#retryAtMs) return;
    await this.run();
  }

  async #roll(): Promise<void> {
    const { ledger, logger, telemetry } = this.#options;
    try {
      const store = this.#storeOf();
      this.#batch ??= await ledger.takeBatch(() => store.applied());
      const batch = this.#batch;
      if (batch.requests > 0) {
        await store.add(batch);
        // At once: what fails from here on must not add the batch again.
        this.#batch = undefined;
        await this.#forget(batch);
        await this.#options.used(batch.lastUse);
      }
      this.#batch = undefined;
      const nowMs = this.#now();
      if (batch.requests > 0 || nowMs - this.#refreshedAtMs >= REFRESH_MS) {
        this.#options.spent(await store.spent(this.#options.periods(), nowMs));
        this.#refreshedAtMs = nowMs;
      }
      if (nowMs - this.#prunedAtMs >= PRUNE_INTERVAL_MS) {
        await store.prune(nowMs - this.#options.retentionMs());
        this.#prunedAtMs = nowMs;
      }
      if (this.#attempt > 1) logger.info("usage can be stored again");
      this.#attempt = 1;
      this.#retryAtMs = 0;
    } catch (error) {
      if (this.#attempt === 1)
        logger.error({ error: (error as Error).message }, "usage cannot be stored; trying again");
      this.#attempt++;
      telemetry.event("creditRetried", { attempt: this.#attempt, endpoint: "roll_up" });
      this.#retryAtMs = this.#now() + Math.min(RETRY_MS.first * 2 ** (this.#attempt - 2), RETRY_MS.last);
    }
  }

  /** Lets the ledger delete what is in the database for good: not before a power cut could take it from there. */
  async #forget(batch: UsageBatch): Promise<void> {
    try {
      await this.#options.tables.synced();
    } catch (error) {
      this.#options.logger.warn(
        { error: (error as Error).message },
        "database cannot be synced; the usage log is kept",
      );
      return;
    }
    this.#options.ledger.added(batch);
  }

  #storeOf(): UsageStore {
    // Without a log there is no position, and so the name under which it would be kept does not matter.
    const id = this.#options.ledger.id ?? "memory";
    this.#store ??= new UsageStore(this.#options.tables, { ledgerId: id, gatewayId: this.#options.gatewayId ?? id });
    return this.#store;
  }

  /** Without a log and without a database, what is left at the end is gone. */
  #reportLost(telemetry: Telemetry): void {
    for (const { cost_nano_usd: nano } of this.#batch?.hours.values() ?? []) {
      if (nano > 0) telemetry.event("creditMissed", { reason: "store_failed", amountUsd: toUsd(nano) });
    }
  }
}
