import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { syncDir } from "../../storage/atomic-file.ts";
import { StorageError, writeError } from "../../storage/storage-error.ts";
import { segmentNumbers } from "../../storage/wal-format.ts";
import { CACHE_BYTES_MAX } from "../limits.ts";
import type { TraceMetrics } from "../metrics.ts";
import { SEGMENTS_DIR, segmentFileName, segmentSequence, setAsideName } from "./filenames.ts";
import { expiredSegments } from "./retention.ts";
import { SegmentBlock } from "./segment-block.ts";
import { readDirectory, readSections } from "./segment-file.ts";
import type { BlockEntry, SegmentDirectory } from "./segment-format.ts";
import { writeSegment } from "./segment-write.ts";
import { SizedCache } from "./sized-cache.ts";
import type { ColumnRequest, SpanBlock } from "./span-block.ts";
import { bloomMayContain, findInTraceIndex } from "./trace-index.ts";

export interface SegmentSetOptions {
  readonly dataDir: string;
  readonly logger: Logger;
  readonly metrics: TraceMetrics;
  readonly retentionMs: number;
  readonly bytesMax: number;
}

/** What is kept in memory of every segment; its directory is read again when a query needs it. */
export interface SegmentSummary {
  readonly sequence: number;
  readonly path: string;
  readonly fileBytes: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly createdAtMs: number;
  readonly walEnd: number;
  readonly spanCount: number;
}

/** What decides, from the directory alone, whether a query reads a block. */
export interface BlockFilter {
  /** Asked with the latest end of a segment's or block's spans, Unix ms; the answer may turn to no as results come in. */
  isWanted(endMs: number): boolean;
  mayMatch(entry: BlockEntry): boolean;
}

/** Bytes of memory that an entry of a directory takes, about. */
const COLUMN_ENTRY_BYTES = 320;
/** Number that stands for the parts of a segment that belong to no block. */
const WHOLE_SEGMENT = -1;

/** The segments of the store, oldest first, and a bounded cache of what was read of them. */
export class SegmentSet {
  readonly #options: SegmentSetOptions;
  readonly #dir: string;
  #segments: SegmentSummary[] = [];
  #nextSequence = 0;
  readonly #blocks = new SizedCache<SegmentBlock>(CACHE_BYTES_MAX, (block) => block.bytes);
  readonly #directories = new SizedCache<SegmentDirectory>(CACHE_BYTES_MAX / 4, directoryBytes);
  readonly #blooms = new SizedCache<Uint8Array>(CACHE_BYTES_MAX / 4, (bits) => bits.length);
  /** Blocks found damaged since the start, as `sequence/block`: they are not read again, and never deleted for it. */
  readonly #damaged = new Set<string>();

  private constructor(options: SegmentSetOptions) {
    this.#options = options;
    this.#dir = join(options.dataDir, SEGMENTS_DIR);
  }

