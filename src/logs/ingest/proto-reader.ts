import { HttpError } from "../../runtime/http-error.ts";

/** A cursor over one protobuf message. Every read checks the message's end and throws HttpError 400 past it. */
export class ProtoReader {
  readonly #buffer: Buffer;
  readonly #end: number;
  #at: number;
  #wireType = 0;
  field = 0;

  constructor(buffer: Buffer, start: number, end: number) {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
  }

  /** To the next field; false at the message's end. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    this.#wireType = tag % 8;
    if (this.field === 0) throw malformed("field number 0");
    return true;
  }

  message(): ProtoReader {
    const start = this.#length();
    return new ProtoReader(this.#buffer, start, this.#at);
  }

  bytes(): Uint8Array {
    const start = this.#length();
    return this.#buffer.subarray(start, this.#at);
  }

  text(): string {
    const start = this.#length();
    return this.#buffer.toString("utf8", start, this.#at);
  }

  /** A signed 64-bit integer of at most 2^53 in magnitude. */
  int64(): number {
    if (this.#wireType !== 0) throw malformed(`wire type ${this.#wireType} for an integer`);
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        const signed = Number(BigInt.asIntN(64, value));
        if (!Number.isSafeInteger(signed)) throw malformed("integer does not fit in 53 bits");
        return signed;
      }
    }
    throw malformed("varint is longer than 10 bytes");
  }

  /** 64 fixed bits as an unsigned number. */
  fixed64(): bigint {
    if (this.#wireType !== 1) throw malformed(`wire type ${this.#wireType} for 64 fixed bits`);
    const start = this.#at;
    this.#advance(8);
    return this.#buffer.readBigUInt64LE(start);
  }

  double(): number {
    if (this.#wireType !== 1) throw malformed(`wire type ${this.#wireType} for a double`);
    const start = this.#at;
    this.#advance(8);
    return this.#buffer.readDoubleLE(start);
  }

  skip(): void {
    if (this.#wireType === 0) this.#varint();
    else if (this.#wireType === 1) this.#advance(8);
    else if (this.#wireType === 2) this.#length();
    else if (this.#wireType === 5) this.#advance(4);
    else throw malformed(`wire type ${this.#wireType}`);
  }

  /** Past a length-delimited value; returns where it began. */
  #length(): number {
    if (this.#wireType !== 2) throw malformed(`wire type ${this.#wireType} where bytes are expected`);
    const length = this.#varint();
    const start = this.#at;
    this.#advance(length);
    return start;
  }

  #advance(count: number): void {
    if (count > this.#end - this.#at) throw malformed("unexpected end");
    this.#at += count;
  }

  #byte(): number {
    if (this.#at >= this.#end) throw malformed("unexpected end");
    return this.#buffer[this.#at++]!;
  }

  /** An unsigned varint; the top bits of a 64-bit one may be lost, which only a skipped field can notice. */
  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw malformed("varint is longer than 10 bytes");
  }
}

function malformed(reason: string): HttpError {
  return new HttpError(400, `malformed protobuf: ${reason}`);
}
