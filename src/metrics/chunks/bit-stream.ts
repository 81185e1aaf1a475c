import { StorageError } from "../../storage/storage-error.ts";

/** Bytes that one `write` may touch: 32 bits that begin inside a byte. */
const SPAN_BYTES = 5;

/** A growing stream of bits, the highest of each byte first, as Prometheus' chunk encodings write them. */
export class BitWriter {
  #bytes: Uint8Array;
  #bits: number;

  /** Continues a stream of `bits` in `bytes`, which is kept; bits past the end must be zero. */
  constructor(bytes: Uint8Array, bits: number) {
    this.#bytes = bytes;
    this.#bits = bits;
  }

  get bits(): number {
    return this.#bits;
  }

  /** Whole bytes so far, the last one filled up with zeros. Borrowed: valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, (this.#bits + 7) >>> 3);
  }

  /** The buffer itself, with room after the stream. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  bit(value: 0 | 1): void {
    this.write(value, 1);
  }

  /** Writes the lowest `count` bits of `value`, 1 <= count <= 32. */
  write(value: number, count: number): void {
    const at = this.#bits;
    const index = at >>> 3;
    const shift = at & 7;
    if (index + SPAN_BYTES > this.#bytes.length) this.#grow(index + SPAN_BYTES);
    const bytes = this.#bytes;
    // Left-aligned, the bits reach over at most five bytes; those behind the stream's end are zero before and after.
    const word = value << (32 - count);
    bytes[index]! |= word >>> (24 + shift);
    bytes[index + 1] = word >>> (16 + shift);
    bytes[index + 2] = word >>> (8 + shift);
    bytes[index + 3] = word >>> shift;
    bytes[index + 4] = shift === 0 ? 0 : word << (8 - shift);
    this.#bits = at + count;
  }

  /** Writes the lowest `count` bits of the 64-bit pattern high:low, 1 <= count <= 64. */
  write64(high: number, low: number, count: number): void {
    if (count > 32) {
      this.write(high, count - 32);
      this.write(low, 32);
    } else this.write(low, count);
  }

  /** A whole signed 64-bit integer of at most 2^53 in magnitude. */
  int64(value: number): void {
    const high = Math.floor(value / 4_294_967_296);
    this.write64(high, value - high * 4_294_967_296, 64);
  }

  /** Go's unsigned varint in whole bytes (not aligned). */
  uvarint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.write((rest % 128) | 0x80, 8);
      rest = Math.floor(rest / 128);
    }
    this.write(rest, 8);
  }

  /** Go's zigzag varint. */
  varint(value: number): void {
    this.uvarint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  #grow(bytes: number): void {
    const grown = new Uint8Array(Math.max(bytes, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/**
 * The 32 bits from bit `at` on. Past the array's end zeros are read, so the caller compares its position with the end
 * of the stream afterwards.
 */
export function peek32(bytes: Uint8Array, at: number): number {
  const index = at >>> 3;
  const shift = at & 7;
  const word = (bytes[index]! << 24) | (bytes[index + 1]! << 16) | (bytes[index + 2]! << 8) | bytes[index + 3]!;
  return shift === 0 ? word : (word << shift) | (bytes[index + 4]! >>> (8 - shift));
}

/** Reads what `BitWriter` wrote. Throws StorageError STORAGE_TRUNCATED past the end. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  /** Upper half of the last `read64`. */
  high = 0;

  /** Reads the bytes from `start` to `end`. */
  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start * 8;
    this.#end = end * 8;
  }

  /** The next bit's place, counted from the start of the array. */
  get position(): number {
    return this.#at;
  }

  bit(): number {
    const at = this.#at;
    if (at >= this.#end) throw truncated();
    this.#at = at + 1;
    return (this.#bytes[at >>> 3]! >>> (7 - (at & 7))) & 1;
  }

  /** The next `count` bits as an unsigned number, 1 <= count <= 32. */
  read(count: number): number {
    const at = this.#at;
    const next = at + count;
    if (next > this.#end) throw truncated();
    this.#at = next;
    return peek32(this.#bytes, at) >>> (32 - count);
  }

  /** The next `count` bits of at most 64: returns the lower half, leaves the upper one in `high`. */
  read64(count: number): number {
    if (count > 32) {
      this.high = this.read(count - 32);
      return this.read(32);
    }
    this.high = 0;
    return count === 0 ? 0 : this.read(count);
  }

  /** A signed 64-bit integer; exact up to 2^53. */
  int64(): number {
    const low = this.read64(64);
    return (this.high | 0) * 4_294_967_296 + low;
  }

  uvarint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      const byte = this.read(8);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new StorageError("STORAGE_CORRUPT", "varint in a chunk is longer than 10 bytes");
  }

  varint(): number {
    const zigzag = this.uvarint();
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }
}

function truncated(): StorageError {
  return new StorageError("STORAGE_TRUNCATED", "chunk ends inside a sample");
}
