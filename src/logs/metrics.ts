import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Loki's name for the one tenant of a server without authentication. */
export const TENANT = "fake";

/** Self-metrics of the logs role, under Loki's names where Loki has them. */
export class LogMetrics {
  readonly linesReceived: Counter;
  readonly bytesReceived: Counter;
  readonly discardedSamples: Counter;
  readonly discardedBytes: Counter;
  readonly requestSeconds: Histogram;
  readonly streamsCreated: Counter;
  readonly streamsRemoved: Counter;
  readonly chunksFlushed: Counter;
  readonly flushFailures: Counter;
  readonly walRecords: Counter;
  readonly walDiskFull: Counter;
  readonly walCorruptions: Counter;
  readonly walReplaySeconds: Gauge;
  readonly damagedBlocks: Counter;
  readonly deletedSegments: Counter;
  readonly compactions: Counter;
  readonly queryBytes: Counter;
  readonly queriesRefused: Counter;
  readonly registry: Registry;

  constructor(registry: Registry) {
    this.registry = registry;
    const registers = [registry];
    const counter = (name: string, help: string, labelNames: string[] = []) =>
      new Counter({ name, help, labelNames, registers });
    this.linesReceived = counter("loki_distributor_lines_received_total", "Lines received.", ["tenant"]);
    this.bytesReceived = counter("loki_distributor_bytes_received_total", "Uncompressed bytes received.", ["tenant"]);
    this.discardedSamples = counter("loki_discarded_samples_total", "Entries refused.", ["reason", "tenant"]);
    this.discardedBytes = counter("loki_discarded_bytes_total", "Bytes of refused entries.", ["reason", "tenant"]);
    this.requestSeconds = new Histogram({
      name: "loki_request_duration_seconds",
      help: "Time serving HTTP requests.",
      labelNames: ["method", "route", "status_code", "ws"],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100],
      registers,
    });
    this.streamsCreated = counter("loki_ingester_streams_created_total", "Streams created in memory.", ["tenant"]);
    this.streamsRemoved = counter("loki_ingester_streams_removed_total", "Streams flushed from memory.", ["tenant"]);
    this.chunksFlushed = counter("loki_ingester_chunks_flushed_total", "Blocks written to segment files.");
    this.flushFailures = counter("loki_ingester_chunks_flush_failures_total", "Flushes that failed and are retried.");
    this.walRecords = counter("loki_ingester_wal_records_logged_total", "Records written to the WAL.");
    this.walDiskFull = counter("loki_ingester_wal_disk_full_failures_total", "Pushes refused since the disk was full.");
    this.walCorruptions = counter("loki_ingester_wal_corruptions_total", "Damaged places passed over in replay.");
    this.walReplaySeconds = new Gauge({
      name: "loki_ingester_wal_replay_duration_seconds",
      help: "Time that the replay at start took.",
      registers,
    });
    this.damagedBlocks = counter("gatewayz_logs_damaged_blocks_total", "Blocks set aside because of damage on disk.");
    this.deletedSegments = counter("gatewayz_logs_deleted_segments_total", "Segment files deleted by retention.", [
      "reason",
    ]);
    this.compactions = counter("gatewayz_logs_compactions_total", "Runs of segment files merged into one.");
    this.queryBytes = counter("gatewayz_logs_query_bytes_total", "Decompressed bytes that queries read.");
    this.queriesRefused = counter("gatewayz_logs_queries_refused_total", "Queries refused by a limit.", ["limit"]);
    this.linesReceived.inc({ tenant: TENANT }, 0);
    this.bytesReceived.inc({ tenant: TENANT }, 0);
  }

  /** A gauge whose value is asked for at each scrape. */
  gauge(name: string, help: string, read: () => number, labels: Readonly<Record<string, string>> = {}): void {
    new Gauge({
      name,
      help,
      labelNames: Object.keys(labels),
      registers: [this.registry],
      collect() {
        this.set(labels, read());
      },
    });
  }

  discard(reason: string, lines: number, bytes: number): void {
    this.discardedSamples.inc({ reason, tenant: TENANT }, lines);
    this.discardedBytes.inc({ reason, tenant: TENANT }, bytes);
  }
}
