import {
  type BucketSpan,
  CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type FloatHistogram,
} from "../../series/float-histogram.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { BitReader, BitWriter } from "./bit-stream.ts";
import { highBits, isStaleValue, lowBits } from "./value-bits.ts";
import { readVarbitInt, readVarbitUint, writeVarbitInt, writeVarbitUint } from "./varbit.ts";
import { chunkSampleCount } from "./xor-chunk.ts";
import { XorValue } from "./xor-value.ts";

const INITIAL_BYTES = 256;
/** Count u16, then the flag byte whose two upper bits say whether the chunk began with a counter reset. */
const HEADER_BYTES = 3;
const FLAG_AT = 2;
const FLAGS = { Unknown: 0x00, NotReset: 0x40, Reset: 0x80, Gauge: 0xc0, Mask: 0xc0 } as const;
/** Spans and buckets of one side; bounds what a few corrupt bits can make us allocate. */
const BUCKETS_MAX = 100_000;
/** A custom boundary that is a whole number of thousandths up to here is stored as that number. */
const BOUND_THOUSANDTHS_MAX = 33_554_430;

/** What all samples of a chunk have in common. */
type Layout = Pick<FloatHistogram, "schema" | "zeroThreshold" | "positiveSpans" | "negativeSpans" | "customValues">;

/**
 * One chunk of native histograms under way, in Prometheus' float histogram encoding
 * (tsdb/chunkenc/float_histogram.go). A sample of another layout, or after a counter reset, needs a new chunk.
 */
export class HistogramChunkWriter {
  readonly #stream = new BitWriter(new Uint8Array(INITIAL_BYTES), HEADER_BYTES * 8);
  readonly #layout: Layout;
  readonly #gauge: boolean;
  /** Count, zero count, sum, then the positive and the negative buckets. */
  readonly #columns: XorValue[];
  #last: number[] = [];
  #count = 0;
  #timestampMs = 0;
  #deltaMs = 0;

