import { StorageError } from "./storage-error.ts";

/** Bytes that a writer starts with unless told otherwise. */
const INITIAL_BYTES = 256;
/** A 64-bit varint has at most ten groups of seven bits. */
const VARINT_BYTES_MAX = 10;
const TWO_32 = 4_294_967_296;

const textDecoder = new TextDecoder("utf-8");
const textEncoder = new TextEncoder();

/**
 * A growing byte buffer, big-endian unless the method's name says otherwise. Varints are those of Go's
 * encoding/binary: seven bits per byte, the lowest first; signed ones zigzag.
 */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(initialBytes = INITIAL_BYTES) {
    this.#bytes = new Uint8Array(initialBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written so far. Borrowed: valid until the next write. */
  view(start = 0, end = this.#length): Uint8Array {
    return this.#bytes.subarray(start, end);
  }

  /** A copy of what was written so far. */
  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Forgets the content, keeps the memory. */
  clear(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value);
    this.#length += 2;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
  }

  u32le(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** A 64-bit integer of at most 2^53 in magnitude. */
  i64(value: number): void {
    this.#reserve(8);
    const high = Math.floor(value / TWO_32);
    this.#view.setInt32(this.#length, high);
    this.#view.setUint32(this.#length + 4, value - high * TWO_32);
    this.#length += 8;
  }

  /** The two halves of a 64-bit pattern, for floats whose NaN payload must survive. */
  u64Halves(high: number, low: number): void {
    this.#reserve(8);
    this.#view.setUint32(this.#length, high);
    this.#view.setUint32(this.#length + 4, low);
    this.#length += 8;
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
  }

  /** An unsigned integer of at most 2^53. */
  uvarint(value: number): void {
    this.#reserve(VARINT_BYTES_MAX);
    let rest = value;
    // Shifts wrap at 32 bits, so the upper groups are taken by division.
    while (rest >= 0x80000000) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A signed integer, zigzag, below 2^52 in magnitude. */
  varint(value: number): void {
    this.uvarint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  bytes(source: Uint8Array): void {
    this.#reserve(source.length);
    this.#bytes.set(source, this.#length);
    this.#length += source.length;
  }

  /** The text's UTF-8 length as a uvarint, then its bytes. */
  uvarintText(text: string): void {
    // Three bytes per UTF-16 unit is the most that UTF-8 needs; five hold any 32-bit length.
    this.#reserve(5 + text.length * 3);
    if (text.length < 43) {
      // The length surely fits in one byte: encode in place.
      const { written } = textEncoder.encodeInto(text, this.#bytes.subarray(this.#length + 1));
      this.#bytes[this.#length] = written;
      this.#length += 1 + written;
      return;
    }
    const encoded = textEncoder.encode(text);
    this.uvarint(encoded.length);
    this.bytes(encoded);
  }

  /** Overwrites four bytes that were written before, as a length or checksum becomes known. */
  setU32(offset: number, value: number): void {
    this.#view.setUint32(offset, value);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/**
 * Reads what `ByteWriter` wrote. Every method throws StorageError STORAGE_TRUNCATED where the bytes end too early and
 * STORAGE_CORRUPT where a number does not fit, so that a caller needs no checks of its own.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly end: number;
  offset: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u32le(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** @throws StorageError STORAGE_CORRUPT past 2^53 in magnitude. */
  i64(): number {
    const at = this.#take(8);
    return safe(this.#view.getInt32(at) * TWO_32 + this.#view.getUint32(at + 4));
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  uvarint(): number {
    const { end } = this;
    let value = 0;
    let scale = 1;
    for (let count = 0; count < VARINT_BYTES_MAX; count++) {
      if (this.offset >= end) throw truncated(1, 0, this.offset);
      const byte = this.#bytes[this.offset++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return safe(value);
      scale *= 128;
    }
    throw new StorageError("STORAGE_CORRUPT", `varint is longer than ${VARINT_BYTES_MAX} bytes`);
  }

  varint(): number {
    const zigzag = this.uvarint();
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }

  /** The next `count` bytes. Borrowed from the source. */
  bytes(count: number): Uint8Array {
    const start = this.#take(count);
    return this.#bytes.subarray(start, start + count);
  }

  uvarintBytes(): Uint8Array {
    return this.bytes(this.uvarint());
  }

  uvarintText(): string {
    return textDecoder.decode(this.uvarintBytes());
  }

  skip(count: number): void {
    this.#take(count);
  }

  #take(count: number): number {
    const start = this.offset;
    if (count > this.end - start) throw truncated(count, this.end - start, start);
    this.offset = start + count;
    return start;
  }
}

function safe(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new StorageError("STORAGE_CORRUPT", "integer does not fit in 53 bits");
}

function truncated(wanted: number, remaining: number, offset: number): StorageError {
  return new StorageError("STORAGE_TRUNCATED", `wanted ${wanted} bytes at offset ${offset}; ${remaining} remain`);
}
