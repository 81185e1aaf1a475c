import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../runtime/logger.ts";
import { directoryBytes, itemsOverBudget } from "../../storage/size-budget.ts";
import { StorageError } from "../../storage/storage-error.ts";
import type { Wal } from "../../storage/wal.ts";
import type { Block } from "../blocks/block.ts";
import { writeBlock } from "../blocks/block-writer.ts";
import { CORRUPT_SUFFIX, WAL_DIR } from "../blocks/filenames.ts";
import { blockRanges, mergedBlock, planMerge } from "./block-merge.ts";
import { deleteOldCheckpoints, writeCheckpoint } from "./checkpoint.ts";
import { compactHead, type HeadCompaction, isHeadCompactable, truncateHead } from "./head-compact.ts";
import { MAINTENANCE_INTERVAL_MS, SIZE_INTERVAL_MS } from "./limits.ts";

const DAMAGED_SUFFIX = ".damaged";
/** Least share of the head's time that is dropped at once when even without blocks the store is over its size. */
const HEAD_SHARE_DROPPED_MIN = 0.25;
/** How often in one run; what is left then waits for the next. */
const HEAD_DROPS_MAX = 3;
/** Share of the size limit that what is left of the head then aims at. */
const HEAD_SHARE_KEPT = 0.75;

export interface MaintenanceContext extends HeadCompaction {
  readonly wal: Wal;
  readonly logger: Logger;
  readonly retentionMs: number;
  readonly bytesMax: () => number;
  /** Called when what queries read has moved from one place to another. */
  readonly onMove: () => void;
}

/** Moves the head's old part into blocks, merges blocks, deletes what is too old or too much. One run at a time. */
export class Maintenance {
  readonly #context: MaintenanceContext;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sizeTimer: NodeJS.Timeout | undefined;
  #stopped = false;
  #checkpointBytes = 0;
  #overAfterRun = false;

  constructor(context: MaintenanceContext) {
    this.#context = context;
  }

  /** Bytes of the WAL's folder beside its segments: the checkpoint and what was set aside; as of the last run. */
  get checkpointBytes(): number {
    return this.#checkpointBytes;
  }

  start(): void {
    this.#timer = setInterval(() => void this.run(), MAINTENANCE_INTERVAL_MS);
    this.#timer.unref();
    this.#sizeTimer = setInterval(() => this.#watchSize(), SIZE_INTERVAL_MS);
    this.#sizeTimer.unref();
  }

  /** A fast writer passes a small limit long before the next run is due. Where runs do not help, they stay rare. */
  #watchSize(): void {
    const { wal, blocks, bytesMax } = this.#context;
    if (this.#overAfterRun || wal.bytes + this.#checkpointBytes + blocks.bytes <= bytesMax()) return;
    void this.run();
  }

  /** Does all that is due now. Never throws: a failure is logged and counted, and the next run tries again. */
  run(): Promise<void> {
    this.#running ??= this.#runOnce().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Waits for the run under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    clearInterval(this.#sizeTimer);
    await this.#running;
  }

