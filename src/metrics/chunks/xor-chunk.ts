import { invariant } from "../../runtime/invariant.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { BitReader, BitWriter, peek32 } from "./bit-stream.ts";
import { XorValue } from "./xor-value.ts";

/** Bytes of a new chunk's buffer; most chunks of counters and gauges end below twice this. */
const INITIAL_BYTES = 128;
const COUNT_BYTES = 2;
const TWO_32 = 4_294_967_296;
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
    else if (difference >= -8_191 && difference <= 8_192) stream.write((0b10 << 14) | (difference & 0x3fff), 16);
    else if (difference >= -65_535 && difference <= 65_536) stream.write((0b110 << 17) | (difference & 0x1ffff), 20);
    else if (difference >= -524_287 && difference <= 524_288) stream.write((0b1110 << 20) | (difference & 0xfffff), 24);
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
  let timestampMs = reader.varint();
  let low = reader.read64(64) | 0;
  let high = reader.high | 0;
  let deltaMs = 0;
  let trailing = 0;
  let significant = 0;
  if (count > 1) deltaMs = reader.uvarint();
  timestamps[at] = timestampMs;
  valueBits[2 * at] = low;
  valueBits[2 * at + 1] = high;
  // From here on without the reader: a position, and 32 bits at a time. It is checked after each sample, as `peek32`
  // may look past the end but gives zeros there.
  let position = reader.position;
  const endPosition = end * 8;
  const last = at + count;
  for (let target = at + 1; target < last; target++) {
    if (target > at + 1) {
      const word = peek32(bytes, position);
      if (word >= 0) position += 1;
      else if (word >>> 30 === 0b10) {
        deltaMs += signed((word >>> 16) & 0x3fff, 14);
        position += 16;
      } else if (word >>> 29 === 0b110) {
        deltaMs += signed((word >>> 12) & 0x1ffff, 17);
        position += 20;
      } else if (word >>> 28 === 0b1110) {
        deltaMs += signed((word >>> 8) & 0xfffff, 20);
        position += 24;
      } else {
        deltaMs += peek32(bytes, position + 4) * TWO_32 + (peek32(bytes, position + 36) >>> 0);
        position += 68;
      }
    }
    timestampMs += deltaMs;
    const control = peek32(bytes, position);
    if (control >= 0) position += 1;
    else {
      if (control >>> 30 === 0b10) position += 2;
      else {
        significant = (control >>> 19) & 63 || 64;
        trailing = 64 - ((control >>> 25) & 31) - significant;
        if (trailing < 0) throw new StorageError("STORAGE_CORRUPT", "chunk value is wider than 64 bits");
        position += 13;
      }
      if (significant === 0) throw new StorageError("STORAGE_CORRUPT", "chunk value has no window");
      if (significant <= 32) {
        const bits = peek32(bytes, position) >>> (32 - significant);
        if (trailing >= 32) high ^= bits << (trailing - 32);
        else {
          low ^= bits << trailing;
          if (trailing > 0) high ^= bits >>> (32 - trailing);
        }
      } else {
        const bitsHigh = peek32(bytes, position) >>> (64 - significant);
        const bitsLow = peek32(bytes, position + significant - 32);
        low ^= bitsLow << trailing;
        high ^= trailing === 0 ? bitsHigh : (bitsHigh << trailing) | (bitsLow >>> (32 - trailing));
      }
      position += significant;
    }
    if (position > endPosition) throw new StorageError("STORAGE_TRUNCATED", "chunk ends inside a sample");
    timestamps[target] = timestampMs;
    valueBits[2 * target] = low;
    valueBits[2 * target + 1] = high;
  }
  return count;
}

/** Prometheus' ranges are lopsided: -(2^(n-1) - 1) to 2^(n-1), so the pattern 10…0 is positive. */
function signed(pattern: number, bits: number): number {
  return pattern > 1 << (bits - 1) ? pattern - (1 << bits) : pattern;
}
