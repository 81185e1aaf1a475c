import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Registry } from "prom-client";
import type { Logger } from "../../runtime/logger.ts";
import { Wal, type WalDamageInfo } from "../../storage/wal.ts";
import { WAL_DIR } from "../blocks/filenames.ts";
import { PageCache } from "../blocks/page-cache.ts";
import type { Appender, MetricMetadata } from "./appender.ts";
import { BlockSet } from "./block-set.ts";
import { type CardinalityStats, cardinalityOf } from "./cardinality.ts";
import { Head } from "./head.ts";
import { HeadAppender } from "./head-append.ts";
import { compactHead, type HeadCompaction, isHeadCompactable } from "./head-compact.ts";
import { type ReplayResult, replayHead } from "./head-replay.ts";
import { BLOCK_CACHE_BYTES_MAX } from "./limits.ts";
import { Maintenance } from "./maintenance.ts";
import { ReplayGuard } from "./replay-guard.ts";
import { type GaugeSource, StoreMetrics } from "./store-metrics.ts";
import { type MetricsQueryable, StoreQueryable } from "./store-queryable.ts";

export interface MetricsStoreOptions {
  /** Folder of the store: `wal/` and one folder per block, as Prometheus lays it out. */
  dir: string;
  retentionMs: number;
  /** Most bytes of the whole folder, WAL included; asked before every retention run. */
  bytesMax: () => number;
  /** Unix ms; the clock of the machine when absent. */
  now?: () => number;
  /** Time between fsync calls of the WAL, ms; 0 syncs before each acknowledgement. */
  fsyncIntervalMs?: number;
  logger: Logger;
  registry: Registry;
}

/** The numbers of `/api/v1/status/tsdb` and of `/status`. */
export interface StoreStats {
  readonly series: number;
  readonly chunks: number;
  readonly labelPairs: number;
  /** Unix ms of the head's oldest and newest sample; undefined while it is empty. */
  readonly minTimeMs: number | undefined;
  readonly maxTimeMs: number | undefined;
  readonly walBytes: number;
  readonly blockBytes: number;
  readonly blocks: number;
}

/** The metrics engine's store: a Prometheus TSDB in one folder. */
export class MetricsStore {
  readonly #options: MetricsStoreOptions;
  readonly #head: Head;
  readonly #wal: Wal;
  readonly #blocks: BlockSet;
  readonly #cache: PageCache;
  readonly #metrics: StoreMetrics;
  readonly #queryable: StoreQueryable;
  readonly #maintenance: Maintenance;

