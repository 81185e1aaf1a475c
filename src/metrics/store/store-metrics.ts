import { Counter, Gauge, type Registry, Summary } from "prom-client";
import { EXEMPLARS_MAX } from "./limits.ts";

/** What the gauges ask when they are scraped. */
export interface GaugeSource {
  readonly headSeries: number;
  readonly headChunks: number;
  readonly headChunkBytes: number;
  /** Unix ms; undefined while the head is empty. */
  readonly headMinTimeMs: number | undefined;
  readonly headMaxTimeMs: number | undefined;
  /** Unix ms of the oldest sample of blocks and head. */
  readonly lowestTimestampMs: number | undefined;
  readonly walBytes: number;
  readonly walSegment: number;
  readonly blocks: number;
  readonly blockBytes: number;
  readonly blockCacheBytes: number;
  readonly exemplars: number;
  readonly exemplarSeries: number;
  readonly bytesMax: number;
}

/** The store's own metrics, under the names that Prometheus gives them; those it has no name for begin with `gatewayz_`. */
export class StoreMetrics {
  readonly samplesAppended: Counter;
  readonly seriesCreated: Counter;
  readonly seriesRemoved: Counter;
  readonly chunksRemoved: Counter;
  readonly outOfOrderSamples: Counter;
  readonly outOfBoundSamples: Counter;
  readonly exemplarsAppended: Counter;
  readonly outOfOrderExemplars: Counter;
  readonly walCorruptions: Counter;
  readonly walWritesFailed: Counter;
  readonly walTruncations: Counter;
  readonly walFsyncSeconds: Summary;
  readonly checkpoints: Counter;
  readonly checkpointsFailed: Counter;
  readonly headTruncations: Counter;
  readonly compactions: Counter;
  readonly compactionsFailed: Counter;
  readonly timeRetentions: Counter;
  readonly sizeRetentions: Counter;
  readonly blocksSetAside: Counter;
  readonly blockCacheMisses: Counter;
  readonly replaySeconds: Gauge;

  constructor(registry: Registry, source: () => GaugeSource | undefined) {
    const registers = [registry];
    const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
      new Counter({ name, help, labelNames, registers });
    this.samplesAppended = counter("prometheus_tsdb_head_samples_appended_total", "Total number of appended samples.", [
      "type",
    ]);
    this.seriesCreated = counter(
      "prometheus_tsdb_head_series_created_total",
      "Total number of series created in the head",
    );
    this.seriesRemoved = counter(
      "prometheus_tsdb_head_series_removed_total",
      "Total number of series removed in the head",
    );
    this.chunksRemoved = counter(
      "prometheus_tsdb_head_chunks_removed_total",
      "Total number of chunks removed in the head",
    );
    this.outOfOrderSamples = counter(
      "prometheus_tsdb_out_of_order_samples_total",
      "Total number of out of order samples ingestion failed attempts.",
      ["type"],
    );
    this.outOfBoundSamples = counter(
      "prometheus_tsdb_out_of_bound_samples_total",
      "Total number of out of bound samples ingestion failed attempts.",
      ["type"],
    );
    this.exemplarsAppended = counter(
      "prometheus_tsdb_exemplar_exemplars_appended_total",
      "Total number of appended exemplars.",
    );
    this.outOfOrderExemplars = counter(
      "prometheus_tsdb_exemplar_out_of_order_exemplars_total",
      "Total number of out of order exemplar ingestion failed attempts.",
    );
    this.walCorruptions = counter("prometheus_tsdb_wal_corruptions_total", "Total number of WAL corruptions.");
    this.walWritesFailed = counter(
      "prometheus_tsdb_wal_writes_failed_total",
      "Total number of WAL writes that failed.",
    );
    this.walTruncations = counter(
      "prometheus_tsdb_wal_truncations_total",
      "Total number of WAL truncations attempted.",
    );
    this.walFsyncSeconds = new Summary({
      name: "prometheus_tsdb_wal_fsync_duration_seconds",
      help: "Duration of write log fsync.",
      percentiles: [0.5, 0.9, 0.99],
      maxAgeSeconds: 600,
      ageBuckets: 5,
      registers,
    });
    this.checkpoints = counter(
      "prometheus_tsdb_checkpoint_creations_total",
      "Total number of checkpoint creations attempted.",
    );
    this.checkpointsFailed = counter(
      "prometheus_tsdb_checkpoint_creations_failed_total",
      "Total number of checkpoint creations that failed.",
    );
    this.headTruncations = counter(
      "prometheus_tsdb_head_truncations_total",
      "Total number of head truncations attempted.",
    );
    this.compactions = counter(
      "prometheus_tsdb_compactions_total",
      "Total number of compactions that were executed for the partition.",
    );
    this.compactionsFailed = counter(
      "prometheus_tsdb_compactions_failed_total",
      "Total number of compactions that failed for the partition.",
    );
    this.timeRetentions = counter(
      "prometheus_tsdb_time_retentions_total",
      "The number of times that blocks were deleted because the maximum time limit was exceeded.",
    );
    this.sizeRetentions = counter(
      "prometheus_tsdb_size_retentions_total",
      "The number of times that blocks were deleted because the maximum number of bytes was exceeded.",
    );
    this.blocksSetAside = counter(
      "gatewayz_tsdb_blocks_set_aside_total",
      "Blocks whose bytes contradict themselves; they are kept as <name>.corrupt and not read any more.",
    );
    this.blockCacheMisses = counter(
      "gatewayz_tsdb_block_cache_misses_total",
      "Pages of block files that had to be read from disk.",
    );
    // Label values that will come are there from the start, so that a rate over them misses nothing.
    for (const type of ["float", "histogram"]) {
      this.samplesAppended.inc({ type }, 0);
      this.outOfOrderSamples.inc({ type }, 0);
      this.outOfBoundSamples.inc({ type }, 0);
    }
    this.replaySeconds = new Gauge({
      name: "prometheus_tsdb_data_replay_duration_seconds",
      help: "Time taken to replay the data on disk.",
      registers,
    });
    for (const [name, help, read] of GAUGES) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          const values = source();
          if (values !== undefined) this.set(read(values));
        },
      });
    }
  }
}

