import { StorageError } from "../../storage/storage-error.ts";
import { ByteReader, ByteWriter } from "../../storage/varint.ts";
import type { ColumnStats } from "./column-codec.ts";
import { readRef, type SectionRef, writeRef } from "./section.ts";
import { type AttributeScope, attributeScopes } from "./span-block.ts";

/** docs/formats/traces-segment.md describes all of this byte by byte. */
export const SEGMENT_MAGIC = Buffer.from("GZSPANS1", "latin1");
export const TRAILER_MAGIC = Buffer.from("GZSPEND1", "latin1");
const SEGMENT_VERSION = 1;
/** Directory offset (8), directory length (4), its CRC (4), magic (8). */
export const TRAILER_BYTES = 24;
/** Largest directory that a reader believes in. */
export const DIRECTORY_BYTES_MAX = 64 * 1024 * 1024; // 64 MiB

export interface ColumnEntry {
  readonly scope: AttributeScope;
  readonly key: string;
  readonly ref: SectionRef;
  readonly stats: ColumnStats;
}

export interface RawChunkEntry {
  /** First row of the chunk; it ends where the next one begins. */
  readonly rowStart: number;
  readonly ref: SectionRef;
}

/** What a segment's directory says of one block. */
export interface BlockEntry {
  readonly rowCount: number;
  /** Earliest start and latest end of its spans, Unix ms. */
  readonly startMs: number;
  readonly endMs: number;
  readonly durationMaxNs: number;
  /** Bit c is set where a span has the status code c. */
  readonly statuses: number;
  readonly core: SectionRef;
  readonly envelopes: SectionRef;
  readonly rawChunks: readonly RawChunkEntry[];
  readonly columns: readonly ColumnEntry[];
}

export interface SegmentDirectory {
  /** Segments of the write-ahead log before it are covered by this and earlier files. */
  readonly walEnd: number;
  /** When the file was written, by this machine's clock, Unix ms. */
  readonly createdAtMs: number;
  readonly spanCount: number;
  readonly traceCount: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly bloom: SectionRef;
  readonly traceIndex: SectionRef;
  readonly blocks: readonly BlockEntry[];
}

export function encodeDirectory(directory: SegmentDirectory): Uint8Array {
  const writer = new ByteWriter(8192);
  writer.uvarint(SEGMENT_VERSION);
  writer.uvarint(directory.walEnd);
  writer.f64(directory.createdAtMs);
  writer.uvarint(directory.spanCount);
  writer.uvarint(directory.traceCount);
  writer.f64(directory.startMs);
  writer.f64(directory.endMs);
  writeRef(writer, directory.bloom);
  writeRef(writer, directory.traceIndex);
  const keys = [...new Set(directory.blocks.flatMap(({ columns }) => columns.map(({ key }) => key)))];
  writer.uvarint(keys.length);
  for (const key of keys) writer.uvarintText(key);
  const keyIds = new Map(keys.map((key, id) => [key, id]));
  writer.uvarint(directory.blocks.length);
  for (const block of directory.blocks) writeBlock(writer, block, keyIds);
  return writer.copy();
}

function writeBlock(writer: ByteWriter, block: BlockEntry, keyIds: ReadonlyMap<string, number>): void {
  writer.uvarint(block.rowCount);
  writer.f64(block.startMs);
  writer.f64(block.endMs);
  writer.uvarint(block.durationMaxNs);
  writer.u8(block.statuses);
  writeRef(writer, block.core);
  writeRef(writer, block.envelopes);
  writer.uvarint(block.rawChunks.length);
  for (const { rowStart, ref } of block.rawChunks) {
    writer.uvarint(rowStart);
    writeRef(writer, ref);
  }
  writer.uvarint(block.columns.length);
  for (const { scope, key, ref, stats } of block.columns) {
    writer.u8(attributeScopes.indexOf(scope));
    writer.uvarint(keyIds.get(key)!);
    writeRef(writer, ref);
    writer.u8(stats.types);
    writer.f64(stats.min);
    writer.f64(stats.max);
    // 0: not listed; n + 1: n strings follow.
    writer.uvarint(stats.texts === undefined ? 0 : stats.texts.length + 1);
    for (const text of stats.texts ?? []) writer.uvarintText(text);
  }
}

/** @throws StorageError where the bytes are no directory of this version for a file of `fileBytes`. */
export function decodeDirectory(bytes: Uint8Array, fileBytes: number): SegmentDirectory {
  const reader = new ByteReader(bytes);
  const version = reader.uvarint();
  if (version !== SEGMENT_VERSION) {
    throw new StorageError("STORAGE_CORRUPT", `segment version ${version}; this program reads ${SEGMENT_VERSION}`);
  }
  const walEnd = reader.uvarint();
  const createdAtMs = reader.f64();
  const spanCount = reader.uvarint();
  const traceCount = reader.uvarint();
  const startMs = reader.f64();
  const endMs = reader.f64();
  const bloom = readRef(reader, fileBytes);
  const traceIndex = readRef(reader, fileBytes);
  const keys = readList(reader, () => reader.uvarintText());
  const blocks = readList(reader, () => readBlock(reader, keys, fileBytes));
  return { walEnd, createdAtMs, spanCount, traceCount, startMs, endMs, bloom, traceIndex, blocks };
}

function readBlock(reader: ByteReader, keys: readonly string[], fileBytes: number): BlockEntry {
  return {
    rowCount: reader.uvarint(),
    startMs: reader.f64(),
    endMs: reader.f64(),
    durationMaxNs: reader.uvarint(),
    statuses: reader.u8(),
    core: readRef(reader, fileBytes),
    envelopes: readRef(reader, fileBytes),
    rawChunks: readList(reader, () => ({ rowStart: reader.uvarint(), ref: readRef(reader, fileBytes) })),
    columns: readList(reader, () => readColumn(reader, keys, fileBytes)),
  };
}

function readColumn(reader: ByteReader, keys: readonly string[], fileBytes: number): ColumnEntry {
  const scope = attributeScopes[reader.u8()];
  const key = keys[reader.uvarint()];
  if (scope === undefined || key === undefined)
    throw new StorageError("STORAGE_CORRUPT", "column of an unknown scope or key");
  const ref = readRef(reader, fileBytes);
  const types = reader.u8();
  const min = reader.f64();
  const max = reader.f64();
  const listed = reader.uvarint();
  const texts =
    listed === 0 ? undefined : Array.from({ length: bounded(reader, listed - 1) }, () => reader.uvarintText());
  return { scope, key, ref, stats: { types, min, max, texts } };
}

function readList<T>(reader: ByteReader, readOne: () => T): T[] {
  return Array.from({ length: bounded(reader, reader.uvarint()) }, readOne);
}

/** A count that the remaining bytes can hold, at one byte each. */
function bounded(reader: ByteReader, count: number): number {
  if (count <= reader.remaining) return count;
  throw new StorageError("STORAGE_TRUNCATED", `${count} entries announced; ${reader.remaining} bytes remain`);
}
