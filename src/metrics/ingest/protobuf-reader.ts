import { isUtf8 } from "node:buffer";

/** Bytes that are not the message they claim to be; texts as Go's generated readers have them. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

/** Wire types. Source: Protocol Buffers "Encoding". */
const Wire = { Varint: 0, Fixed64: 1, Bytes: 2, Fixed32: 5 } as const;

/** Source: Prometheus model/value/value.go, StaleNaN. */
const STALE_BITS = 0x7ff0000000000002n;

/**
 * Walks the fields of one message inside a buffer, never past its end. `next` moves to a field and sets `field` and
 * `wire`; then exactly one of the readers, or `skip`, takes its value.
 */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;
  readonly #end: number;
  field = 0;
  wire = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
  }

  /** False at the end of the message. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const key = this.#varint();
    this.field = Math.floor(key / 8);
    this.wire = key % 8;
    if (this.field < 1 || this.field > 0x1fffffff) throw new ProtobufError(`proto: illegal tag ${this.field}`);
    return true;
  }

  /** An unsigned varint; above 2^53 the low bits are lost, which no field that is read here uses. */
  uint(): number {
    this.#expect(Wire.Varint);
    return this.#varint();
  }

  /** An int64 in two's complement, as timestamps are. Exact within 2^53. */
  int64(): number {
    this.#expect(Wire.Varint);
    return Number(BigInt.asIntN(64, this.#bigVarint()));
  }

  /** A zigzag varint (sint32, sint64). */
  zigzag(): number {
    this.#expect(Wire.Varint);
    const value = this.#bigVarint();
    return Number(BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n)));
  }

  double(): number {
    this.#expect(Wire.Fixed64);
    return this.#view.getFloat64(this.#take(8), true);
  }

  /** Whether the double read last is Prometheus' staleness marker, which only its bits tell from other NaNs. */
  wasStaleMarker(): boolean {
    return this.#view.getBigUint64(this.#at - 8, true) === STALE_BITS;
  }

  /** Appends the values of a repeated field, packed or single. */
  repeated(kind: "double" | "zigzag", out: number[]): void {
    if (this.wire !== Wire.Bytes) {
      out.push(kind === "double" ? this.double() : this.zigzag());
      return;
    }
    const packed = this.message();
    packed.wire = kind === "double" ? Wire.Fixed64 : Wire.Varint;
    while (packed.#at < packed.#end) out.push(kind === "double" ? packed.double() : packed.zigzag());
  }

  /** @throws ProtobufError where the bytes are no UTF-8: what is not text cannot be stored exactly. */
  string(): string {
    const { start, end } = this.span();
    if (!isUtf8(this.#bytes.subarray(start, end))) throw new ProtobufError("string field contains invalid UTF-8");
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start).toString("utf8");
  }

  /** Where the bytes of the field lie in the buffer. */
  span(): { start: number; end: number } {
    this.#expect(Wire.Bytes);
    const size = this.#varint();
    const start = this.#take(size);
    return { start, end: start + size };
  }

  /** A reader of the message in this field. */
  message(): ProtobufReader {
    const { start, end } = this.span();
    return new ProtobufReader(this.#bytes, start, end);
  }

  skip(): void {
    if (this.wire === Wire.Varint) this.#varint();
    else if (this.wire === Wire.Fixed64) this.#take(8);
    else if (this.wire === Wire.Fixed32) this.#take(4);
    else if (this.wire === Wire.Bytes) this.span();
    else throw new ProtobufError(`proto: illegal wireType ${this.wire}`);
  }

  #expect(wire: number): void {
    if (this.wire !== wire) throw new ProtobufError(`proto: wrong wireType = ${this.wire} for field ${this.field}`);
  }

  #take(size: number): number {
    const start = this.#at;
    if (size > this.#end - start) throw new ProtobufError("unexpected EOF");
    this.#at = start + size;
    return start;
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.#at >= this.#end) throw new ProtobufError("unexpected EOF");
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new ProtobufError("proto: integer overflow");
  }

  #bigVarint(): bigint {
    const start = this.#at;
    const small = this.#varint();
    if (small <= Number.MAX_SAFE_INTEGER) return BigInt(small);
    let value = 0n;
    for (let at = start, shift = 0n; at < this.#at; at++, shift += 7n) {
      value |= BigInt(this.#bytes[at]! & 0x7f) << shift;
    }
    return value;
  }
}