const seconds = (ms: number | undefined): number => (ms === undefined ? 0 : ms / 1_000);

const GAUGES: readonly (readonly [name: string, help: string, read: (source: GaugeSource) => number])[] = [
  ["prometheus_tsdb_head_series", "Total number of series in the head block.", (s) => s.headSeries],
  ["prometheus_tsdb_head_chunks", "Total number of chunks in the head block.", (s) => s.headChunks],
  [
    "prometheus_tsdb_head_chunks_storage_size_bytes",
    "Memory that the head's closed chunks take.",
    (s) => s.headChunkBytes,
  ],
  ["prometheus_tsdb_head_min_time", "Minimum time bound of the head block, ms.", (s) => s.headMinTimeMs ?? 0],
  ["prometheus_tsdb_head_max_time", "Maximum timestamp of the head block, ms.", (s) => s.headMaxTimeMs ?? 0],
  ["prometheus_tsdb_head_min_time_seconds", "Minimum time bound of the head block.", (s) => seconds(s.headMinTimeMs)],
  ["prometheus_tsdb_head_max_time_seconds", "Maximum timestamp of the head block.", (s) => seconds(s.headMaxTimeMs)],
  [
    "prometheus_tsdb_lowest_timestamp_seconds",
    "Lowest timestamp value stored in the database.",
    (s) => seconds(s.lowestTimestampMs),
  ],
  ["prometheus_tsdb_wal_storage_size_bytes", "Size of the write log directory.", (s) => s.walBytes],
  [
    "prometheus_tsdb_wal_segment_current",
    "Write log segment index that TSDB is currently writing to.",
    (s) => s.walSegment,
  ],
  ["prometheus_tsdb_blocks_loaded", "Number of currently loaded data blocks.", (s) => s.blocks],
  [
    "prometheus_tsdb_storage_blocks_bytes",
    "The number of bytes that are currently used for local storage by all blocks.",
    (s) => s.blockBytes,
  ],
  [
    "prometheus_tsdb_retention_limit_bytes",
    "Max number of bytes to be retained in the tsdb blocks, WAL included.",
    (s) => s.bytesMax,
  ],
  [
    "prometheus_tsdb_exemplar_exemplars_in_storage",
    "Number of exemplars currently in circular storage.",
    (s) => s.exemplars,
  ],
  [
    "prometheus_tsdb_exemplar_series_with_exemplars_in_storage",
    "Number of series with exemplars currently in circular storage.",
    (s) => s.exemplarSeries,
  ],
  [
    "prometheus_tsdb_exemplar_max_exemplars",
    "Total number of exemplars the exemplar storage can store.",
    () => EXEMPLARS_MAX,
  ],
  ["gatewayz_tsdb_block_cache_bytes", "Memory that pages of block files take.", (s) => s.blockCacheBytes],
];
