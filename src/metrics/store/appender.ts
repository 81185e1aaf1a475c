import type { FloatHistogram } from "../../series/float-histogram.ts";
import type { Labels } from "../../series/labels.ts";

/** An exemplar as it was scraped: its own labels (`trace_id`), its value and its time in Unix ms. */
export interface Exemplar {
  readonly labels: Labels;
  readonly value: number;
  readonly timestampMs: number;
}

/** What `# TYPE`, `# HELP` and `# UNIT` said about a metric; `type` is Prometheus' word, `unknown` where nothing was said. */
export interface MetricMetadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

/**
 * One batch of samples. Appending checks a sample against the series' newest one and against the batch itself;
 * nothing is visible to queries before `commit`. An appender is used once: after commit or rollback get a new one.
 */
export interface Appender {
  /**
   * Appends a float sample. `ref` 0 (or one that is no longer known) looks the labels up or creates the series.
   * @returns the series ref, for the caller's cache.
   * @throws AppendError when the sample is out of order, a duplicate with another value, or too old; the rest of the
   *   batch is not concerned.
   */
  append(ref: number, labels: Labels, timestampMs: number, value: number): number;
  /** Appends Prometheus' staleness marker. @throws AppendError as `append`. */
  appendStale(ref: number, labels: Labels, timestampMs: number): number;
  /** Appends a native histogram sample; of one series a batch holds floats or histograms. @throws AppendError as `append`. */
  appendHistogram(ref: number, labels: Labels, timestampMs: number, histogram: FloatHistogram): number;
  /** Keeps an exemplar of a series that exists; a repetition of the series' newest exemplar is ignored. @throws AppendError */
  appendExemplar(ref: number, labels: Labels, exemplar: Exemplar): void;
  /** Remembers the metadata of the series' metric. */
  appendMetadata(ref: number, labels: Labels, metadata: MetricMetadata): void;
  /**
   * Writes the batch to the WAL, then makes it visible. Resolves when the WAL holds it.
   * @throws StorageError with code STORAGE_FULL, STORAGE_WRITE_FAILED or STORAGE_READ_ONLY: nothing became visible.
   */
  commit(): Promise<void>;
  /** Forgets the batch. */
  rollback(): void;
}
