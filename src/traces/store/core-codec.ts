import { StorageError } from "../../storage/storage-error.ts";
import { ByteReader, ByteWriter } from "../../storage/varint.ts";
import { breakCycles, type SpanBlock } from "./span-block.ts";
import { FrozenStrings, type StringTable } from "./string-table.ts";

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
const TWO_32 = 4_294_967_296;
/** Events or links of one block that a reader believes in; a head's size allows a writer half of it. */
const CHILDREN_MAX = 4_194_304;
/** How starts are stored: as differences, or (where one passes 2^53 ns) as they are. */
const Starts = { Deltas: 0, Plain: 1 } as const;
/** A row's parent: none, one outside of the block, or the row `code - Parent.First` of its trace. */
const Parent = { None: 0, Missing: 1, First: 2 } as const;

/** The columns that every query needs, decoded. */
export type CoreColumns = Pick<
  SpanBlock,
  | "rowCount"
  | "traceCount"
  | "traceStarts"
  | "traceIds"
  | "spanIds"
  | "parentIds"
  | "startHigh"
  | "startLow"
  | "durationNs"
  | "kinds"
  | "statuses"
  | "names"
  | "statusMessages"
  | "resources"
  | "scopes"
  | "parentRows"
  | "eventStarts"
  | "linkStarts"
> & { readonly strings: StringTable };

/** Translates ids of the source block into those of the block being written. */
export interface IdMaps {
  string(id: number): number;
  resource(id: number): number;
  scope(id: number): number;
}

/**
 * The core columns of traces `[traceStart, traceEnd)` of `block`, without the string table: that one is written by
 * `encodeStrings` when all columns have named their strings, and stands in front.
 */
export function encodeCore(block: SpanBlock, traceStart: number, traceEnd: number, ids: IdMaps): Uint8Array {
  const { traceStarts } = block;
  const start = traceStarts[traceStart]!;
  const end = traceStarts[traceEnd]!;
  const writer = new ByteWriter((end - start) * 40);
  writer.uvarint(traceEnd - traceStart);
  writer.bytes(block.traceIds.subarray(traceStart * TRACE_ID_BYTES, traceEnd * TRACE_ID_BYTES));
  for (let trace = traceStart; trace < traceEnd; trace++) writer.uvarint(traceStarts[trace + 1]! - traceStarts[trace]!);
  writer.bytes(block.spanIds.subarray(start * SPAN_ID_BYTES, end * SPAN_ID_BYTES));
  encodeParents(writer, block, traceStart, traceEnd);
  encodeStarts(writer, block, start, end);
  for (let row = start; row < end; row++) writer.uvarint(block.durationNs[row]!);
  for (let row = start; row < end; row++) writer.u8(block.kinds[row]! | (block.statuses[row]! << 4));
  for (let row = start; row < end; row++) writer.uvarint(ids.string(block.names[row]!));
  for (let row = start; row < end; row++) writer.uvarint(ids.string(block.statusMessages[row]!));
  for (let row = start; row < end; row++) writer.uvarint(ids.resource(block.resources[row]!));
  for (let row = start; row < end; row++) writer.uvarint(ids.scope(block.scopes[row]!));
  for (let row = start; row < end; row++) writer.uvarint(block.eventStarts[row + 1]! - block.eventStarts[row]!);
  for (let row = start; row < end; row++) writer.uvarint(block.linkStarts[row + 1]! - block.linkStarts[row]!);
  return writer.copy();
}

function encodeParents(writer: ByteWriter, block: SpanBlock, traceStart: number, traceEnd: number): void {
  const { parentRows, parentIds, traceStarts } = block;
  const missing: number[] = [];
  for (let trace = traceStart; trace < traceEnd; trace++) {
    const first = traceStarts[trace]!;
    for (let row = first; row < traceStarts[trace + 1]!; row++) {
      const id = parentIds.subarray(row * SPAN_ID_BYTES, (row + 1) * SPAN_ID_BYTES);
      if (parentRows[row] !== -1) writer.uvarint(parentRows[row]! - first + Parent.First);
      else if (id.every((byte) => byte === 0)) writer.uvarint(Parent.None);
      else {
        writer.uvarint(Parent.Missing);
        missing.push(row);
      }
    }
  }
  for (const row of missing) writer.bytes(parentIds.subarray(row * SPAN_ID_BYTES, (row + 1) * SPAN_ID_BYTES));
}

function encodeStarts(writer: ByteWriter, { startHigh, startLow }: SpanBlock, start: number, end: number): void {
  const deltas: number[] = [];
  for (let row = start + 1; row < end; row++) {
    deltas.push((startHigh[row]! - startHigh[row - 1]!) * TWO_32 + (startLow[row]! - startLow[row - 1]!));
  }
  if (deltas.some((delta) => Math.abs(delta) >= 2 ** 52)) {
    writer.u8(Starts.Plain);
    for (let row = start; row < end; row++) writer.u64Halves(startHigh[row]!, startLow[row]!);
    return;
  }
  writer.u8(Starts.Deltas);
  writer.u64Halves(startHigh[start]!, startLow[start]!);
  for (const delta of deltas) writer.varint(delta);
}

/** The string table: `texts[0]` is always empty and not written. */
export function encodeStrings(texts: readonly string[]): Uint8Array {
  const writer = new ByteWriter(texts.length * 16);
  writer.uvarint(texts.length);
  for (let id = 1; id < texts.length; id++) writer.uvarintText(texts[id]!);
  return writer.copy();
}