  async #runOnce(): Promise<void> {
    const { metrics, logger } = this.#context;
    // Deleting comes first: on a full disk it is what makes room for the block that is due.
    for (const [what, step] of [
      ["delete by age", () => this.#deleteByAge()],
      ["delete by size", () => this.#deleteBySize()],
      ["write the head's block", () => this.#compactHead()],
      ["merge blocks", () => this.#mergeBlocks()],
      ["delete by size", () => this.#deleteBySize()],
      ["measure the WAL", () => this.#measureWal()],
    ] as const) {
      if (this.#stopped) return;
      try {
        await step();
      } catch (error) {
        metrics.compactionsFailed.inc();
        logger.error({ err: error, what }, "store maintenance failed; it is tried again in a minute");
      }
    }
  }

  async #measureWal(): Promise<void> {
    const { dir, wal, blocks, bytesMax } = this.#context;
    this.#checkpointBytes = Math.max(0, (await directoryBytes(join(dir, WAL_DIR))) - wal.bytes);
    this.#overAfterRun = wal.bytes + this.#checkpointBytes + blocks.bytes > bytesMax();
  }

  async #compactHead(): Promise<void> {
    while (!this.#stopped && isHeadCompactable(this.#context.head)) {
      await compactHead(this.#context);
      this.#context.onMove();
      await this.#checkpoint();
    }
  }

  /** Replaces the log so far by the head as it is. */
  async #checkpoint(): Promise<void> {
    const { dir, head, wal, metrics } = this.#context;
    const walDir = join(dir, WAL_DIR);
    const segment = await wal.rotate();
    metrics.checkpoints.inc();
    try {
      await writeCheckpoint(head, walDir, segment - 1);
    } catch (error) {
      metrics.checkpointsFailed.inc();
      throw error;
    }
    metrics.walTruncations.inc();
    await wal.truncateBefore(segment);
    await deleteOldCheckpoints(walDir, segment - 1);
  }

  async #mergeBlocks(): Promise<void> {
    const { dir, blocks, metrics, logger, retentionMs, now, onMove } = this.#context;
    const ranges = blockRanges(retentionMs);
    for (;;) {
      const parents = planMerge(blocks.blocks, ranges);
      if (this.#stopped || parents.length === 0) return;
      const held = blocks.acquire(parents[0]!.meta.minTime, parents.at(-1)!.meta.maxTime);
      try {
        const meta = await writeBlock(dir, mergedBlock(parents), now());
        if (meta !== undefined) await blocks.add(meta.ulid);
        metrics.compactions.inc();
        logger.info({ parents: parents.map((block) => block.meta.ulid), ulid: meta?.ulid }, "blocks merged");
      } catch (error) {
        await this.#setAsideCorrupt(parents, error);
        throw error;
      } finally {
        blocks.release(held);
      }
      for (const parent of parents) await blocks.remove(parent);
      onMove();
    }
  }

  /** A merge reads every byte: it is where a corrupt block shows. Which one it was, reading each alone tells. */
  async #setAsideCorrupt(parents: readonly Block[], error: unknown): Promise<void> {
    if (!isCorrupt(error)) return;
    for (const block of parents) {
      try {
        const refs = block.index.all();
        for (let at = 0; at < refs.length; at++) {
          for (const chunk of block.index.series(refs[at]!).chunks) block.chunk(chunk);
        }
      } catch (reason) {
        if (!isCorrupt(reason)) throw reason;
        await this.#context.blocks.setAside(block, reason);
      }
    }
  }

  /** Blocks that end a retention time before the newest block does, as Prometheus: a wrong clock deletes nothing. */
  async #deleteByAge(): Promise<void> {
    const { blocks, metrics, retentionMs, onMove } = this.#context;
    const newestMs = blocks.maxTimeMs;
    if (newestMs === undefined) return;
    const doomed = blocks.blocks.filter(({ meta }) => newestMs - meta.maxTime >= retentionMs);
    for (const block of doomed) {
      await blocks.remove(block);
      metrics.timeRetentions.inc();
    }
    if (doomed.length > 0) onMove();
  }

  /** Keeps the folder, WAL and set-aside files included, within its limit. */
  async #deleteBySize(): Promise<void> {
    const { dir, blocks, metrics, logger, bytesMax, onMove } = this.#context;
    const limit = bytesMax();
    const leftovers = await this.#leftovers();
    const items = [
      ...leftovers,
      ...blocks.blocks.map((block) => ({
        name: block.meta.ulid,
        bytes: block.bytes,
        maxTimeMs: block.meta.maxTime,
        remove: () => blocks.remove(block),
      })),
    ];
    let itemBytes = 0;
    for (const item of items) itemBytes += item.bytes;
    const total = await directoryBytes(dir);
    const doomed = itemsOverBudget(items, Math.max(0, total - itemBytes), limit);
    for (const item of doomed) {
      logger.info({ name: item.name, bytes: item.bytes, limit }, "deleted to keep within the size limit");
      await item.remove();
      metrics.sizeRetentions.inc();
    }
    if (doomed.length > 0) onMove();
    if (doomed.length < items.length) return;
    for (let round = 0; round < HEAD_DROPS_MAX; round++) {
      const bytesLeft = await directoryBytes(dir);
      if (bytesLeft <= limit || !(await this.#dropOldestOfHead(bytesLeft, limit))) return;
    }
  }

  /** Nothing but the log is left: the oldest part of the head goes, as a block of it would have. @returns False when it is empty. */
  async #dropOldestOfHead(bytesLeft: number, limit: number): Promise<boolean> {
    const { head, metrics, logger, onMove } = this.#context;
    // A chunk that is still open may begin before what was dropped last time.
    const fromMs = Math.max(head.minTimeMs, head.minValidTimeMs);
    const spanMs = head.maxTimeMs - fromMs;
    if (!(spanMs > 0)) return false;
    const share = Math.max(HEAD_SHARE_DROPPED_MIN, 1 - (HEAD_SHARE_KEPT * limit) / bytesLeft);
    logger.warn(
      { limit, bytes: bytesLeft, spanMs, share },
      "the log alone passes the size limit; its oldest part is dropped",
    );
    metrics.sizeRetentions.inc();
    truncateHead(head, fromMs + Math.ceil(spanMs * share), metrics);
    onMove();
    await this.#checkpoint();
    return true;
  }

  /** What was set aside, which goes before any data does. */
  async #leftovers() {
    const { dir } = this.#context;
    const found: { name: string; bytes: number; maxTimeMs: number; remove: () => Promise<void> }[] = [];
    for (const [folder, suffix] of [
      [dir, CORRUPT_SUFFIX],
      [join(dir, WAL_DIR), DAMAGED_SUFFIX],
    ] as const) {
      for (const name of await readdir(folder)) {
        if (!name.endsWith(suffix)) continue;
        const path = join(folder, name);
        const bytes = (await stat(path)).isDirectory() ? await directoryBytes(path) : (await stat(path)).size;
        const remove = () => rm(path, { recursive: true, force: true });
        found.push({ name, bytes, maxTimeMs: Number.NEGATIVE_INFINITY, remove });
      }
    }
    return found;
  }
}

/** True for bytes that are wrong, false for a disk that is full or a file that cannot be opened just now. */
export function isCorrupt(error: unknown): error is StorageError {
  if (!(error instanceof StorageError)) return false;
  return error.code === "STORAGE_CORRUPT" || error.code === "STORAGE_TRUNCATED" || error.code === "STORAGE_TOO_LARGE";
}
