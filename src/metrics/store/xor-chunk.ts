import { invariant } from "../../runtime/invariant.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { BitReader, BitWriter } from "./bit-stream.ts";
import { XorValue } from "./xor-value.ts";

/** Bytes of a new chunk's buffer; most chunks of counters and gauges end below twice this. */
const INITIAL_BYTES = 128;
const COUNT_BYTES = 2;
/**
 * One chunk under way in Prometheus' XOR encoding (tsdb/chunkenc/xor.go): u16 count, then per sample the delta of the
 * time's delta and the XOR with the previous value. Format: docs/formats/metrics-block.md.
 */
export class XorChunkWriter {
  readonly #stream = new BitWriter(new Uint8Array(INITIAL_BYTES), COUNT_BYTES * 8);
  #count = 0;
  #timestampMs = 0;
  #deltaMs = 0;
  readonly #value = new XorValue();

  get count(): number {
    return this.#count;
  }

  /** Time of the newest sample; meaningless while `count` is 0. */
  get lastTimestampMs(): number {
    return this.#timestampMs;
  }

  /** True when the newest value has exactly these bits. */
  lastValueIs(high: number, low: number): boolean {
    return this.#value.high === (high | 0) && this.#value.low === (low | 0);
  }

  /** The chunk so far. Borrowed: valid until the next append. */
  view(): Uint8Array {
    return this.#stream.view();
  }

  /** Appends a sample later than the newest one; `high` and `low` are the halves of the value's 64 bits. */
  append(timestampMs: number, high: number, low: number): void {
    const stream = this.#stream;
    if (this.#count === 0) {
      stream.varint(timestampMs);
      this.#value.writeFirst(stream, high, low);
    } else {
      const deltaMs = timestampMs - this.#timestampMs;
      if (this.#count === 1) stream.uvarint(deltaMs);
      else this.#writeDeltaOfDelta(deltaMs - this.#deltaMs);
      this.#value.write(stream, high, low);
      this.#deltaMs = deltaMs;
    }
    this.#timestampMs = timestampMs;
    this.#count++;
    invariant(this.#count <= 0xffff, "more samples than a chunk can count");
    stream.bytes[0] = this.#count >>> 8;
    stream.bytes[1] = this.#count;
  }

  #writeDeltaOfDelta(difference: number): void {
    const stream = this.#stream;
    if (difference === 0) stream.bit(0);
    else if (fits(difference, 14)) stream.write((0b10 << 14) | (difference & 0x3fff), 16);
    else if (fits(difference, 17)) stream.write((0b110 << 17) | (difference & 0x1ffff), 20);
    else if (fits(difference, 20)) stream.write((0b1110 << 20) | (difference & 0xfffff), 24);
    else {
      stream.write(0b1111, 4);
      stream.int64(difference);
    }
  }
}

/** Samples in a chunk of any encoding. @throws StorageError STORAGE_TRUNCATED */
export function chunkSampleCount(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < COUNT_BYTES) throw new StorageError("STORAGE_TRUNCATED", "chunk has no sample count");
  return (bytes[start]! << 8) | bytes[start + 1]!;
}

/**
 * Decodes the XOR chunk in `bytes[start, end)`; returns the number of samples.
 *
 * @param timestamps  Out: Unix ms from `at` on; the caller made room for `chunkSampleCount` samples.
 * @param valueBits   Out: the value column's 32-bit view (`bitsOf`), little-endian halves, from 2 * `at` on.
 * @throws StorageError STORAGE_TRUNCATED or STORAGE_CORRUPT; what was written to the columns is undefined then.
 */
export function decodeXorChunk(
  bytes: Uint8Array,
  start: number,
  end: number,
  timestamps: Float64Array,
  valueBits: Uint32Array,
  at: number,
): number {
  const count = chunkSampleCount(bytes, start, end);
  if (count === 0) return 0;
  const reader = new BitReader(bytes, start + COUNT_BYTES, end);
  const value = new XorValue();
  let timestampMs = reader.varint();
  value.readFirst(reader);
  let deltaMs = 0;
  let target = at;
  for (let index = 0; ; ) {
    timestamps[target] = timestampMs;
    valueBits[2 * target] = value.low;
    valueBits[2 * target + 1] = value.high;
    target++;
    index++;
    if (index === count) return count;
    deltaMs = index === 1 ? reader.uvarint() : deltaMs + readDeltaOfDelta(reader);
    timestampMs += deltaMs;
    value.read(reader);
  }
}

function readDeltaOfDelta(reader: BitReader): number {
  if (reader.bit() === 0) return 0;
  if (reader.bit() === 0) return signed(reader.read(14), 14);
  if (reader.bit() === 0) return signed(reader.read(17), 17);
  if (reader.bit() === 0) return signed(reader.read(20), 20);
  return reader.int64();
}

/** Prometheus' ranges are lopsided: -(2^(n-1) - 1) to 2^(n-1), so the pattern 10…0 is positive. */
function fits(value: number, bits: number): boolean {
  const half = 2 ** (bits - 1);
  return value >= 1 - half && value <= half;
}

function signed(pattern: number, bits: number): number {
  return pattern > 2 ** (bits - 1) ? pattern - 2 ** bits : pattern;
}
