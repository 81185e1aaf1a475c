import type { Registry } from "prom-client";
import type { Logger } from "../../runtime/logger.ts";
import type { Labels } from "../../series/labels.ts";
import type { Matcher, Queryable } from "../../series/queryable.ts";
import type { Appender, Exemplar, MetricMetadata } from "./appender.ts";

export interface MetricsStoreOptions {
  /** Folder of the store: `wal/` and one folder per block, as Prometheus lays it out. */
  dir: string;
  retentionMs: number;
  /** Most bytes of the whole folder, WAL included; asked before every retention run. */
  bytesMax: () => number;
  /** Unix ms; the clock of the machine when absent. */
  now?: () => number;
  logger: Logger;
  registry: Registry;
}

export interface ExemplarSeries {
  readonly seriesLabels: Labels;
  /** Sorted by time. */
  readonly exemplars: Exemplar[];
}

/** Where queries read: head and blocks together. */
export interface MetricsQueryable extends Queryable {
  /** Exemplars of the series that match any of the matcher lists, within the range (Unix ms, inclusive). */
  exemplars(matchers: readonly (readonly Matcher[])[], startMs: number, endMs: number): ExemplarSeries[];
}

export interface NameCount {
  readonly name: string;
  readonly value: number;
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

/** The four lists of `/api/v1/status/tsdb`, each of at most `limit` entries, the largest first. */
export interface CardinalityStats {
  readonly seriesCountByMetricName: NameCount[];
  readonly labelValueCountByLabelName: NameCount[];
  readonly memoryInBytesByLabelName: NameCount[];
  readonly seriesCountByLabelValuePair: NameCount[];
}

/** The metrics engine's store: a Prometheus TSDB in one folder. */
export class MetricsStore {
  static async open(_options: MetricsStoreOptions): Promise<MetricsStore> {
    return new MetricsStore();
  }

  get queryable(): MetricsQueryable {
    throw new Error("BUG: store is not open");
  }

  get stats(): StoreStats {
    throw new Error("BUG: store is not open");
  }

  /** A batch of samples; `commit()` resolves when the WAL holds them. */
  appender(): Appender {
    throw new Error("BUG: store is not open");
  }

  cardinality(_limit: number): CardinalityStats {
    throw new Error("BUG: store is not open");
  }

  /** What is known about each metric name; of one name (or an empty map) when `metric` is given. */
  metadata(_metric?: string): Map<string, MetricMetadata[]> {
    throw new Error("BUG: store is not open");
  }

  /** Flushes the WAL and stops compaction. Called once. */
  async close(): Promise<void> {}
}