  private constructor(
    options: MetricsStoreOptions,
    head: Head,
    wal: Wal,
    blocks: BlockSet,
    cache: PageCache,
    metrics: StoreMetrics,
  ) {
    this.#options = options;
    this.#head = head;
    this.#wal = wal;
    this.#blocks = blocks;
    this.#cache = cache;
    this.#metrics = metrics;
    this.#queryable = new StoreQueryable(head, blocks);
    this.#maintenance = new Maintenance({
      dir: options.dir,
      head,
      wal,
      blocks,
      metrics,
      logger: options.logger,
      retentionMs: options.retentionMs,
      bytesMax: options.bytesMax,
      now: options.now ?? Date.now,
      onMove: () => this.#queryable.moved(),
    });
    this.#maintenance.start();
  }

  /**
   * Opens the blocks, replays the WAL and takes samples from then on. Damage is set aside, counted and logged; it never
   * fails a start.
   * @throws StorageError when the folder cannot be read or written.
   */
  static async open(options: MetricsStoreOptions): Promise<MetricsStore> {
    const { dir, logger } = options;
    const walDir = join(dir, WAL_DIR);
    await mkdir(walDir, { recursive: true });
    const guard = new ReplayGuard(dir, logger);
    let store: MetricsStore | undefined;
    const metrics = new StoreMetrics(options.registry, () => (store === undefined ? undefined : store.#gauges()));
    const startedAt = performance.now();
    const cache = new PageCache(BLOCK_CACHE_BYTES_MAX, () => metrics.blockCacheMisses.inc());
    const blocks = new BlockSet(dir, cache, logger, metrics);
    await blocks.load();
    const head = new Head();
    head.minValidTimeMs = blocks.maxTimeMs ?? Number.NEGATIVE_INFINITY;
    if (await guard.begin((options.now ?? Date.now)())) metrics.walCorruptions.inc();
    const spill = spiller({ dir, head, blocks, metrics, now: options.now ?? Date.now }, logger);
    const onDamage = (damagedDir: string, info: WalDamageInfo) => reportDamage(logger, metrics, damagedDir, info);
    const replayed = await replayHead(head, walDir, { onDamage, spill });
    await guard.passed();
    const seconds = (performance.now() - startedAt) / 1_000;
    metrics.replaySeconds.set(seconds);
    reportReplay(logger, replayed, head, seconds);
    const wal = await Wal.open({
      dir: walDir,
      compression: "snappy",
      fsyncIntervalMs: options.fsyncIntervalMs,
      onError: (error) => logger.error({ err: error }, "the metrics WAL failed"),
      onFsync: (duration) => metrics.walFsyncSeconds.observe(duration),
    });
    store = new MetricsStore(options, head, wal, blocks, cache, metrics);
    return store;
  }

  /** Where queries read: head and blocks together. */
  get queryable(): MetricsQueryable {
    return this.#queryable;
  }

  get stats(): StoreStats {
    const { headSeries, headChunks, headMinTimeMs, headMaxTimeMs, walBytes, blockBytes, blocks } = this.#gauges();
    return {
      series: headSeries,
      chunks: headChunks,
      labelPairs: this.#head.index.pairs,
      minTimeMs: headMinTimeMs,
      maxTimeMs: headMaxTimeMs,
      walBytes,
      blockBytes,
      blocks,
    };
  }

  /** A batch of samples; `commit()` resolves when the WAL holds them. */
  appender(): Appender {
    return new HeadAppender({
      head: this.#head,
      wal: this.#wal,
      metrics: this.#metrics,
      now: this.#options.now ?? Date.now,
    });
  }

  /** The lists of `/api/v1/status/tsdb`, of at most `limit` entries each. */
  cardinality(limit: number): CardinalityStats {
    return cardinalityOf(this.#head.index, limit);
  }

  /** What is known about each metric name; of one name (or nothing) when `metric` is given. Borrowed: do not write. */
  metadata(metric?: string): ReadonlyMap<string, readonly MetricMetadata[]> {
    const all = this.#head.metadata.all();
    if (metric === undefined) return all;
    const found = all.get(metric);
    return new Map(found === undefined ? [] : [[metric, found]]);
  }

  /** Writes blocks, merges and deletes what is due now; it happens by itself every minute. Never throws. */
  maintain(): Promise<void> {
    return this.#maintenance.run();
  }

  /** Waits for maintenance under way, flushes the WAL and closes. Called once. */
  async close(): Promise<void> {
    await this.#maintenance.stop();
    await this.#wal.close();
    this.#blocks.close();
  }

  /** The values of the gauges. */
  #gauges(): GaugeSource {
    const head = this.#head;
    const empty = head.maxTimeMs < head.minTimeMs;
    return {
      headSeries: head.seriesCount,
      headChunks: head.chunkCount,
      headChunkBytes: head.arena.bytes,
      headMinTimeMs: empty ? undefined : head.minTimeMs,
      headMaxTimeMs: empty ? undefined : head.maxTimeMs,
      lowestTimestampMs: this.#blocks.minTimeMs ?? (empty ? undefined : head.minTimeMs),
      walBytes: this.#wal.bytes + this.#maintenance.checkpointBytes,
      walSegment: this.#wal.lastSegment,
      blocks: this.#blocks.count,
      blockBytes: this.#blocks.bytes,
      blockCacheBytes: this.#cache.bytes,
      exemplars: head.exemplars.size,
      exemplarSeries: head.exemplars.seriesCount,
      bytesMax: this.#options.bytesMax(),
    };
  }
}

/** A log of many hours becomes blocks while it is read, so that the head never holds more of it than usual. */
function spiller(compaction: HeadCompaction, logger: Logger): () => Promise<void> | undefined {
  let failed = false;
  const spill = async (): Promise<void> => {
    try {
      await compactHead(compaction);
    } catch (error) {
      // The head keeps it all then, and maintenance tries again when the store is open.
      failed = true;
      logger.warn({ err: error }, "a block could not be written while the WAL was read");
    }
  };
  return () => (!failed && isHeadCompactable(compaction.head) ? spill() : undefined);
}

function reportDamage(logger: Logger, metrics: StoreMetrics, dir: string, info: WalDamageInfo): void {
  metrics.walCorruptions.inc();
  logger.warn(
    { dir, segment: info.segment, offset: info.offset, reason: info.reason, setAside: info.setAside },
    "the metrics WAL is damaged; what follows the damage was set aside",
  );
}

function reportReplay(logger: Logger, replayed: ReplayResult, head: Head, seconds: number): void {
  const { records, samples, unknownRefs, badRecords } = replayed;
  const fields = { records, samples, series: head.seriesCount, seconds: Number(seconds.toFixed(3)) };
  if (unknownRefs + badRecords > 0) logger.warn({ ...fields, unknownRefs, badRecords }, "WAL replayed with losses");
  else logger.info(fields, "WAL replayed");
}
