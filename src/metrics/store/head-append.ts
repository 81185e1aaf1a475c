import type { FloatHistogram } from "../../series/float-histogram.ts";
import { type Labels, METRIC_NAME } from "../../series/labels.ts";
import { ByteWriter } from "../../storage/varint.ts";
import type { Wal } from "../../storage/wal.ts";
import { highBits, lowBits, STALE_HIGH, STALE_LOW } from "../chunks/value-bits.ts";
import { AppendError, type AppendErrorCode } from "./append-error.ts";
import type { Appender, Exemplar, MetricMetadata } from "./appender.ts";
import type { Head } from "./head.ts";
import type { HeadSeries } from "./head-series.ts";
import { FUTURE_MAX_MS, RECORD_SAMPLES_MAX } from "./limits.ts";
import {
  histogramRecordType,
  RecordType,
  writeExemplarEntry,
  writeHistogramEntry,
  writeMetadataEntry,
  writeMetadataHeader,
  writeSampleEntry,
  writeSampleHeader,
  writeSeriesEntry,
  writeSeriesHeader,
} from "./records.ts";
import type { StoreMetrics } from "./store-metrics.ts";

interface PendingHistogram {
  readonly series: HeadSeries;
  readonly timestampMs: number;
  readonly histogram: FloatHistogram;
}

interface PendingExemplar {
  readonly series: HeadSeries;
  readonly exemplar: Exemplar;
}

interface PendingMetadata {
  readonly series: HeadSeries;
  readonly metadata: MetricMetadata;
}

/** What an appender needs from the store it belongs to. */
export interface AppenderContext {
  readonly head: Head;
  readonly wal: Wal;
  readonly metrics: StoreMetrics;
  readonly now: () => number;
}

/** One batch on its way: checked against the head → WAL → head. */
export class HeadAppender implements Appender {
  readonly #context: AppenderContext;
  readonly #minTimeMs: number;
  readonly #maxTimeMs: number;
  /** Every series of the batch once. */
  #touched: HeadSeries[] = [];
  /** Samples as columns: nothing is allocated per sample but what these arrays grow by. */
  #series: HeadSeries[] = [];
  #timestampsMs: number[] = [];
  #highs: number[] = [];
  #lows: number[] = [];
  #histograms: PendingHistogram[] = [];
  #exemplars: PendingExemplar[] = [];
  #metadata: PendingMetadata[] = [];
  #done = false;

  constructor(context: AppenderContext) {
    this.#context = context;
    this.#minTimeMs = context.head.appendableFromMs;
    this.#maxTimeMs = context.now() + FUTURE_MAX_MS;
  }

  append(ref: number, labels: Labels, timestampMs: number, value: number): number {
    return this.#append(ref, labels, timestampMs, highBits(value), lowBits(value));
  }

  appendStale(ref: number, labels: Labels, timestampMs: number): number {
    return this.#append(ref, labels, timestampMs, STALE_HIGH, STALE_LOW);
  }

  appendHistogram(ref: number, labels: Labels, timestampMs: number, histogram: FloatHistogram): number {
    this.#checkTime(timestampMs);
    const series = this.#touch(ref, labels);
    const last = series.batch === this ? series.batchTimestampMs : series.lastTimestampMs;
    if (timestampMs < last) throw this.#refused("OUT_OF_ORDER_SAMPLE");
    if (timestampMs === last) throw this.#refused("DUPLICATE_SAMPLE");
    // Bits that no float is stored with, so that a float at the same time counts as another value.
    this.#remember(series, timestampMs, -1, -1);
    this.#histograms.push({ series, timestampMs, histogram });
    return series.ref;
  }

