import {
  type BucketSpan,
  type CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type FloatHistogram,
} from "../../series/float-histogram.ts";
import { StorageError } from "../../storage/storage-error.ts";
import type { ByteReader, ByteWriter } from "../../storage/varint.ts";
import { isStaleValue } from "../chunks/value-bits.ts";

/** Spans and buckets that one side of a histogram may have; bounds what a record of few bytes can make us allocate. */
const BUCKETS_MAX = 100_000;

/** Prometheus' EncodeFloatHistogram (tsdb/record/record.go). */
export function writeFloatHistogram(writer: ByteWriter, histogram: FloatHistogram): void {
  writer.u8(histogram.counterResetHint);
  writer.varint(histogram.schema);
  writer.f64(histogram.zeroThreshold);
  writer.f64(histogram.zeroCount);
  writer.f64(histogram.count);
  writer.f64(histogram.sum);
  writeSpans(writer, histogram.positiveSpans);
  writeSpans(writer, histogram.negativeSpans);
  writeFloats(writer, histogram.positiveBuckets);
  writeFloats(writer, histogram.negativeBuckets);
  if (histogram.schema === CUSTOM_BUCKETS_SCHEMA) writeFloats(writer, histogram.customValues ?? []);
}

/** Prometheus' DecodeFloatHistogram; undefined for a staleness marker, whose sum is the marker NaN. @throws StorageError */
export function readFloatHistogram(reader: ByteReader): FloatHistogram | undefined {
  const counterResetHint = readHint(reader);
  const schema = reader.varint();
  const zeroThreshold = reader.f64();
  const zeroCount = reader.f64();
  const count = reader.f64();
  const stale = peekStale(reader);
  const sum = reader.f64();
  const positiveSpans = readSpans(reader);
  const negativeSpans = readSpans(reader);
  const positiveBuckets = readMany(reader, () => reader.f64());
  const negativeBuckets = readMany(reader, () => reader.f64());
  const head = { counterResetHint, schema, zeroThreshold, zeroCount, count, sum };
  const histogram: FloatHistogram = { ...head, positiveSpans, negativeSpans, positiveBuckets, negativeBuckets };
  if (schema === CUSTOM_BUCKETS_SCHEMA) histogram.customValues = readMany(reader, () => reader.f64());
  return stale ? undefined : histogram;
}

/**
 * Prometheus' DecodeHistogram, its integer bucket deltas turned into absolute counts; undefined for a staleness marker.
 * @throws StorageError
 */
export function readIntegerHistogram(reader: ByteReader): FloatHistogram | undefined {
  const counterResetHint = readHint(reader);
  const schema = reader.varint();
  const zeroThreshold = reader.f64();
  const zeroCount = reader.uvarint();
  const count = reader.uvarint();
  const stale = peekStale(reader);
  const sum = reader.f64();
  const positiveSpans = readSpans(reader);
  const negativeSpans = readSpans(reader);
  const positiveBuckets = readDeltas(reader);
  const negativeBuckets = readDeltas(reader);
  const head = { counterResetHint, schema, zeroThreshold, zeroCount, count, sum };
  const histogram: FloatHistogram = { ...head, positiveSpans, negativeSpans, positiveBuckets, negativeBuckets };
  if (schema === CUSTOM_BUCKETS_SCHEMA) histogram.customValues = readMany(reader, () => reader.f64());
  return stale ? undefined : histogram;
}

/** A staleness marker is told by the bits of the sum, as comparing the number itself cannot tell one NaN from another. */
function peekStale(reader: ByteReader): boolean {
  const high = reader.u32();
  const stale = isStaleValue(high, reader.u32());
  reader.offset -= 8;
  return stale;
}

function readHint(reader: ByteReader): CounterResetHint {
  return (reader.u8() & 3) as CounterResetHint;
}

function writeSpans(writer: ByteWriter, spans: readonly BucketSpan[]): void {
  writer.uvarint(spans.length);
  for (const { offset, length } of spans) {
    writer.varint(offset);
    writer.uvarint(length);
  }
}

function writeFloats(writer: ByteWriter, values: readonly number[]): void {
  writer.uvarint(values.length);
  for (const value of values) writer.f64(value);
}

function readSpans(reader: ByteReader): BucketSpan[] {
  return readMany(reader, () => {
    const offset = reader.varint();
    return { offset, length: reader.uvarint() };
  });
}

function readDeltas(reader: ByteReader): number[] {
  let count = 0;
  return readMany(reader, () => {
    count += reader.varint();
    return count;
  });
}

function readMany<T>(reader: ByteReader, readOne: () => T): T[] {
  const count = reader.uvarint();
  if (count > BUCKETS_MAX) {
    throw new StorageError("STORAGE_CORRUPT", `histogram claims ${count} entries; the limit is ${BUCKETS_MAX}`);
  }
  const values: T[] = [];
  for (let index = 0; index < count; index++) values.push(readOne());
  return values;
}