  /** Lists the folder. A file that is no whole segment is renamed, counted and logged. @throws StorageError */
  static async open(options: SegmentSetOptions): Promise<SegmentSet> {
    const set = new SegmentSet(options);
    try {
      await mkdir(set.#dir, { recursive: true });
    } catch (error) {
      throw writeError(`create ${set.#dir}`, error);
    }
    for (const name of (await readdir(set.#dir)).sort()) {
      // What a crash left of a segment under way; its spans are still in the log.
      if (name.endsWith(".tmp")) await rm(join(set.#dir, name), { force: true });
      const sequence = segmentSequence(name.replace(/\.damaged$/, ""));
      if (sequence === undefined) continue;
      // The number of a file set aside is not used again either.
      set.#nextSequence = Math.max(set.#nextSequence, sequence + 1);
      if (segmentSequence(name) !== undefined) await set.#openSegment(name, sequence);
    }
    set.#segments.sort((left, right) => left.sequence - right.sequence);
    return set;
  }

  get count(): number {
    return this.#segments.length;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { fileBytes }) => sum + fileBytes, 0);
  }

  get spanCount(): number {
    return this.#segments.reduce((sum, { spanCount }) => sum + spanCount, 0);
  }

  get cacheBytes(): number {
    return this.#blocks.bytes + this.#directories.bytes + this.#blooms.bytes;
  }

  /**
   * The first segment of the log in `walDir` that no file covers. Where the log's numbers ended before what the newest
   * file covers, the log was begun anew (its folder was deleted), and all of it counts.
   */
  async replayFrom(walDir: string): Promise<number> {
    const walEnd = this.#segments.at(-1)?.walEnd ?? 0;
    const last = Math.max(-1, ...segmentNumbers(await readdir(walDir).catch(() => [])));
    return last + 1 < walEnd ? 0 : walEnd;
  }

  /** Writes a segment with all of `block`; it can be queried when the promise resolves. @throws StorageError */
  async write(block: SpanBlock, walEnd: number): Promise<void> {
    const sequence = this.#nextSequence++;
    const path = join(this.#dir, segmentFileName(sequence));
    const directory = await writeSegment(path, block, walEnd);
    const fileBytes = (await stat(path)).size;
    this.#segments.push(summarize(sequence, path, fileBytes, directory));
    const { spanCount, traceCount } = directory;
    this.#options.logger.info(
      { segment: segmentFileName(sequence), spanCount, traceCount, fileBytes },
      "segment written",
    );
  }

  /** Blocks that overlap the range (Unix ms) and pass `filter`, newest first, with the columns prepared. */
  blocks(
    startMs: number,
    endMs: number,
    requests: readonly ColumnRequest[],
    filter: BlockFilter,
  ): AsyncGenerator<SpanBlock> {
    // The list is taken now and not when the first block is asked for.
    const segments = this.#segments.filter((segment) => segment.startMs <= endMs && segment.endMs >= startMs).reverse();
    return this.#readBlocks(segments, startMs, endMs, requests, filter);
  }

  async *#readBlocks(
    segments: readonly SegmentSummary[],
    startMs: number,
    endMs: number,
    requests: readonly ColumnRequest[],
    filter: BlockFilter,
  ): AsyncGenerator<SpanBlock> {
    for (const segment of segments) {
      if (!filter.isWanted(segment.endMs)) continue;
      const directory = await this.#guard(segment, WHOLE_SEGMENT, () => this.#directory(segment));
      if (directory === undefined) continue;
      for (let index = directory.blocks.length - 1; index >= 0; index--) {
        const entry = directory.blocks[index]!;
        if (entry.startMs > endMs || entry.endMs < startMs) continue;
        if (!filter.isWanted(entry.endMs) || !filter.mayMatch(entry)) continue;
        const block = await this.#guard(segment, index, async () => {
          const loaded = await this.#block(segment, entry, index);
          await loaded.prepare(requests);
          return loaded;
        });
        if (block !== undefined) yield block;
      }
    }
    this.#blocks.shrink();
  }

  /** Blocks that hold the trace and its number in them. */
  async *blocksOfTrace(traceId: Uint8Array): AsyncGenerator<{ block: SpanBlock; trace: number }> {
    for (const segment of [...this.#segments].reverse()) {
      const place = await this.#guard(segment, WHOLE_SEGMENT, () => this.#findTrace(segment, traceId));
      if (place === undefined) continue;
      const block = await this.#guard(segment, place.index, () => this.#block(segment, place.entry, place.index));
      if (block !== undefined && place.trace < block.traceCount) yield { block, trace: place.trace };
    }
  }

  /** Directories of segments that overlap the range, for questions that need no rows. */
  async *directories(startMs: number, endMs: number): AsyncGenerator<SegmentDirectory> {
    for (const segment of [...this.#segments].reverse()) {
      if (segment.startMs > endMs || segment.endMs < startMs) continue;
      const directory = await this.#guard(segment, WHOLE_SEGMENT, () => this.#directory(segment));
      if (directory !== undefined) yield directory;
    }
  }

  /** Deletes segments past their age, then the oldest until all fit with `walBytes` into the size limit. */
  async enforceRetention(walBytes: number, nowMs = Date.now()): Promise<void> {
    const { retentionMs, bytesMax, metrics, logger } = this.#options;
    const expired = expiredSegments(this.#segments, { nowMs, retentionMs, bytesMax, walBytes });
    for (const { segment, reason } of expired) {
      await rm(segment.path, { force: true });
      this.#segments = this.#segments.filter((other) => other !== segment);
      this.#directories.delete(String(segment.sequence));
      this.#blooms.delete(String(segment.sequence));
      this.#blocks.deletePrefix(`${segment.sequence}/`);
      metrics.blocksDeleted.inc({ reason });
      logger.info({ segment: segmentFileName(segment.sequence), reason }, "segment deleted");
    }
    if (expired.length > 0) await syncDir(this.#dir);
  }

  async #openSegment(name: string, sequence: number): Promise<void> {
    const path = join(this.#dir, name);
    try {
      const { directory, fileBytes } = await readDirectory(path);
      this.#segments.push(summarize(sequence, path, fileBytes, directory));
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#options.metrics.corruptBlocks.inc();
      this.#options.logger.error({ segment: name, error: error.message }, "segment is damaged and was set aside");
      await rename(path, setAsideName(path));
    }
  }

  async #directory(segment: SegmentSummary): Promise<SegmentDirectory> {
    return this.#directories.get(String(segment.sequence), async () => (await readDirectory(segment.path)).directory);
  }

  #block(segment: SegmentSummary, entry: BlockEntry, index: number): Promise<SegmentBlock> {
    return this.#blocks.get(`${segment.sequence}/${index}`, () => SegmentBlock.load(segment.path, entry));
  }

  async #findTrace(segment: SegmentSummary, traceId: Uint8Array) {
    const bloom = await this.#blooms.get(String(segment.sequence), async () => {
      const directory = await this.#directory(segment);
      return (await readSections(segment.path, [directory.bloom]))[0]!;
    });
    if (!bloomMayContain(bloom, traceId)) return undefined;
    const directory = await this.#directory(segment);
    const [index] = await readSections(segment.path, [directory.traceIndex]);
    const place = findInTraceIndex(index!, traceId);
    const entry = place === undefined ? undefined : directory.blocks[place.block];
    return place === undefined || entry === undefined ? undefined : { index: place.block, entry, trace: place.trace };
  }

  /** Runs a read; damage is counted and logged once, and the damaged part is left out from then on. */
  async #guard<T>(segment: SegmentSummary, block: number, read: () => Promise<T>): Promise<T | undefined> {
    const id = `${segment.sequence}/${block}`;
    if (this.#damaged.has(id)) return undefined;
    try {
      return await read();
    } catch (error) {
      // Retention deleted the file while the query was on its way to it.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      if (!(error instanceof StorageError)) throw error;
      this.#damaged.add(id);
      this.#options.metrics.corruptBlocks.inc();
      const where = { segment: segmentFileName(segment.sequence), ...(block === WHOLE_SEGMENT ? {} : { block }) };
      this.#options.logger.error({ ...where, error: error.message }, "block is damaged and set aside");
      return undefined;
    }
  }
}

function summarize(sequence: number, path: string, fileBytes: number, directory: SegmentDirectory): SegmentSummary {
  const { startMs, endMs, createdAtMs, walEnd, spanCount } = directory;
  return { sequence, path, fileBytes, startMs, endMs, createdAtMs, walEnd, spanCount };
}

function directoryBytes({ blocks }: SegmentDirectory): number {
  return blocks.reduce(
    (sum, { columns, rawChunks }) => sum + (columns.length + rawChunks.length) * COLUMN_ENTRY_BYTES,
    0,
  );
}
