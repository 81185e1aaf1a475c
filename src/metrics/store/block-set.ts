import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../runtime/logger.ts";
import { syncDir } from "../../storage/atomic-file.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { Block } from "../blocks/block.ts";
import { CORRUPT_SUFFIX, CREATION_SUFFIX, DELETION_SUFFIX, isBlockName } from "../blocks/filenames.ts";
import type { PageCache } from "../blocks/page-cache.ts";
import { BLOCK_TABLE_BYTES_MAX } from "./limits.ts";
import type { StoreMetrics } from "./store-metrics.ts";

interface Entry {
  readonly block: Block;
  /** Queries that read the block now; it is closed when there are none and it is gone from the set. */
  readers: number;
  removed: boolean;
}

/** The blocks of a store, oldest first; the only place that opens, removes and sets them aside. */
export class BlockSet {
  readonly #dir: string;
  readonly #cache: PageCache;
  readonly #logger: Logger;
  readonly #metrics: StoreMetrics;
  #entries: Entry[] = [];

  constructor(dir: string, cache: PageCache, logger: Logger, metrics: StoreMetrics) {
    this.#dir = dir;
    this.#cache = cache;
    this.#logger = logger;
    this.#metrics = metrics;
  }

  get blocks(): readonly Block[] {
    return this.#entries.map(({ block }) => block);
  }

  get count(): number {
    return this.#entries.length;
  }

  /** Bytes of all blocks' files. */
  get bytes(): number {
    let sum = 0;
    for (const { block } of this.#entries) sum += block.bytes;
    return sum;
  }

  /** First time of the oldest block; undefined without blocks. */
  get minTimeMs(): number | undefined {
    return this.#entries[0]?.block.meta.minTime;
  }

  /** End of the newest block (exclusive); undefined without blocks. */
  get maxTimeMs(): number | undefined {
    return this.#entries.length === 0 ? undefined : Math.max(...this.blocks.map(({ meta }) => meta.maxTime));
  }

  /** Opens all blocks of the folder; deletes what a crash left half made, sets aside what is corrupt. */
  async load(): Promise<void> {
    await mkdir(this.#dir, { recursive: true });
    for (const name of await readdir(this.#dir)) {
      if (name.endsWith(CREATION_SUFFIX) || name.endsWith(DELETION_SUFFIX)) {
        await rm(join(this.#dir, name), { recursive: true, force: true });
      } else if (isBlockName(name)) await this.#tryOpen(name);
    }
    // A crash after a merge leaves the merged block and the ones that it replaces.
    const replaced = new Set(
      this.blocks.flatMap(({ meta }) => (meta.compaction.parents ?? []).map(({ ulid }) => ulid)),
    );
    for (const block of this.blocks) if (replaced.has(block.meta.ulid)) await this.remove(block);
  }

  /** Takes in a block that was just written. @throws StorageError when it cannot be read back. */
  async add(ulid: string): Promise<void> {
    this.#insert(await Block.open(join(this.#dir, ulid), this.#cache));
  }

  /** The blocks that touch [minTimeMs, maxTimeMs], kept open until `release`. */
  acquire(minTimeMs: number, maxTimeMs: number): Block[] {
    const taken: Block[] = [];
    for (const entry of this.#entries) {
      const { meta } = entry.block;
      if (meta.minTime > maxTimeMs || meta.maxTime <= minTimeMs) continue;
      entry.readers++;
      this.#readers.set(entry.block, entry);
      taken.push(entry.block);
    }
    return taken;
  }

  readonly #readers = new Map<Block, Entry>();

  release(blocks: readonly Block[]): void {
    for (const block of blocks) {
      const entry = this.#readers.get(block);
      if (entry === undefined || --entry.readers > 0) continue;
      this.#readers.delete(block);
      if (entry.removed) block.close();
    }
    this.#trimTables();
  }

  /** Deletes a block. @throws the file system's error; the block is not read any more in any case. */
  async remove(block: Block): Promise<void> {
    if (!this.#drop(block)) return;
    const doomed = `${block.dir}${DELETION_SUFFIX}`;
    await rename(block.dir, doomed);
    await syncDir(this.#dir);
    await rm(doomed, { recursive: true, force: true });
  }

  /** Renames a corrupt block so that no reader takes it for one; it is kept for people to look at. */
  async setAside(block: Block, reason: StorageError): Promise<void> {
    if (!this.#drop(block)) return;
    await this.#renameCorrupt(block.dir, reason);
  }

  close(): void {
    for (const entry of this.#entries) {
      entry.removed = true;
      if (entry.readers === 0) entry.block.close();
    }
    this.#entries = [];
  }

  async #tryOpen(name: string): Promise<void> {
    const dir = join(this.#dir, name);
    try {
      this.#insert(await Block.open(dir, this.#cache));
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      await this.#renameCorrupt(dir, error);
    }
  }

  async #renameCorrupt(dir: string, reason: StorageError): Promise<void> {
    this.#metrics.blocksSetAside.inc();
    this.#logger.error(
      { block: dir, reason: reason.message },
      "a block is corrupt; it was set aside, the rest is served",
    );
    await rm(`${dir}${CORRUPT_SUFFIX}`, { recursive: true, force: true });
    await rename(dir, `${dir}${CORRUPT_SUFFIX}`);
  }

  #insert(block: Block): void {
    this.#entries.push({ block, readers: 0, removed: false });
    this.#entries.sort((left, right) => left.block.meta.minTime - right.block.meta.minTime);
    this.#trimTables();
  }

  #drop(block: Block): boolean {
    const entry = this.#entries.find((other) => other.block === block);
    if (entry === undefined) return false;
    this.#entries = this.#entries.filter((other) => other !== entry);
    entry.removed = true;
    if (entry.readers === 0) block.close();
    return true;
  }

  /** Lets the tables of the oldest blocks go, which are asked least, until all fit into the limit. */
  #trimTables(): void {
    let bytes = 0;
    for (const { block } of this.#entries) bytes += block.index.tableBytes;
    for (const { block, readers } of this.#entries) {
      if (bytes <= BLOCK_TABLE_BYTES_MAX) return;
      if (readers > 0) continue;
      bytes -= block.index.tableBytes;
      block.index.unload();
    }
  }
}
