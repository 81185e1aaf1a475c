import { StorageError } from "../../storage/storage-error.ts";
import { ByteReader, ByteWriter } from "../../storage/varint.ts";
import type { BytesColumn, Rows } from "./rows.ts";

type TimeColumns = Pick<Rows, "timestampsMs" | "subMsNs" | "lineBytes">;

/** Section `times`: deltas of ms, then nanoseconds past the ms, then bytes per line; uvarints all. */
export function encodeTimes(rows: Rows, minMs: number): Uint8Array {
  const writer = new ByteWriter(rows.count * 6);
  let previous = minMs;
  for (const ms of rows.timestampsMs) {
    writer.uvarint(ms - previous);
    previous = ms;
  }
  for (const ns of rows.subMsNs) writer.uvarint(ns);
  for (const bytes of rows.lineBytes) writer.uvarint(bytes);
  return writer.view();
}

/** @throws StorageError where the bytes do not hold exactly `count` rows. */
export function decodeTimes(bytes: Uint8Array, count: number, minMs: number): TimeColumns {
  const reader = new ByteReader(bytes);
  const timestampsMs = new Float64Array(count);
  const subMsNs = new Uint32Array(count);
  const lineBytes = new Uint32Array(count);
  let ms = minMs;
  for (let index = 0; index < count; index++) timestampsMs[index] = ms += reader.uvarint();
  for (let index = 0; index < count; index++) subMsNs[index] = reader.uvarint();
  for (let index = 0; index < count; index++) lineBytes[index] = reader.uvarint();
  if (reader.remaining > 0)
    throw new StorageError("STORAGE_CORRUPT", `${reader.remaining} bytes after the time columns`);
  return { timestampsMs, subMsNs, lineBytes };
}

/** Ends of values from their lengths. */
export function endsOf(lengths: Uint32Array): Uint32Array {
  const ends = new Uint32Array(lengths.length);
  let end = 0;
  for (const [index, length] of lengths.entries()) ends[index] = end += length;
  return ends;
}

/** Section `metadata`: bytes per row as uvarints, then the rows' pairs as `encodeMetadata` writes them. */
export function encodeMetadataColumn(column: BytesColumn): Uint8Array {
  const writer = new ByteWriter(column.bytes.length + column.ends.length * 2);
  let start = 0;
  for (const end of column.ends) {
    writer.uvarint(end - start);
    start = end;
  }
  writer.bytes(column.bytes);
  return writer.view();
}

/** @throws StorageError where lengths and bytes do not agree. */
export function decodeMetadataColumn(bytes: Uint8Array, count: number): BytesColumn {
  const reader = new ByteReader(bytes);
  const lengths = new Uint32Array(count);
  for (let index = 0; index < count; index++) lengths[index] = reader.uvarint();
  const ends = endsOf(lengths);
  const rest = reader.bytes(reader.remaining);
  if (rest.length !== (ends.at(-1) ?? 0)) throw new StorageError("STORAGE_CORRUPT", "metadata lengths do not add up");
  return { ends, bytes: asBuffer(rest) };
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
