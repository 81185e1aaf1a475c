import { ByteWriter } from "../../storage/varint.ts";
import type { Exemplar } from "./series-registry.ts";

/** In place of a value: the series ends here. */
export const STALE = Symbol("stale");

export interface WrittenSample {
  readonly value: number | typeof STALE;
  readonly atMs: number;
}

export interface WrittenSeries {
  /** Flat names and values, `__name__` included, in any order. */
  readonly labels: readonly string[];
  readonly samples: readonly WrittenSample[];
  readonly exemplar: Exemplar | undefined;
}

/** Label of exemplars; Tempo's trace_id_label_name. */
const EXEMPLAR_LABEL = "traceID";
/** Prometheus' staleness marker as the halves of a double. Source: Prometheus model/value/value.go. */
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 0x00000002;

/** A remote-write 1.0 WriteRequest, not yet compressed. Source: prometheus/prompb/remote.proto and types.proto. */
export function encodeWriteRequest(series: readonly WrittenSeries[]): Uint8Array {
  const writer = new ByteWriter(series.length * 128);
  const timeSeries = new ByteWriter(512);
  const part = new ByteWriter(128);
  for (const { labels, samples, exemplar } of series) {
    timeSeries.clear();
    for (const [name, value] of sortedPairs(labels)) {
      writeLabel(part, name, value);
      embed(timeSeries, 1, part);
    }
    for (const { value, atMs } of samples) {
      part.u8(0x09);
      if (value === STALE) {
        part.u32le(STALE_LOW);
        part.u32le(STALE_HIGH);
      } else writeDouble(part, value);
      part.u8(0x10);
      part.uvarint(atMs);
      embed(timeSeries, 2, part);
    }
    if (exemplar !== undefined) {
      const label = new ByteWriter(64);
      writeLabel(label, EXEMPLAR_LABEL, exemplar.traceId);
      embed(part, 1, label);
      part.u8(0x11);
      writeDouble(part, exemplar.value);
      part.u8(0x18);
      part.uvarint(exemplar.atMs);
      embed(timeSeries, 3, part);
    }
    embed(writer, 1, timeSeries);
  }
  return writer.copy();
}

/** Labels sorted by name, without empty values, which mean "no such label". */
function sortedPairs(flat: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < flat.length; index += 2) {
    if (flat[index + 1] !== "") pairs.push([flat[index]!, flat[index + 1]!]);
  }
  return pairs.sort(([left], [right]) => (left < right ? -1 : 1));
}

function writeLabel(writer: ByteWriter, name: string, value: string): void {
  writer.u8(0x0a);
  writer.uvarintText(name);
  writer.u8(0x12);
  writer.uvarintText(value);
}

/** Writes `part` as a length-delimited field and empties it. */
function embed(target: ByteWriter, field: number, part: ByteWriter): void {
  target.u8(field * 8 + 2);
  target.uvarint(part.length);
  target.bytes(part.view());
  part.clear();
}

const scratch = new DataView(new ArrayBuffer(8));

function writeDouble(writer: ByteWriter, value: number): void {
  scratch.setFloat64(0, value);
  writer.u32le(scratch.getUint32(4));
  writer.u32le(scratch.getUint32(0));
}