  /** @param first  The sample that will be appended first. */
  constructor(first: FloatHistogram) {
    this.#layout = first;
    this.#gauge = first.counterResetHint === CounterResetHint.Gauge;
    this.#columns = columnsOf(first).map(() => new XorValue());
    const reset = first.counterResetHint === CounterResetHint.Reset ? FLAGS.Reset : FLAGS.Unknown;
    this.#stream.bytes[FLAG_AT] = this.#gauge ? FLAGS.Gauge : reset;
    writeLayout(this.#stream, first);
  }

  get count(): number {
    return this.#count;
  }

  get lastTimestampMs(): number {
    return this.#timestampMs;
  }

  lastValueIs(): boolean {
    return false;
  }

  view(): Uint8Array {
    return this.#stream.view();
  }

  /** Whether a sample can follow in this chunk: same layout, same kind, and no counter fell. */
  accepts(histogram: FloatHistogram): boolean {
    const { counterResetHint } = histogram;
    if ((counterResetHint === CounterResetHint.Gauge) !== this.#gauge) return false;
    if (counterResetHint === CounterResetHint.Reset || !sameLayout(this.#layout, histogram)) return false;
    if (this.#gauge || this.#count === 0) return true;
    const columns = columnsOf(histogram);
    // All but the sum, which negative observations make smaller without a reset.
    return columns.every((value, index) => index === 2 || value >= this.#last[index]!);
  }

  append(timestampMs: number, histogram: FloatHistogram): void {
    const stream = this.#stream;
    const columns = columnsOf(histogram);
    if (this.#count === 0) writeVarbitInt(stream, timestampMs);
    else {
      const deltaMs = timestampMs - this.#timestampMs;
      writeVarbitInt(stream, this.#count === 1 ? deltaMs : deltaMs - this.#deltaMs);
      this.#deltaMs = deltaMs;
    }
    for (const [index, value] of columns.entries()) {
      const column = this.#columns[index]!;
      if (this.#count === 0) column.writeFirst(stream, highBits(value), lowBits(value));
      else column.write(stream, highBits(value), lowBits(value));
    }
    this.#timestampMs = timestampMs;
    this.#last = columns;
    this.#count++;
    stream.bytes[0] = this.#count >>> 8;
    stream.bytes[1] = this.#count;
  }
}

/** What is called for each sample of a chunk; `undefined` is a staleness marker. */
export type HistogramSink = (timestampMs: number, histogram: FloatHistogram | undefined) => void;

/** Decodes a chunk of float histograms (encoding 3). @throws StorageError */
export function decodeFloatHistogramChunk(bytes: Uint8Array, start: number, end: number, sink: HistogramSink): void {
  const { reader, count, flags, layout, positive, negative } = openChunk(bytes, start, end);
  if (count === 0) return;
  const columns = Array.from({ length: 3 + positive + negative }, () => new XorValue());
  const scratch = new DataView(new ArrayBuffer(8));
  const toNumber = ({ high, low }: XorValue): number => {
    scratch.setInt32(0, high);
    scratch.setInt32(4, low);
    return scratch.getFloat64(0);
  };
  let timestampMs = 0;
  let deltaMs = 0;
  for (let index = 0; index < count; index++) {
    const time = readVarbitInt(reader);
    deltaMs = index === 0 ? 0 : index === 1 ? time : deltaMs + time;
    timestampMs = index === 0 ? time : timestampMs + deltaMs;
    for (const column of columns) index === 0 ? column.readFirst(reader) : column.read(reader);
    const sum = columns[2]!;
    if (isStaleValue(sum.high, sum.low)) sink(timestampMs, undefined);
    else sink(timestampMs, assemble(layout, hintAt(flags, index), columns.map(toNumber), positive));
  }
}

/** Decodes a chunk of integer histograms (encoding 2), which Prometheus writes and we only read. @throws StorageError */
export function decodeIntegerHistogramChunk(bytes: Uint8Array, start: number, end: number, sink: HistogramSink): void {
  const { reader, count, flags, layout, positive, negative } = openChunk(bytes, start, end);
  if (count === 0) return;
  const sum = new XorValue();
  const scratch = new DataView(new ArrayBuffer(8));
  // Time, count, zero count, then the buckets: raw, then deltas, then deltas of deltas.
  const values = new Array<number>(3 + positive + negative).fill(0);
  const deltas = new Array<number>(values.length).fill(0);
  const step = (at: number, index: number): void => {
    const unsigned = index === 0 && (at === 1 || at === 2);
    const read = unsigned ? readVarbitUint(reader) : readVarbitInt(reader);
    if (index === 0) values[at] = read;
    else {
      deltas[at] = index === 1 ? read : deltas[at]! + read;
      values[at]! += deltas[at]!;
    }
  };
  for (let index = 0; index < count; index++) {
    for (let at = 0; at < 3; at++) step(at, index);
    index === 0 ? sum.readFirst(reader) : sum.read(reader);
    for (let at = 3; at < values.length; at++) step(at, index);
    if (isStaleValue(sum.high, sum.low)) {
      sink(values[0]!, undefined);
      continue;
    }
    scratch.setInt32(0, sum.high);
    scratch.setInt32(4, sum.low);
    const positiveCounts = runningSums(values.slice(3, 3 + positive));
    const negativeCounts = runningSums(values.slice(3 + positive));
    const columns = [values[1]!, values[2]!, scratch.getFloat64(0), ...positiveCounts, ...negativeCounts];
    sink(values[0]!, assemble(layout, hintAt(flags, index), columns, positive));
  }
}

function openChunk(bytes: Uint8Array, start: number, end: number) {
  const count = chunkSampleCount(bytes, start, end);
  if (end - start < HEADER_BYTES) throw new StorageError("STORAGE_TRUNCATED", "histogram chunk has no header");
  const reader = new BitReader(bytes, start + HEADER_BYTES, end);
  const layout = count === 0 ? EMPTY_LAYOUT : readLayout(reader);
  const positive = bucketCount(layout.positiveSpans);
  const negative = bucketCount(layout.negativeSpans);
  return { reader, count, flags: bytes[start + FLAG_AT]! & FLAGS.Mask, layout, positive, negative };
}

const EMPTY_LAYOUT: Layout = { schema: 0, zeroThreshold: 0, positiveSpans: [], negativeSpans: [] };

function assemble(
  layout: Layout,
  counterResetHint: CounterResetHint,
  columns: number[],
  positive: number,
): FloatHistogram {
  return {
    ...layout,
    counterResetHint,
    count: columns[0]!,
    zeroCount: columns[1]!,
    sum: columns[2]!,
    positiveBuckets: columns.slice(3, 3 + positive),
    negativeBuckets: columns.slice(3 + positive),
  };
}

/** Source: Prometheus tsdb/chunkenc/histogram_meta.go, counterResetHint. */
function hintAt(flags: number, index: number): CounterResetHint {
  if (flags === FLAGS.Gauge) return CounterResetHint.Gauge;
  if (index > 0) return CounterResetHint.NotReset;
  return flags === FLAGS.Reset ? CounterResetHint.Reset : CounterResetHint.Unknown;
}

function columnsOf(histogram: FloatHistogram): number[] {
  const { count, zeroCount, sum, positiveBuckets, negativeBuckets } = histogram;
  return [count, zeroCount, sum, ...positiveBuckets, ...negativeBuckets];
}

function runningSums(deltas: readonly number[]): number[] {
  let sum = 0;
  return deltas.map((delta) => (sum += delta));
}

function bucketCount(spans: readonly BucketSpan[]): number {
  let count = 0;
  for (const span of spans) count += span.length;
  if (count > BUCKETS_MAX) throw new StorageError("STORAGE_CORRUPT", `histogram chunk claims ${count} buckets`);
  return count;
}

function sameLayout(left: Layout, right: Layout): boolean {
  return (
    left.schema === right.schema &&
    left.zeroThreshold === right.zeroThreshold &&
    sameSpans(left.positiveSpans, right.positiveSpans) &&
    sameSpans(left.negativeSpans, right.negativeSpans) &&
    sameNumbers(left.customValues ?? [], right.customValues ?? [])
  );
}

function sameSpans(left: readonly BucketSpan[], right: readonly BucketSpan[]): boolean {
  return (
    left.length === right.length &&
    left.every((span, index) => span.offset === right[index]!.offset && span.length === right[index]!.length)
  );
}

function sameNumbers(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index]);
}

function writeLayout(stream: BitWriter, layout: Layout): void {
  writeZeroThreshold(stream, layout.zeroThreshold);
  writeVarbitInt(stream, layout.schema);
  for (const spans of [layout.positiveSpans, layout.negativeSpans]) {
    writeVarbitUint(stream, spans.length);
    for (const { offset, length } of spans) {
      writeVarbitUint(stream, length);
      writeVarbitInt(stream, offset);
    }
  }
  if (layout.schema !== CUSTOM_BUCKETS_SCHEMA) return;
  writeVarbitUint(stream, layout.customValues?.length ?? 0);
  for (const bound of layout.customValues ?? []) writeBound(stream, bound);
}

function readLayout(reader: BitReader): Layout {
  const zeroThreshold = readZeroThreshold(reader);
  const schema = readVarbitInt(reader);
  const positiveSpans = readSpans(reader);
  const negativeSpans = readSpans(reader);
  const layout: Layout = { schema, zeroThreshold, positiveSpans, negativeSpans };
  if (schema === CUSTOM_BUCKETS_SCHEMA) layout.customValues = readBounds(reader);
  return layout;
}

function readSpans(reader: BitReader): BucketSpan[] {
  const spans: BucketSpan[] = [];
  for (let left = readCount(reader); left > 0; left--) {
    const length = readVarbitUint(reader);
    spans.push({ length, offset: readVarbitInt(reader) });
  }
  return spans;
}

function readBounds(reader: BitReader): number[] {
  const bounds: number[] = [];
  for (let left = readCount(reader); left > 0; left--) {
    const thousandths = readVarbitUint(reader);
    bounds.push(thousandths === 0 ? readFloat(reader) : (thousandths - 1) / 1_000);
  }
  return bounds;
}

function readCount(reader: BitReader): number {
  const count = readVarbitUint(reader);
  if (count > BUCKETS_MAX) throw new StorageError("STORAGE_CORRUPT", `histogram chunk claims ${count} entries`);
  return count;
}

function writeBound(stream: BitWriter, bound: number): void {
  const thousandths = Math.round(bound * 1_000);
  if (thousandths >= 0 && thousandths <= BOUND_THOUSANDTHS_MAX && thousandths / 1_000 === bound) {
    writeVarbitUint(stream, thousandths + 1);
    return;
  }
  stream.bit(0);
  stream.write64(highBits(bound), lowBits(bound), 64);
}

/** A power of two takes one byte, its exponent; 0 stands for 0, 255 for a float of 64 bits behind it. */
function writeZeroThreshold(stream: BitWriter, threshold: number): void {
  const exponent = Math.log2(threshold) + 1; // of the form 0.5 * 2^exponent
  if (threshold === 0) stream.write(0, 8);
  else if (Number.isInteger(exponent) && exponent >= -242 && exponent <= 11 && 2 ** (exponent - 1) === threshold) {
    stream.write(exponent + 243, 8);
  } else {
    stream.write(255, 8);
    stream.write64(highBits(threshold), lowBits(threshold), 64);
  }
}

function readZeroThreshold(reader: BitReader): number {
  const byte = reader.read(8);
  if (byte === 0) return 0;
  return byte === 255 ? readFloat(reader) : 2 ** (byte - 244);
}

function readFloat(reader: BitReader): number {
  const scratch = new DataView(new ArrayBuffer(8));
  scratch.setUint32(4, reader.read64(64));
  scratch.setUint32(0, reader.high);
  return scratch.getFloat64(0);
}
