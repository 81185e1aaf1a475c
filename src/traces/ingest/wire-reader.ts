/** A varint of 64 bits has at most ten groups of seven bits. */
const VARINT_BYTES_MAX = 10;
const TWO_32 = 4_294_967_296;

/** Protocol Buffers wire types. Source: protobuf.dev/programming-guides/encoding. */
export const WireType = { Varint: 0, Fixed64: 1, Length: 2, Fixed32: 5 } as const;

/** Bytes that are no Protocol Buffers message of the expected shape. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/**
 * Walks one Protocol Buffers message inside a larger buffer without copying. `next()` moves to the next field; a
 * length-delimited field is then `[start, end)`, a number is in `low`/`high`. One reader serves many messages.
 */
export class WireReader {
  readonly bytes: Uint8Array;
  offset = 0;
  end = 0;
  /** Number of the field that `next()` found. */
  field = 0;
  wireType = 0;
  /** Range of a length-delimited field's content. */
  start = 0;
  stop = 0;
  /** The two 32-bit halves of a number, unsigned. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Begins to read the message at `[start, end)`. */
  enter(start: number, end: number): this {
    this.offset = start;
    this.end = end;
    return this;
  }

  /**
   * Reads the next field with its value; false at the end of the message.
   * @throws WireError where the bytes end inside a field, or a tag is impossible (groups included: OTLP has none).
   */
  next(): boolean {
    if (this.offset >= this.end) return false;
    this.#varint();
    if (this.high !== 0 || this.low < 8) throw new WireError(`illegal tag ${this.low} at offset ${this.offset}`);
    this.field = this.low >>> 3;
    this.wireType = this.low & 7;
    switch (this.wireType) {
      case WireType.Varint:
        this.#varint();
        return true;
      case WireType.Length: {
        this.#varint();
        const length = this.low;
        if (this.high !== 0 || length > this.end - this.offset) throw this.#truncated(length);
        this.start = this.offset;
        this.stop = this.offset += length;
        return true;
      }
      case WireType.Fixed64:
        this.#fixed(8);
        return true;
      case WireType.Fixed32:
        this.#fixed(4);
        return true;
      default:
        throw new WireError(`illegal wire type ${this.wireType} of field ${this.field}`);
    }
  }

  /** The number just read as a signed 64-bit integer; inexact past 2^53. */
  get signed(): number {
    return (this.high | 0) * TWO_32 + this.low;
  }

  /** The number just read as a double. */
  get double(): number {
    scratch.setUint32(0, this.high);
    scratch.setUint32(4, this.low);
    return scratch.getFloat64(0);
  }

  #varint(): void {
    const { bytes, end } = this;
    let offset = this.offset;
    // Fast path: one byte, as nearly all tags and most lengths are.
    if (offset < end && bytes[offset]! < 0x80) {
      this.low = bytes[offset]!;
      this.high = 0;
      this.offset = offset + 1;
      return;
    }
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < VARINT_BYTES_MAX * 7; shift += 7) {
      if (offset >= end) throw this.#truncated(1);
      const byte = bytes[offset++]!;
      const group = byte & 0x7f;
      if (shift < 28) low |= group << shift;
      else if (shift === 28) {
        low |= group << 28;
        high |= group >>> 4;
      } else high |= group << (shift - 32);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        this.offset = offset;
        return;
      }
    }
    throw new WireError(`varint longer than ${VARINT_BYTES_MAX} bytes at offset ${this.offset}`);
  }

  /** Little-endian, as Protocol Buffers write fixed numbers. */
  #fixed(width: 4 | 8): void {
    const { bytes, offset } = this;
    if (width > this.end - offset) throw this.#truncated(width);
    this.low = u32le(bytes, offset);
    this.high = width === 8 ? u32le(bytes, offset + 4) : 0;
    this.offset = offset + width;
  }

  #truncated(wanted: number): WireError {
    return new WireError(
      `unexpected end of message: ${wanted} bytes wanted at offset ${this.offset}, ${this.end - this.offset} left`,
    );
  }
}

const scratch = new DataView(new ArrayBuffer(8));

function u32le(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)) >>> 0;
}
