import { HttpError } from "../../runtime/http-error.ts";
import type { Labels } from "../../series/labels.ts";
import type { Entry, StreamEntries } from "../entry.ts";
import { LabelsSyntaxError, type StreamLabelsParser } from "./stream-labels.ts";

/** Streams of one push, at most: bounds what a few bytes can make us allocate. */
const STREAMS_MAX = 100_000;

/**
 * Reads a protobuf push, uncompressed. Messages (Loki pkg/push/push.proto):
 * PushRequest { repeated Stream streams = 1 }, Stream { string labels = 1; repeated Entry entries = 2 },
 * Entry { Timestamp timestamp = 1; string line = 2; repeated LabelPair structuredMetadata = 3 },
 * Timestamp { int64 seconds = 1; int32 nanos = 2 }, LabelPair { string name = 1; string value = 2 }.
 * Lines are borrowed from `body`.
 * @throws HttpError 400 for bytes that are no such message.
 */
export function readPushProto(body: Buffer, labelsParser: StreamLabelsParser): StreamEntries[] {
  const streams: StreamEntries[] = [];
  const reader = new Proto(body, 0, body.length);
  while (reader.next()) {
    if (reader.field !== 1) reader.skip();
    else {
      if (streams.length >= STREAMS_MAX) throw new HttpError(400, `push of more than ${STREAMS_MAX} streams`);
      streams.push(readStream(reader.message(), labelsParser));
    }
  }
  return streams;
}

function readStream(reader: Proto, labelsParser: StreamLabelsParser): StreamEntries {
  let text = "";
  const entries: Entry[] = [];
  while (reader.next()) {
    if (reader.field === 1) text = reader.text();
    else if (reader.field === 2) entries.push(readEntry(reader.message()));
    else reader.skip();
  }
  return { labels: parseLabels(text, labelsParser), entries };
}

function parseLabels(text: string, labelsParser: StreamLabelsParser): Labels {
  try {
    return labelsParser.parse(text);
  } catch (error) {
    if (!(error instanceof LabelsSyntaxError)) throw error;
    throw new HttpError(400, `Error parsing labels '${text.slice(0, 1_024)}' with error: ${error.message}`);
  }
}

const NO_LINE = new Uint8Array(0);

function readEntry(reader: Proto): Entry {
  let seconds = 0;
  let nanos = 0;
  let line: Uint8Array = NO_LINE;
  const metadata: string[] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      const time = reader.message();
      while (time.next()) {
        if (time.field === 1) seconds = time.int64();
        else if (time.field === 2) nanos = time.int64();
        else time.skip();
      }
    } else if (reader.field === 2) line = reader.bytes();
    else if (reader.field === 3) {
      const pair = reader.message();
      let name = "";
      let value = "";
      while (pair.next()) {
        if (pair.field === 1) name = pair.text();
        else if (pair.field === 2) value = pair.text();
        else pair.skip();
      }
      if (name !== "" && value !== "") metadata.push(name, value);
    } else reader.skip();
  }
  if (nanos < 0 || nanos > 999_999_999) throw new HttpError(400, `timestamp nanos of ${nanos}`);
  return {
    timestampMs: seconds * 1_000 + Math.floor(nanos / 1_000_000),
    subMsNs: nanos % 1_000_000,
    line,
    metadata,
  };
}

/** A cursor over one protobuf message. Every read checks the message's end. */
class Proto {
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

  message(): Proto {
    const start = this.#length();
    return new Proto(this.#buffer, start, this.#at);
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
