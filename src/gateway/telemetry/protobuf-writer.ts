/** Protocol Buffers wire types used here. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;
const INITIAL_BYTES = 4_096;
/** Longest text of the fast path; its length fits into one byte. */
const SHORT_CHARS_MAX = 64;

/**
 * Writes Protocol Buffers messages into one buffer that grows and is used again.
 * Nested messages are written in place: `begin` leaves one byte for the length, `end` moves the content when the length
 * needs more.
 */
export class ProtobufWriter {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = 0;

  /** Forgets what was written; the buffer is used again. */
  reset(): void {
    this.#length = 0;
  }

  /** A copy of what was written since the last `reset`. */
  bytes(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }

  /** An unsigned varint below 2^53. */
  #varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  /** An int64 or enum; an integer within 2^53, also a negative one. */
  int(field: number, value: number): void {
    this.#tag(field, VARINT);
    if (value >= 0) {
      this.#varint(value);
      return;
    }
    // Negative ones are ten bytes: the two's complement of 64 bits.
    this.#reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
    this.#buffer[this.#length++] = Number(rest);
  }

  bool(field: number, value: boolean): void {
    this.int(field, value ? 1 : 0);
  }

  double(field: number, value: number): void {
    this.#tag(field, FIXED64);
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  fixed32(field: number, value: number): void {
    this.#tag(field, FIXED32);
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
  }

  /**
   * A fixed64 of Unix nanoseconds from Unix ms with fractions. In two halves of 32 bits: the product passes 2^53, and
   * BigInt costs ten times as much.
   */
  nanoseconds(field: number, unixMs: number): void {
    const wholeMs = Math.floor(unixMs);
    const restNs = Math.floor((unixMs - wholeMs) * 1e6);
    // wholeMs = high * 2^16 + low, so that neither product passes 2^53.
    const high = Math.floor(wholeMs / 0x1_0000) * 1e6;
    const low = (wholeMs % 0x1_0000) * 1e6 + restNs;
    const lowSum = (high % 0x1_0000) * 0x1_0000 + low;
    this.#tag(field, FIXED64);
    this.#reserve(8);
    this.#writeUint32(lowSum % 0x1_0000_0000);
    this.#writeUint32(Math.floor(high / 0x1_0000) + Math.floor(lowSum / 0x1_0000_0000));
  }

  #writeUint32(value: number): void {
    const buffer = this.#buffer;
    let at = this.#length;
    buffer[at++] = value;
    buffer[at++] = value >>> 8;
    buffer[at++] = value >>> 16;
    buffer[at++] = value >>> 24;
    this.#length = at;
  }

  /** UTF-8; a lone surrogate becomes U+FFFD, so that every text is valid. */
  string(field: number, text: string): void {
    this.#tag(field, LENGTH);
    if (text.length <= SHORT_CHARS_MAX && this.#shortAscii(text)) return;
    const size = Buffer.byteLength(text);
    this.#varint(size);
    this.#reserve(size);
    this.#length += this.#buffer.write(text, this.#length, size, "utf8");
  }

  /**
   * Fast path: most keys and values are short and ASCII, where a loop beats two calls into the runtime (measured: a third
   * of the time for a request's four spans). Writes nothing and returns false for other texts.
   */
  #shortAscii(text: string): boolean {
    this.#reserve(text.length + 1);
    const buffer = this.#buffer;
    const start = this.#length + 1;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) return false;
      buffer[start + index] = code;
    }
    buffer[this.#length] = text.length;
    this.#length = start + text.length;
    return true;
  }

  /**
   * A whole `KeyValue` of opentelemetry/proto/common/v1/common.proto with a text in it, in one go: the fast path of
   * attributes, where both texts are ASCII and all lengths fit into one byte. Writes nothing and returns false else.
   */
  textPair(field: number, key: string, value: string): boolean {
    const anyBytes = value.length + 2;
    const pairBytes = key.length + anyBytes + 4;
    if (pairBytes > 0x7f || field > 15) return false;
    this.#reserve(pairBytes + 2);
    const buffer = this.#buffer;
    let at = this.#startPair(field, key, pairBytes, anyBytes);
    if (at < 0) return false;
    buffer[at++] = 0x0a; // string_value = 1
    buffer[at++] = value.length;
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) return false;
      buffer[at++] = code;
    }
    this.#length = at;
    return true;
  }

  /** As `textPair`, with a whole number from 0 to 2^53 (int_value = 3). */
  intPair(field: number, key: string, value: number): boolean {
    const anyBytes = varintBytes(value) + 1;
    const pairBytes = key.length + anyBytes + 4;
    if (pairBytes > 0x7f || field > 15) return false;
    this.#reserve(pairBytes + 2);
    const at = this.#startPair(field, key, pairBytes, anyBytes);
    if (at < 0) return false;
    this.#buffer[at] = 0x18;
    this.#length = at + 1;
    this.#varint(value);
    return true;
  }

  /** Writes tags, lengths and key behind what is written, without counting them; the offset after them, or -1. */
  #startPair(field: number, key: string, pairBytes: number, anyBytes: number): number {
    const buffer = this.#buffer;
    let at = this.#length;
    buffer[at++] = field * 8 + LENGTH;
    buffer[at++] = pairBytes;
    buffer[at++] = 0x0a; // key = 1
    buffer[at++] = key.length;
    for (let index = 0; index < key.length; index++) {
      const code = key.charCodeAt(index);
      if (code >= 0x80) return -1;
      buffer[at++] = code;
    }
    buffer[at++] = 0x12; // value = 2
    buffer[at++] = anyBytes;
    return at;
  }

  /** Bytes given as hex digits of even number. */
  hex(field: number, digits: string): void {
    const size = digits.length / 2;
    this.#tag(field, LENGTH);
    this.#varint(size);
    this.#reserve(size);
    this.#length += this.#buffer.write(digits, this.#length, size, "hex");
  }

  /** Bytes that are a message already. */
  message(field: number, bytes: Buffer): void {
    this.#tag(field, LENGTH);
    this.#varint(bytes.length);
    this.raw(bytes);
  }

  /** Tag and length of a message whose `size` bytes are written elsewhere. */
  head(field: number, size: number): void {
    this.#tag(field, LENGTH);
    this.#varint(size);
  }

  /** Bytes as they are, such as fields that were encoded before. */
  raw(bytes: Buffer): void {
    this.#reserve(bytes.length);
    this.#length += bytes.copy(this.#buffer, this.#length);
  }

  /** Begins a nested message; pass the result to `end`. */
  begin(field: number): number {
    this.#tag(field, LENGTH);
    this.#reserve(1);
    return this.#length++;
  }

  end(mark: number): void {
    const size = this.#length - mark - 1;
    if (size < 0x80) {
      this.#buffer[mark] = size;
      return;
    }
    const extra = varintBytes(size) - 1;
    this.#reserve(extra);
    this.#buffer.copyWithin(mark + 1 + extra, mark + 1, this.#length);
    const end = this.#length + extra;
    this.#length = mark;
    this.#varint(size);
    this.#length = end;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}
