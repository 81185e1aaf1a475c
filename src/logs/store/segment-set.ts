import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../runtime/logger.ts";
import type { Labels } from "../../series/labels.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { BLOCKS_MAX, CACHE_BYTES_MAX, QUERY_TIMEOUT_MS } from "../limits.ts";
import type { LogMetrics } from "../metrics.ts";
import { BlockCache } from "./block-cache.ts";
import { BlockDamaged, mergedBlocks, segmentsToMerge } from "./compact.ts";
import { damagedFileName, type SegmentRange, segmentFileName, segmentRange, segmentsDir } from "./filenames.ts";
import { RetentionClock, segmentsToDelete } from "./retention.ts";
import { Segment } from "./segment.ts";
import { openSegment, type SegmentFile } from "./segment-read.ts";
import { type BlockToWrite, writeSegment } from "./segment-write.ts";

/** A file that was merged into another one is kept until every query that may still read it has ended. */
const MERGED_KEPT_MS = QUERY_TIMEOUT_MS + 5_000;

export interface SegmentSetOptions {
  readonly dataDir: string;
  readonly logger: Logger;
  readonly metrics: LogMetrics;
}

/** All segment files of a store: opened, written, merged, deleted. */
export class SegmentSet {
  readonly cache = new BlockCache(CACHE_BYTES_MAX);
  readonly #options: SegmentSetOptions;
  readonly #dir: string;
  /** One object per label set, whatever file it was read from. */
  readonly #interned = new Map<string, Labels>();
  readonly #retentionClock = new RetentionClock();
  /** Merged files that wait to be unlinked. */
  readonly #merged = new Map<Segment, NodeJS.Timeout>();
  #segments: Segment[] = [];
  #nextSequence = 1;

  private constructor(options: SegmentSetOptions) {
    this.#options = options;
    this.#dir = segmentsDir(options.dataDir);
  }

