import type { Logger } from "../../runtime/logger.ts";
import type { WalPosition } from "../../storage/sync-wal.ts";
import { toUsd } from "../access/nano-usd.ts";
import type { Periods } from "../access/periods.ts";
import type { Telemetry } from "../request-record.ts";
import type { SettlementEntry, UsageSubject, UsageTokens } from "./entries.ts";
import { type Ledger, type Settlement, settlementEntry, type Ticket } from "./ledger.ts";
import { UsageLog } from "./usage-log.ts";
import { UsageBatch } from "./usage-sums.ts";

export interface UsageLedgerOptions {
  /** The log's own folder. */
  readonly dir: string;
  readonly periods: () => Periods;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  readonly now?: () => number;
}

/**
 * The ledger of one process: a log on disk, and the sums that wait for the next roll-up in memory. Until `start`, and
 * where the disk refuses, there are the sums only.
 */
export class UsageLedger implements Ledger {
  readonly #options: UsageLedgerOptions;
  readonly #now: () => number;
  #log: UsageLog | undefined;
  #batch = new UsageBatch();
  /** Up to here earlier batches reach. */
  #markedAt: WalPosition | undefined;
  /** True while settlements of earlier processes may be missing in the database. */
  #replayNeeded = false;

  constructor(options: UsageLedgerOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** The log's id, under which its position is kept in the database; undefined without a log. */
  get id(): string | undefined {
    return this.#log?.id;
  }

  /** Settled requests that are not yet in the database. */
  get pendingRequests(): number {
    return this.#batch.requests;
  }

  get logBytes(): number {
    return this.#log?.bytes ?? 0;
  }

  /** Opens the log and settles what an earlier process left open. Never rejects: without a log, memory has to do. */
  async start(): Promise<void> {
    const { dir, logger, telemetry } = this.#options;
    try {
      const { log, open } = await UsageLog.open(dir, logger);
      this.#log = log;
      this.#replayNeeded = true;
      for (const { entry, position } of open) {
        const settled: SettlementEntry = { ...entry, ...position, kind: "settlement", result: "interrupted" };
        log.write(settled);
        this.#batch.add(settled, this.#options.periods());
        const { subject, nanoUsd } = entry;
        telemetry.event("usageInterrupted", { provider: subject.provider, amountUsd: toUsd(nanoUsd) });
      }
      if (open.length > 0) logger.warn({ requests: open.length }, "settled requests that a crash left open");
    } catch (error) {
      logger.error({ error: (error as Error).message, dir }, "usage log cannot be opened; a crash loses usage");
    }
  }

  open(subject: UsageSubject, tokens: UsageTokens, nanoUsd: number): Ticket {
    const position = this.#log?.write({ kind: "reservation", atMs: this.#now(), subject, tokens, nanoUsd });
    let settled = false;
    return {
      settle: (settlement) => {
        if (settled) return;
        settled = true;
        this.#settle(subject, position, settlement);
      },
    };
  }

  #settle(subject: UsageSubject, position: WalPosition | undefined, settlement: Settlement): void {
    const startedAt = performance.now();
    const { telemetry, periods } = this.#options;
    const entry = settlementEntry(this.#now(), subject, settlement, position?.segment ?? -1, position?.index ?? -1);
    const written = this.#log?.write(entry);
    if (position !== undefined) this.#log?.settled(position.segment);
    this.#batch.add(entry, periods());
    if (!subject.budgeted) return;
    telemetry.event("creditDeducted", {
      status: this.#log === undefined || written !== undefined ? "success" : "failed",
      endpoint: subject.endpoint,
      stream: subject.stream,
      amountUsd: toUsd(settlement.nanoUsd),
      seconds: (performance.now() - startedAt) / 1_000,
    });
  }

  /**
   * Takes the sums since the last call, to be added to the database.
   * @param applied Asks up to where this log is in the database already; asked once, before anything else is added.
   * @throws whatever `applied` throws; nothing is taken then.
   */
  async takeBatch(applied: () => Promise<WalPosition | undefined>): Promise<UsageBatch> {
    const log = this.#log;
    if (this.#replayNeeded && log !== undefined) {
      const from = await applied();
      const { logger } = this.#options;
      // Into sums of their own: a failure in the middle must not count the first half twice.
      const earlier = new UsageBatch();
      const periods = this.#options.periods();
      await log.replay(from, (entry) => {
        if (entry.kind === "settlement") earlier.add(entry, periods);
      });
      this.#batch.merge(earlier);
      this.#replayNeeded = false;
      if (earlier.requests > 0)
        logger.info({ requests: earlier.requests }, "usage of an earlier process taken from its log");
    }
    const batch = this.#batch;
    this.#batch = new UsageBatch();
    const marked = log?.mark();
    // Where nothing was logged (a full disk), there is no position that could say whether the batch was stored.
    if (marked !== undefined && !samePosition(marked, this.#markedAt)) batch.through = marked;
    this.#markedAt = marked;
    return batch;
  }

  /** The batch is in the database: its part of the log is no longer needed. */
  added(batch: UsageBatch): void {
    if (batch.through !== undefined) this.#log?.forgetBefore(batch.through);
  }

  close(): void {
    this.#log?.close();
  }
}

function samePosition(left: WalPosition, right: WalPosition | undefined): boolean {
  return left.segment === right?.segment && left.index === right.index;
}