  appendExemplar(ref: number, labels: Labels, exemplar: Exemplar): void {
    const series = this.#context.head.get(ref) ?? this.#context.head.find(labels);
    if (series === undefined) throw new AppendError("UNKNOWN_SERIES");
    try {
      if (!this.#context.head.exemplars.accepts(series.ref, exemplar)) return;
    } catch (error) {
      if ((error as AppendError).code === "OUT_OF_ORDER_EXEMPLAR") this.#context.metrics.outOfOrderExemplars.inc();
      throw error;
    }
    this.#touch(series.ref, labels);
    this.#exemplars.push({ series, exemplar });
  }

  appendMetadata(ref: number, labels: Labels, metadata: MetricMetadata): void {
    const series = this.#context.head.get(ref) ?? this.#context.head.find(labels);
    if (series === undefined) throw new AppendError("UNKNOWN_SERIES");
    if (this.#context.head.metadata.has(series.labels.get(METRIC_NAME), metadata)) return;
    this.#touch(series.ref, labels);
    this.#metadata.push({ series, metadata });
  }

  async commit(): Promise<void> {
    const { wal } = this.#context;
    if (this.#done) return;
    this.#done = true;
    try {
      await wal.append(this.#records());
      this.#apply();
    } catch (error) {
      this.#context.metrics.walWritesFailed.inc();
      throw error;
    } finally {
      this.#release();
    }
  }

  rollback(): void {
    if (this.#done) return;
    this.#done = true;
    this.#release();
  }

  #append(ref: number, labels: Labels, timestampMs: number, high: number, low: number): number {
    this.#checkTime(timestampMs);
    const series = this.#touch(ref, labels);
    const inBatch = series.batch === this;
    const last = inBatch ? series.batchTimestampMs : series.lastTimestampMs;
    if (timestampMs <= last) {
      if (timestampMs < last) throw this.#refused("OUT_OF_ORDER_SAMPLE");
      const same = inBatch ? series.batchHigh === high && series.batchLow === low : series.lastValueIs(high, low);
      if (!same) throw this.#refused("DUPLICATE_SAMPLE");
      return series.ref;
    }
    this.#remember(series, timestampMs, high, low);
    this.#series.push(series);
    this.#timestampsMs.push(timestampMs);
    this.#highs.push(high);
    this.#lows.push(low);
    return series.ref;
  }

  #checkTime(timestampMs: number): void {
    // Twice, because times are stored as zigzag varints.
    if (!Number.isSafeInteger(timestampMs * 2)) {
      throw new AppendError("INVALID_SAMPLE", `timestamp ${timestampMs} is no whole number of milliseconds`);
    }
    if (timestampMs >= this.#minTimeMs && timestampMs <= this.#maxTimeMs) return;
    throw this.#refused("OUT_OF_BOUNDS");
  }

  /** The series of a ref or of labels; it stays in the head until the batch has ended. */
  #touch(ref: number, labels: Labels): HeadSeries {
    const { head, metrics } = this.#context;
    let series = ref === 0 ? undefined : head.get(ref);
    if (series === undefined) {
      if (labels.pairs.length === 0) throw new AppendError("INVALID_SAMPLE", "a series needs at least one label");
      const found = head.findOrCreate(labels);
      if (found.created) metrics.seriesCreated.inc();
      series = found.series;
    }
    if (series.holder !== this) {
      series.holder = this;
      series.pendingBatches++;
      this.#touched.push(series);
    }
    return series;
  }

  #remember(series: HeadSeries, timestampMs: number, high: number, low: number): void {
    series.batch = this;
    series.batchTimestampMs = timestampMs;
    series.batchHigh = high;
    series.batchLow = low;
  }

  #refused(code: AppendErrorCode): AppendError {
    const { metrics } = this.#context;
    if (code === "OUT_OF_ORDER_SAMPLE") metrics.outOfOrderSamples.inc({ type: "float" });
    else if (code === "OUT_OF_BOUNDS") metrics.outOfBoundSamples.inc({ type: "float" });
    return new AppendError(code);
  }

  /** The batch as WAL records, series first: a reader meets no ref before its labels. */
  #records(): Uint8Array[] {
    const records: Uint8Array[] = [];
    const unlogged = this.#touched.filter((series) => !series.logged);
    if (unlogged.length > 0) {
      const writer = new ByteWriter(unlogged.length * 128);
      writeSeriesHeader(writer);
      for (const series of unlogged) writeSeriesEntry(writer, series.ref, series.labels);
      records.push(writer.view());
    }
    if (this.#metadata.length > 0) {
      const writer = new ByteWriter();
      writeMetadataHeader(writer);
      for (const { series, metadata } of this.#metadata) writeMetadataEntry(writer, series.ref, metadata);
      records.push(writer.view());
    }
    for (let start = 0; start < this.#series.length; start += RECORD_SAMPLES_MAX)
      records.push(this.#samplesRecord(start));
    for (const pending of this.#histograms) records.push(histogramRecord(pending));
    if (this.#exemplars.length > 0) records.push(exemplarsRecord(this.#exemplars));
    return records;
  }

  #samplesRecord(start: number): Uint8Array {
    const end = Math.min(start + RECORD_SAMPLES_MAX, this.#series.length);
    const firstRef = this.#series[start]!.ref;
    const firstMs = this.#timestampsMs[start]!;
    const writer = new ByteWriter((end - start) * 12 + 32);
    writeSampleHeader(writer, RecordType.Samples, firstRef, firstMs);
    for (let index = start; index < end; index++) {
      const refDelta = this.#series[index]!.ref - firstRef;
      writeSampleEntry(writer, refDelta, this.#timestampsMs[index]! - firstMs, this.#highs[index]!, this.#lows[index]!);
    }
    return writer.view();
  }

  /** The WAL holds the batch: makes it visible. Of two batches with the same sample the one written first wins. */
  #apply(): void {
    const { head, metrics } = this.#context;
    let late = 0;
    for (const series of this.#touched) series.logged = true;
    for (let index = 0; index < this.#series.length; index++) {
      const appended = head.append(
        this.#series[index]!,
        this.#timestampsMs[index]!,
        this.#highs[index]!,
        this.#lows[index]!,
      );
      if (!appended) late++;
    }
    metrics.samplesAppended.inc({ type: "float" }, this.#series.length - late);
    for (const { series, timestampMs, histogram } of this.#histograms) {
      if (head.appendHistogram(series, timestampMs, histogram)) metrics.samplesAppended.inc({ type: "histogram" });
      else late++;
    }
    if (late > 0) metrics.outOfOrderSamples.inc({ type: "float" }, late);
    for (const { series, exemplar } of this.#exemplars) head.exemplars.add(series.ref, exemplar);
    metrics.exemplarsAppended.inc(this.#exemplars.length);
    for (const { series, metadata } of this.#metadata) head.metadata.add(series.labels.get(METRIC_NAME), metadata);
  }

  #release(): void {
    for (const series of this.#touched) {
      series.pendingBatches--;
      if (series.holder === this) series.holder = undefined;
      if (series.batch === this) series.batch = undefined;
    }
    this.#touched = [];
    this.#series = [];
    this.#timestampsMs = [];
    this.#highs = [];
    this.#lows = [];
    this.#histograms = [];
    this.#exemplars = [];
    this.#metadata = [];
  }
}

/** Native histograms are few and large: a record each. */
function histogramRecord({ series, timestampMs, histogram }: PendingHistogram): Uint8Array {
  const writer = new ByteWriter();
  writeSampleHeader(writer, histogramRecordType(histogram), series.ref, timestampMs);
  writeHistogramEntry(writer, 0, 0, histogram);
  return writer.view();
}

export function exemplarsRecord(pending: readonly PendingExemplar[]): Uint8Array {
  const writer = new ByteWriter(pending.length * 64);
  const first = pending[0]!;
  writeSampleHeader(writer, RecordType.Exemplars, first.series.ref, first.exemplar.timestampMs);
  for (const { series, exemplar } of pending) {
    const timestampDeltaMs = exemplar.timestampMs - first.exemplar.timestampMs;
    writeExemplarEntry(writer, series.ref - first.series.ref, timestampDeltaMs, exemplar);
  }
  return writer.view();
}
