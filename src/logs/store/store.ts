import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../runtime/logger.ts";
import type { Labels } from "../../series/labels.ts";
import type { Matcher } from "../../series/queryable.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { readWal, Wal } from "../../storage/wal.ts";
import { segmentName, segmentNumbers } from "../../storage/wal-format.ts";
import type { StreamEntries } from "../entry.ts";
import { ACTIVE_STREAMS_MAX, CACHE_BYTES_MAX, HEAD_AGE_MAX_MS, HEAD_BYTES_FLUSH, HEAD_BYTES_MAX } from "../limits.ts";
import { type LogMetrics, TENANT } from "../metrics.ts";
import type { Block } from "./block.ts";
import { walDir } from "./filenames.ts";
import { Head } from "./head.ts";
import { HeadBlock } from "./head-block.ts";
import { SegmentSet } from "./segment-set.ts";
import { decodeEntries, encodeEntries } from "./wal-record.ts";

/** How often flush and retention are considered. */
const MAINTENANCE_INTERVAL_MS = 10_000;
/** Small segments, so that a replay can write what it has read to a segment file at their borders. */
const WAL_SEGMENT_BYTES = 16 * 1024 * 1024;
/** Share of the size cap that the WAL, or the head that becomes one segment, may take before it is flushed early. */
const WAL_SHARE = 0.25;

export interface LogStoreOptions {
  readonly dataDir: string;
  readonly logger: Logger;
  readonly metrics: LogMetrics;
  readonly retentionMs: number;
  /** Most bytes of segments and WAL together. */
  readonly bytesMax: number;
  /** Start flush and retention by themselves; tests call them. */
  readonly maintenance?: boolean;
}

/** Why entries were not taken. */
export class IngestRefused extends Error {
  override readonly name = "IngestRefused";
}

