import { CUSTOM_BUCKETS_SCHEMA, type FloatHistogram } from "../../series/float-histogram.ts";
import { Labels } from "../../series/labels.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { ByteReader, type ByteWriter } from "../../storage/varint.ts";
import { STALE_HIGH, STALE_LOW } from "../chunks/value-bits.ts";
import type { Exemplar, MetricMetadata } from "./appender.ts";
import { readFloatHistogram, readIntegerHistogram, writeFloatHistogram } from "./record-histogram.ts";

/**
 * The records of the metrics WAL, byte for byte Prometheus' (tsdb/record/record.go; docs/formats/wal.md).
 * Tombstones and the markers of its out-of-order log are read over: we never write them.
 */
export const RecordType = {
  Series: 1,
  Samples: 2,
  Tombstones: 3,
  Exemplars: 4,
  MmapMarkers: 5,
  Metadata: 6,
  HistogramSamples: 7,
  FloatHistogramSamples: 8,
  CustomBucketsHistogramSamples: 9,
  CustomBucketsFloatHistogramSamples: 10,
} as const;

/** Metric types by their number in a metadata record. */
const METRIC_TYPES = ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"];

/** What a replay does with each entry of a record. */
export interface RecordVisitor {
  series(ref: number, labels: Labels): void;
  /** `high` and `low` are the halves of the value's 64 bits. */
  sample(ref: number, timestampMs: number, high: number, low: number): void;
  histogram(ref: number, timestampMs: number, histogram: FloatHistogram): void;
  exemplar(ref: number, exemplar: Exemplar): void;
  metadata(ref: number, metadata: MetricMetadata): void;
}

export function writeSeriesHeader(writer: ByteWriter): void {
  writer.u8(RecordType.Series);
}

export function writeSeriesEntry(writer: ByteWriter, ref: number, labels: Labels): void {
  writer.i64(ref);
  writeLabels(writer, labels);
}

/** Begins a record of samples, histograms or exemplars, whose entries are told by their distance to the first one. */
export function writeSampleHeader(writer: ByteWriter, type: number, firstRef: number, firstTimestampMs: number): void {
  writer.u8(type);
  writer.i64(firstRef);
  writer.i64(firstTimestampMs);
}

export function writeSampleEntry(
  writer: ByteWriter,
  refDelta: number,
  timestampDeltaMs: number,
  high: number,
  low: number,
): void {
  writer.varint(refDelta);
  writer.varint(timestampDeltaMs);
  writer.u64Halves(high, low);
}

export function writeHistogramEntry(
  writer: ByteWriter,
  refDelta: number,
  timestampDeltaMs: number,
  histogram: FloatHistogram,
): void {
  writer.varint(refDelta);
  writer.varint(timestampDeltaMs);
  writeFloatHistogram(writer, histogram);
}

export function writeExemplarEntry(
  writer: ByteWriter,
  refDelta: number,
  timestampDeltaMs: number,
  exemplar: Exemplar,
): void {
  writer.varint(refDelta);
  writer.varint(timestampDeltaMs);
  writer.f64(exemplar.value);
  writeLabels(writer, exemplar.labels);
}

export function writeMetadataHeader(writer: ByteWriter): void {
  writer.u8(RecordType.Metadata);
}

export function writeMetadataEntry(writer: ByteWriter, ref: number, metadata: MetricMetadata): void {
  writer.uvarint(ref);
  writer.u8(Math.max(0, METRIC_TYPES.indexOf(metadata.type)));
  writer.uvarint(2);
  writer.uvarintText("UNIT");
  writer.uvarintText(metadata.unit);
  writer.uvarintText("HELP");
  writer.uvarintText(metadata.help);
}

/** Decodes one record; entries before a broken one have been visited. @throws StorageError for bytes that are no record. */
export function visitRecord(record: Uint8Array, visitor: RecordVisitor): void {
  const reader = new ByteReader(record);
  const type = reader.u8();
  switch (type) {
    case RecordType.Series:
      while (reader.remaining > 0) visitor.series(reader.i64(), readLabels(reader));
      return;
    case RecordType.Samples:
      visitDeltas(reader, (ref, timestampMs) => {
        const high = reader.u32();
        visitor.sample(ref, timestampMs, high, reader.u32());
      });
      return;
    case RecordType.Exemplars:
      visitDeltas(reader, (ref, timestampMs) => {
        const value = reader.f64();
        visitor.exemplar(ref, { value, labels: readLabels(reader), timestampMs });
      });
      return;
    case RecordType.Metadata:
      while (reader.remaining > 0) visitMetadata(reader, visitor);
      return;
    case RecordType.HistogramSamples:
    case RecordType.CustomBucketsHistogramSamples:
      visitDeltas(reader, (ref, timestampMs) =>
        visitHistogram(visitor, ref, timestampMs, readIntegerHistogram(reader)),
      );
      return;
    case RecordType.FloatHistogramSamples:
    case RecordType.CustomBucketsFloatHistogramSamples:
      visitDeltas(reader, (ref, timestampMs) => visitHistogram(visitor, ref, timestampMs, readFloatHistogram(reader)));
      return;
    case RecordType.Tombstones:
    case RecordType.MmapMarkers:
      return;
    default:
      throw new StorageError("STORAGE_CORRUPT", `unknown WAL record type ${type}`);
  }
}

/** The record type for a histogram: custom boundaries travel in a type of their own, which Prometheus 2 does not know. */
export function histogramRecordType(histogram: FloatHistogram): number {
  return histogram.schema === CUSTOM_BUCKETS_SCHEMA
    ? RecordType.CustomBucketsFloatHistogramSamples
    : RecordType.FloatHistogramSamples;
}

function visitDeltas(reader: ByteReader, visit: (ref: number, timestampMs: number) => void): void {
  if (reader.remaining === 0) return;
  const firstRef = reader.i64();
  const firstTimestampMs = reader.i64();
  while (reader.remaining > 0) {
    const ref = firstRef + reader.varint();
    visit(ref, firstTimestampMs + reader.varint());
  }
}

/** A series of histograms ends like one of floats: by a sample that is the staleness marker. */
function visitHistogram(
  visitor: RecordVisitor,
  ref: number,
  timestampMs: number,
  histogram: FloatHistogram | undefined,
): void {
  if (histogram === undefined) visitor.sample(ref, timestampMs, STALE_HIGH, STALE_LOW);
  else visitor.histogram(ref, timestampMs, histogram);
}

function visitMetadata(reader: ByteReader, visitor: RecordVisitor): void {
  const ref = reader.uvarint();
  const type = METRIC_TYPES[reader.u8()] ?? "unknown";
  let unit = "";
  let help = "";
  for (let left = reader.uvarint(); left > 0; left--) {
    const name = reader.uvarintText();
    const text = reader.uvarintText();
    if (name === "UNIT") unit = text;
    else if (name === "HELP") help = text;
  }
  visitor.metadata(ref, { type, unit, help });
}

function writeLabels(writer: ByteWriter, labels: Labels): void {
  writer.uvarint(labels.size);
  for (const text of labels.pairs) writer.uvarintText(text);
}

function readLabels(reader: ByteReader): Labels {
  const pairs: string[] = [];
  for (let left = reader.uvarint(); left > 0; left--) pairs.push(reader.uvarintText(), reader.uvarintText());
  return Labels.fromSorted(pairs);
}