  /** Reads the index of every segment; a file that cannot be read at all is set aside. */
  static async open(options: SegmentSetOptions): Promise<SegmentSet> {
    const set = new SegmentSet(options);
    await mkdir(set.#dir, { recursive: true });
    const ranges: { name: string; range: SegmentRange }[] = [];
    for (const name of await readdir(set.#dir)) {
      if (name.endsWith(".tmp")) await rm(join(set.#dir, name), { force: true });
      const range = segmentRange(name);
      if (range !== undefined) ranges.push({ name, range });
    }
    // The widest first: what a sound merged file holds is deleted, not read twice.
    ranges.sort((left, right) => right.range.last - right.range.first - (left.range.last - left.range.first));
    for (const { name, range } of ranges) await set.#openFile(name, range);
    set.#segments.sort((left, right) => left.range.first - right.range.first);
    return set;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get bytes(): number {
    let sum = 0;
    for (const { bytes } of this.#segments) sum += bytes;
    for (const { bytes } of this.#merged.keys()) sum += bytes;
    return sum;
  }

  /** First WAL segment whose records are in no segment file. */
  get walThrough(): number {
    return Math.max(0, ...this.#segments.map(({ walThrough }) => walThrough));
  }

  /** The one object for a label set. */
  intern(labels: Labels): Labels {
    const known = this.#interned.get(labels.key);
    if (known !== undefined) return known;
    this.#interned.set(labels.key, labels);
    return labels;
  }

  /** Writes a file; it is not part of the set until `add`. @throws StorageError */
  async write(blocks: Iterable<BlockToWrite>, walThrough: number): Promise<Segment> {
    const sequence = this.#nextSequence++;
    const range = { first: sequence, last: sequence };
    const path = join(this.#dir, segmentFileName(range));
    await writeSegment(path, blocks, walThrough);
    return this.#makeSegment(await openSegment(path), range);
  }

  add(segment: Segment): void {
    this.#segments.push(segment);
  }

  /** Merges one run of neighbouring segments with small blocks, where there is one. @throws StorageError */
  async compact(): Promise<void> {
    const run = segmentsToMerge(this.#segments);
    if (run.length === 0) return;
    const range = { first: run[0]!.range.first, last: run.at(-1)!.range.last };
    const path = join(this.#dir, segmentFileName(range));
    try {
      await writeSegment(path, mergedBlocks(run), Math.max(...run.map(({ walThrough }) => walThrough)));
    } catch (error) {
      if (error instanceof BlockDamaged || (error as Error).cause instanceof BlockDamaged) return; // not tried again
      throw error;
    }
    const merged = this.#makeSegment(await openSegment(path), range);
    const index = this.#segments.indexOf(run[0]!);
    this.#segments.splice(index, run.length, merged);
    for (const segment of run) this.#unlinkLater(segment);
    this.#options.metrics.compactions.inc();
  }

  /** Deletes what is too old, then the oldest until segments and `walBytes` fit `bytesMax`, and memory their index. */
  async retain(retentionMs: number, walBytes: number, bytesMax: number): Promise<void> {
    const newestMs = Math.max(...this.#segments.map(({ maxMs }) => maxMs));
    const cutoffMs = this.#retentionClock.cutoffMs(newestMs, retentionMs);
    let mergedBytes = 0;
    for (const { bytes } of this.#merged.keys()) mergedBytes += bytes;
    const doomed = segmentsToDelete(this.#segments, cutoffMs, walBytes + mergedBytes, bytesMax, BLOCKS_MAX);
    for (const { segment, reason } of doomed) {
      segment.deleted = true;
      this.#segments = this.#segments.filter((kept) => kept !== segment);
      await this.#unlink(segment);
      this.#options.metrics.deletedSegments.inc({ reason });
      this.#options.logger.info({ file: segment.path, reason }, "log segment deleted by retention");
    }
  }

  /** Forgets label sets of which no segment and none of `keys` is left. */
  forgetLabels(keys: ReadonlySet<string>): void {
    const used = new Set<string>();
    for (const { blocks } of this.#segments) for (const { labels } of blocks) used.add(labels.key);
    for (const key of this.#interned.keys()) if (!used.has(key) && !keys.has(key)) this.#interned.delete(key);
  }

  /** Unlinks what was merged. */
  async close(): Promise<void> {
    for (const [segment, timer] of this.#merged) {
      clearTimeout(timer);
      await this.#unlink(segment);
    }
  }

  async #openFile(name: string, range: SegmentRange): Promise<void> {
    this.#nextSequence = Math.max(this.#nextSequence, range.last + 1);
    const path = join(this.#dir, name);
    const holder = this.#segments.find((other) => other.range.first <= range.first && other.range.last >= range.last);
    if (holder !== undefined) {
      await rm(path, { force: true });
      return;
    }
    try {
      const file = await openSegment(path);
      if (file.damage !== undefined) this.#onDamage(path, 0, file.damage);
      this.#segments.push(this.#makeSegment(file, range));
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#options.metrics.damagedBlocks.inc();
      this.#options.logger.error({ file: path, error: error.message }, "log segment cannot be read; set aside");
      await rename(path, join(this.#dir, damagedFileName(name)));
    }
  }

  #makeSegment(file: SegmentFile, range: SegmentRange): Segment {
    return new Segment(file, { range, cache: this.cache, onDamage: this.#onDamage }, (labels) => this.intern(labels));
  }

  readonly #onDamage = (path: string, offset: number, reason: string): void => {
    this.#options.metrics.damagedBlocks.inc();
    this.#options.logger.error({ file: path, offset, reason }, "damaged log block set aside; the rest is served");
  };

  #unlinkLater(segment: Segment): void {
    const timer = setTimeout(() => {
      this.#unlink(segment).catch((error: Error) =>
        this.#options.logger.warn({ file: segment.path, error: error.message }, "merged log segment cannot be deleted"),
      );
    }, MERGED_KEPT_MS);
    timer.unref();
    this.#merged.set(segment, timer);
  }

  async #unlink(segment: Segment): Promise<void> {
    segment.deleted = true;
    this.#merged.delete(segment);
    this.cache.drop(segment.cachePrefix);
    await rm(segment.path, { force: true });
  }
}