/** Streams, their head in memory behind a WAL, and segment files. */
export class LogStore {
  readonly #options: LogStoreOptions;
  readonly #segments: SegmentSet;
  #wal!: Wal;
  #head = new Head();
  /** The head that is being written to a segment; still queried. */
  #frozen: Head | undefined;
  #flushing: Promise<void> | undefined;
  #upkeeping: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: LogStoreOptions, segments: SegmentSet) {
    this.#options = options;
    this.#segments = segments;
  }

  /** Opens the folder: reads the segments' indexes, then replays what the WAL holds beyond them. */
  static async open(options: LogStoreOptions): Promise<LogStore> {
    const segments = await SegmentSet.open(options);
    const store = new LogStore(options, segments);
    const { dataDir } = options;
    const { walThrough } = segments;
    const restarted = await store.#walRestarted(walThrough);
    const replayed = await store.#replay(restarted ? 0 : walThrough);
    store.#wal = await Wal.open({
      dir: walDir(dataDir),
      segmentBytesMax: WAL_SEGMENT_BYTES,
      onError: (error) => options.logger.error({ error: error.message }, "log WAL failed; nothing more is accepted"),
    });
    if (restarted) await store.flush();
    else await store.#wal.truncateBefore(replayed);
    store.#exportGauges();
    if (options.maintenance !== false) {
      store.#timer = setInterval(() => void store.maintain(), MAINTENANCE_INTERVAL_MS);
      store.#timer.unref();
    }
    return store;
  }

  /** Streams with entries in memory. */
  get activeStreams(): number {
    return this.#head.streams.size + (this.#frozen?.streams.size ?? 0);
  }

  hasStream(labels: Labels): boolean {
    return this.#head.streams.has(labels.key) || (this.#frozen?.streams.has(labels.key) ?? false);
  }

  /**
   * Writes entries to the WAL, then makes them visible. When it resolves they survive the process.
   * @throws IngestRefused when memory is full; StorageError when the disk is.
   */
  async append(streams: readonly StreamEntries[]): Promise<void> {
    // Senders that are faster than the disk wait for it; only when it takes nothing at all are they refused.
    const waitAbove = Math.min(HEAD_BYTES_MAX / 2, 2 * this.#headBytesFlush);
    if (this.#headBytes > waitAbove) await this.#flushing?.catch(() => undefined); // logged by `maintain`
    if (this.#headBytes > HEAD_BYTES_MAX) {
      throw new IngestRefused(`${HEAD_BYTES_MAX} bytes wait to be written to disk; the flush has to catch up first`);
    }
    await this.#wal.append(encodeEntries(streams));
    // No await from here on: a flush that rotates the WAL relies on the head holding all that was acknowledged.
    this.#options.metrics.walRecords.inc();
    this.#addToHead(streams);
    if (this.#headIsFull && this.#flushing === undefined) void this.maintain();
  }

  /** Under a small size cap segments are small too: a cap that one segment fills would keep nothing or be passed. */
  get #headBytesFlush(): number {
    return Math.min(HEAD_BYTES_FLUSH, this.#options.bytesMax * WAL_SHARE);
  }

  get #headIsFull(): boolean {
    return this.#head.bytes >= this.#headBytesFlush;
  }

  get #headBytes(): number {
    return this.#head.bytes + (this.#frozen?.bytes ?? 0);
  }

  /** Blocks of streams that match, with rows in [minMs, maxMs], in no order. */
  select(matchers: readonly Matcher[], minMs: number, maxMs: number): Block[] {
    const verdicts = new Map<Labels, boolean>();
    const matches = (labels: Labels): boolean => {
      let verdict = verdicts.get(labels);
      if (verdict === undefined) {
        verdict = matchers.every((matcher) => matcher.matches(labels.get(matcher.name)));
        verdicts.set(labels, verdict);
      }
      return verdict;
    };
    const blocks: Block[] = [];
    for (const segment of this.#segments.segments) {
      if (segment.maxMs < minMs || segment.minMs > maxMs) continue;
      for (const block of segment.blocks) {
        if (block.maxMs >= minMs && block.minMs <= maxMs && matches(block.labels)) blocks.push(block);
      }
    }
    for (const head of [this.#frozen, this.#head]) {
      if (head === undefined) continue;
      for (const { labels, builders } of head.streams.values()) {
        if (!matches(labels)) continue;
        for (const builder of builders) {
          if (builder.count > 0 && builder.maxMs >= minMs && builder.minMs <= maxMs)
            blocks.push(new HeadBlock(labels, builder));
        }
      }
    }
    return blocks;
  }

  /** Label sets of streams that match any of the selectors (all streams when there is none) and have rows in range. */
  series(selectors: readonly (readonly Matcher[])[], minMs: number, maxMs: number): Labels[] {
    const found = new Set<Labels>();
    for (const matchers of selectors.length === 0 ? [[]] : selectors) {
      for (const block of this.select(matchers, minMs, maxMs)) found.add(block.labels);
    }
    return [...found];
  }

  /** Flushes when the head is large or old, merges small segments, applies retention; failures are logged and tried again later. */
  async maintain(nowMs = Date.now()): Promise<void> {
    const startedAtMs = this.#head.startedAtMs;
    const due =
      this.#frozen !== undefined ||
      this.#headIsFull ||
      (startedAtMs !== undefined && nowMs - startedAtMs >= HEAD_AGE_MAX_MS) ||
      this.#wal.bytes > this.#options.bytesMax * WAL_SHARE;
    try {
      if (due) await this.flush();
      // The flush may have been one under way, of an earlier head, during which this one filled up.
      if (this.#headIsFull) await this.flush();
    } catch (error) {
      this.#options.metrics.flushFailures.inc();
      this.#options.logger.warn({ error: (error as Error).message }, "flush of logs failed; tried again later");
    }
    // Also after a failed flush: deleting what is too much may be what makes room for the next one.
    try {
      await this.#upkeep();
    } catch (error) {
      this.#options.logger.warn(
        { error: (error as Error).message },
        "upkeep of log segments failed; tried again later",
      );
    }
  }

  /** Writes the head to a segment file and drops the WAL behind it. One at a time. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flushOnce().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #flushOnce(): Promise<void> {
    if (this.#frozen === undefined) {
      if (this.#head.rows === 0) return;
      // What was acknowledged up to here lies in WAL segments before the new one, and in this head.
      this.#freeze(await this.#wal.rotate());
    }
    const { walThrough } = this.#frozen!;
    await this.#writeFrozen();
    await this.#wal.truncateBefore(walThrough);
  }

  #freeze(walThrough: number): void {
    this.#frozen = this.#head;
    this.#frozen.walThrough = walThrough;
    this.#head = new Head();
  }

  async #writeFrozen(): Promise<void> {
    const frozen = this.#frozen!;
    const segment = await this.#segments.write(frozen.blocks(), frozen.walThrough);
    // In one turn: a query sees the rows in the head or in the segment, never in both.
    this.#segments.add(segment);
    this.#frozen = undefined;
    this.#options.metrics.chunksFlushed.inc(segment.blocks.length);
    this.#options.metrics.streamsRemoved.inc({ tenant: TENANT }, frozen.streams.size);
  }

  /** Stops maintenance and closes the WAL; what the head holds is replayed at the next start. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#flushing?.catch(() => undefined); // logged by `maintain`
    await this.#upkeeping?.catch(() => undefined); // logged by `maintain`
    await this.#segments.close();
    await this.#wal.close();
  }

  #addToHead(streams: readonly StreamEntries[]): void {
    for (const { labels, entries } of streams) {
      if (!this.#head.streams.has(labels.key)) this.#options.metrics.streamsCreated.inc({ tenant: TENANT });
      const stream = this.#head.stream(this.#segments.intern(labels));
      for (const entry of entries) this.#head.append(stream, entry);
    }
  }

  /**
   * Segment files say which WAL segments they hold, by number. Where somebody removed the WAL, its numbers would begin
   * anew and its records be taken for held; so numbering goes on where the segment files leave off.
   */
  async #walRestarted(walThrough: number): Promise<boolean> {
    const dir = walDir(this.#options.dataDir);
    await mkdir(dir, { recursive: true });
    const last = Math.max(-1, ...segmentNumbers(await readdir(dir)));
    if (last >= walThrough) return false;
    await writeFile(join(dir, segmentName(walThrough)), "");
    if (walThrough === 0) return false;
    this.#options.logger.warn(
      { dir, walThrough },
      "the log WAL is not the one that the segment files follow; numbered on",
    );
    return true;
  }

  /** @returns The first WAL segment whose records are in no segment file now. */
  async #replay(walThrough: number): Promise<number> {
    const startedAt = performance.now();
    let records = 0;
    const { metrics, logger, dataDir } = this.#options;
    const damaged = (segment: number, offset: number, reason: string): void => {
      metrics.walCorruptions.inc();
      logger.error({ segment, offset, reason }, "damaged place in the log WAL passed over");
    };
    const options = {
      fromSegment: walThrough,
      damage: "resync" as const,
      onDamage: ({ segment, offset, reason }: { segment: number; offset: number; reason: string }) =>
        damaged(segment, offset, reason),
    };
    let current = walThrough;
    for await (const { record, segment } of readWal(walDir(dataDir), options)) {
      if (segment !== current && this.#headIsFull) await this.#flushReplayed(segment);
      current = segment;
      try {
        this.#addToHead(decodeEntries(record));
        records++;
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        damaged(segment, 0, error.message);
      }
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    metrics.walReplaySeconds.set(seconds);
    if (records > 0) logger.info({ records, seconds, bytes: this.#head.bytes }, "log WAL replayed");
    return Math.max(walThrough, this.#segments.walThrough);
  }

  /**
   * A WAL can be larger than memory, when flushes failed for long. At the border of a WAL segment the head holds all
   * records before it and none after it, so it can go to disk. A full disk is no reason not to start.
   */
  async #flushReplayed(walThrough: number): Promise<void> {
    this.#freeze(walThrough);
    try {
      await this.#writeFrozen();
    } catch (error) {
      this.#options.logger.warn({ error: (error as Error).message }, "flush during replay failed; kept in memory");
      this.#head = this.#frozen!;
      this.#frozen = undefined;
    }
  }

  /** Merging and retention, one at a time. */
  #upkeep(): Promise<void> {
    const { retentionMs, bytesMax } = this.#options;
    const work = async (): Promise<void> => {
      const before = this.#segments.segments.length;
      await this.#segments.retain(retentionMs, this.#wal.bytes, bytesMax);
      await this.#segments.compact();
      if (this.#segments.segments.length === before) return;
      this.#segments.forgetLabels(new Set([...this.#head.streams.keys(), ...(this.#frozen?.streams.keys() ?? [])]));
    };
    this.#upkeeping ??= work().finally(() => {
      this.#upkeeping = undefined;
    });
    return this.#upkeeping;
  }

  #exportGauges(): void {
    const { metrics } = this.#options;
    metrics.gauge(
      "gatewayz_logs_head_bytes",
      `Bytes in memory; ingest is refused above ${HEAD_BYTES_MAX}.`,
      () => this.#headBytes,
    );
    metrics.gauge("gatewayz_logs_wal_bytes", "Bytes of the write-ahead log.", () => this.#wal.bytes);
    metrics.gauge("gatewayz_logs_segment_bytes", "Bytes of segment files.", () => this.#segments.bytes);
    metrics.gauge("gatewayz_logs_segments", "Segment files.", () => this.#segments.segments.length);
    metrics.gauge("gatewayz_logs_bytes_max", "Size cap of segments and WAL together.", () => this.#options.bytesMax);
    metrics.gauge(
      "gatewayz_logs_cache_bytes",
      `Decoded blocks kept; the limit is ${CACHE_BYTES_MAX}.`,
      () => this.#segments.cache.bytes,
    );
    metrics.gauge("gatewayz_logs_cache_hits", "Reads that the cache answered.", () => this.#segments.cache.hits);
    metrics.gauge("gatewayz_logs_cache_misses", "Reads that went to disk.", () => this.#segments.cache.misses);
    metrics.gauge("gatewayz_logs_active_streams_max", "Streams that may be in memory.", () => ACTIVE_STREAMS_MAX);
    metrics.gauge("loki_ingester_memory_streams", "Streams in memory.", () => this.activeStreams, { tenant: TENANT });
  }
}
