import { Labels } from "../../series/labels.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { ByteReader, ByteWriter } from "../../storage/varint.ts";
import type { Entry, StreamEntries } from "../entry.ts";

/** First byte of a record; another value is from a version that this one does not know. */
const ENTRIES_RECORD = 1;
/** Bounds for what damaged bytes may claim. */
const PAIRS_MAX = 4_096;

/** Line bytes that one record takes before the next is begun; a push of one huge batch becomes several records. */
const RECORD_LINE_BYTES = 1024 * 1024;
/** Bytes that a row takes in a record beside its line and metadata, about. */
const ROW_OVERHEAD_BYTES = 16;

/**
 * WAL records for one push. Every record carries its labels in full, so that each can be read when the ones before it
 * were damaged. Layout: docs/formats/logs-segment.md, "WAL records".
 */
export function encodeEntries(streams: readonly StreamEntries[]): Uint8Array[] {
  const records: Uint8Array[] = [];
  let part: StreamEntries[] = [];
  let bytes = 0;
  const close = (): void => {
    if (part.length > 0) records.push(encodeRecord(part, bytes));
    part = [];
    bytes = 0;
  };
  for (const { labels, entries } of streams) {
    let begin = 0;
    for (let index = 0; index < entries.length; index++) {
      bytes += entries[index]!.line.length + ROW_OVERHEAD_BYTES;
      if (bytes < RECORD_LINE_BYTES) continue;
      part.push({ labels, entries: entries.slice(begin, index + 1) });
      begin = index + 1;
      close();
    }
    if (begin < entries.length) part.push({ labels, entries: begin === 0 ? entries : entries.slice(begin) });
  }
  close();
  return records;
}

function encodeRecord(streams: readonly StreamEntries[], bytes: number): Uint8Array {
  const writer = new ByteWriter(bytes * 2 + streams.length * 256);
  writer.u8(ENTRIES_RECORD);
  writer.uvarint(streams.length);
  for (const { labels, entries } of streams) {
    writeTexts(writer, labels.pairs);
    writer.uvarint(entries.length);
    let previousMs = 0;
    for (const entry of entries) {
      writer.varint(entry.timestampMs - previousMs);
      previousMs = entry.timestampMs;
      writer.uvarint(entry.subMsNs);
      writer.uvarint(entry.line.length);
      writer.bytes(entry.line);
      writeTexts(writer, entry.metadata);
    }
  }
  return writer.view();
}

/** Reads a record back. Lines are copied out of it. @throws StorageError where the bytes are no such record. */
export function decodeEntries(record: Uint8Array): StreamEntries[] {
  const reader = new ByteReader(record);
  const type = reader.u8();
  if (type !== ENTRIES_RECORD) throw new StorageError("STORAGE_CORRUPT", `WAL record of unknown type ${type}`);
  const streams: StreamEntries[] = [];
  const count = reader.uvarint();
  for (let index = 0; index < count; index++) {
    const labels = Labels.fromSorted(readTexts(reader));
    streams.push({ labels, entries: readEntries(reader) });
  }
  return streams;
}

function readEntries(reader: ByteReader): Entry[] {
  const entries: Entry[] = [];
  const count = reader.uvarint();
  let timestampMs = 0;
  for (let index = 0; index < count; index++) {
    timestampMs += reader.varint();
    const subMsNs = reader.uvarint();
    const line = reader.uvarintBytes().slice();
    entries.push({ timestampMs, subMsNs, line, metadata: readTexts(reader) });
  }
  return entries;
}

function writeTexts(writer: ByteWriter, texts: readonly string[]): void {
  writer.uvarint(texts.length);
  for (const text of texts) writer.uvarintText(text);
}

function readTexts(reader: ByteReader): string[] {
  const count = reader.uvarint();
  if (count > PAIRS_MAX || count % 2 !== 0) throw new StorageError("STORAGE_CORRUPT", `${count} label texts`);
  return Array.from({ length: count }, () => reader.uvarintText());
}