/** Reads string table and core columns. @throws StorageError where they contradict themselves. */
export function decodeCore(bytes: Uint8Array, rowCount: number): CoreColumns {
  // Every row has a span id, so a row count that the bytes cannot hold takes no memory.
  if (rowCount * SPAN_ID_BYTES > bytes.length) throw corrupt(`${rowCount} spans in ${bytes.length} bytes`);
  const reader = new ByteReader(bytes);
  const strings = readStrings(reader);
  const traceCount = reader.uvarint();
  if (traceCount > rowCount) throw corrupt(`${traceCount} traces for ${rowCount} spans`);
  const traceIds = reader.bytes(traceCount * TRACE_ID_BYTES);
  const traceStarts = readSums(reader, traceCount, rowCount);
  if (traceStarts[traceCount] !== rowCount)
    throw corrupt(`traces hold ${traceStarts[traceCount]} spans; want ${rowCount}`);
  const spanIds = reader.bytes(rowCount * SPAN_ID_BYTES);
  const { parentRows, parentIds } = readParents(reader, traceStarts, spanIds);
  const { startHigh, startLow } = readStarts(reader, rowCount);
  const durationNs = new Float64Array(rowCount);
  for (let row = 0; row < rowCount; row++) durationNs[row] = reader.uvarint();
  const packed = reader.bytes(rowCount);
  const kinds = packed.map((byte) => Math.min(byte & 15, 5));
  const statuses = packed.map((byte) => Math.min(byte >> 4, 2));
  const names = readIds(reader, rowCount, strings.count);
  const statusMessages = readIds(reader, rowCount, strings.count);
  const resources = readIds(reader, rowCount, rowCount);
  const scopes = readIds(reader, rowCount, rowCount);
  const eventStarts = readSums(reader, rowCount, CHILDREN_MAX);
  const linkStarts = readSums(reader, rowCount, CHILDREN_MAX);
  return {
    rowCount,
    traceCount,
    strings,
    traceStarts,
    traceIds,
    spanIds,
    parentIds,
    startHigh,
    startLow,
    durationNs,
    kinds,
    statuses,
    names,
    statusMessages,
    resources,
    scopes,
    parentRows,
    eventStarts,
    linkStarts,
  };
}

function readStrings(reader: ByteReader): StringTable {
  const count = reader.uvarint();
  if (count < 1 || count - 1 > reader.remaining) throw corrupt(`${count} strings in ${reader.remaining} bytes`);
  const texts = [""];
  while (texts.length < count) texts.push(reader.uvarintText());
  return new FrozenStrings(texts);
}

/** Running sums of `count` numbers, from 0. */
function readSums(reader: ByteReader, count: number, most: number): Uint32Array {
  const sums = new Uint32Array(count + 1);
  let sum = 0;
  for (let index = 0; index < count; index++) {
    sum += reader.uvarint();
    if (sum > most) throw corrupt(`counts add up to more than ${most}`);
    sums[index + 1] = sum;
  }
  return sums;
}

function readIds(reader: ByteReader, count: number, limit: number): Uint32Array {
  const ids = new Uint32Array(count);
  for (let index = 0; index < count; index++) {
    const id = reader.uvarint();
    if (id >= limit) throw corrupt(`id ${id} of ${limit}`);
    ids[index] = id;
  }
  return ids;
}

function readParents(reader: ByteReader, traceStarts: Uint32Array, spanIds: Uint8Array) {
  const rowCount = spanIds.length / SPAN_ID_BYTES;
  const parentRows = new Int32Array(rowCount).fill(-1);
  const parentIds = new Uint8Array(rowCount * SPAN_ID_BYTES);
  const missing: number[] = [];
  for (let trace = 0; trace + 1 < traceStarts.length; trace++) {
    const first = traceStarts[trace]!;
    const end = traceStarts[trace + 1]!;
    for (let row = first; row < end; row++) {
      const code = reader.uvarint();
      if (code === Parent.None) continue;
      if (code === Parent.Missing) {
        missing.push(row);
        continue;
      }
      const parent = first + code - Parent.First;
      if (parent >= end || parent === row) throw corrupt(`row ${row} cannot have the parent ${parent}`);
      parentRows[row] = parent;
      parentIds.set(spanIds.subarray(parent * SPAN_ID_BYTES, (parent + 1) * SPAN_ID_BYTES), row * SPAN_ID_BYTES);
    }
  }
  breakCycles(parentRows);
  for (const row of missing) parentIds.set(reader.bytes(SPAN_ID_BYTES), row * SPAN_ID_BYTES);
  return { parentRows, parentIds };
}

function readStarts(reader: ByteReader, rowCount: number) {
  const startHigh = new Uint32Array(rowCount);
  const startLow = new Uint32Array(rowCount);
  const form = reader.u8();
  if (form !== Starts.Deltas && form !== Starts.Plain) throw corrupt(`unknown form ${form} of starts`);
  for (let row = 0; row < rowCount; row++) {
    if (row === 0 || form === Starts.Plain) {
      startHigh[row] = reader.u32();
      startLow[row] = reader.u32();
      continue;
    }
    const delta = reader.varint();
    const carry = Math.floor(delta / TWO_32);
    const low = startLow[row - 1]! + (delta - carry * TWO_32);
    startHigh[row] = startHigh[row - 1]! + carry + (low >= TWO_32 ? 1 : 0);
    startLow[row] = low; // wraps at 2^32 as the carry was taken
  }
  return { startHigh, startLow };
}

function corrupt(message: string): StorageError {
  return new StorageError("STORAGE_CORRUPT", `span columns: ${message}`);
}
