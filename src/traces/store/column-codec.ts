import { StorageError } from "../../storage/storage-error.ts";
import { ByteReader, ByteWriter } from "../../storage/varint.ts";
import { ValueType } from "../ingest/otlp-reader.ts";
import type { ValueColumn } from "./span-block.ts";

/** On disk only: an integer too large for a varint, stored as a double (it was inexact already). */
const WIDE_INT = 7;
/** Largest magnitude that ByteWriter.varint takes. */
const VARINT_MAX = 2 ** 52;
/** Most distinct strings of a column that the directory lists, and their longest. */
const LISTED_VALUES_MAX = 16;
const LISTED_VALUE_LENGTH_MAX = 64;

/** What the directory says of a column, so that a query may skip its block unread. */
export interface ColumnStats {
  /** Bit t is set where a value of ValueType t occurs. */
  readonly types: number;
  /** Of the numbers; Infinity and -Infinity where there is none. */
  readonly min: number;
  readonly max: number;
  /** All strings, where they are few and short; undefined otherwise. */
  readonly texts: readonly string[] | undefined;
}

/** Bytes and statistics of a column, its string ids translated by `stringId`; undefined where no row has a value. */
export function encodeColumn(
  column: ValueColumn,
  start: number,
  end: number,
  stringId: (id: number) => number,
  text: (id: number) => string,
): { bytes: Uint8Array; stats: ColumnStats } | undefined {
  const { types, values } = column;
  const rows: number[] = [];
  for (let row = start; row < end; row++) if (types[row] !== ValueType.None) rows.push(row);
  if (rows.length === 0) return undefined;
  const writer = new ByteWriter(rows.length * 4 + 16);
  writer.uvarint(rows.length);
  let previous = start - 1;
  for (const row of rows) {
    writer.uvarint(row - previous - 1);
    previous = row;
  }
  let mask = 0;
  for (const row of rows) {
    writer.u8(isWide(types[row]!, values[row]!) ? WIDE_INT : types[row]!);
    mask |= 1 << types[row]!;
  }
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  const texts = new Set<string>();
  for (const row of rows) {
    const type = types[row]!;
    const value = values[row]!;
    if (type === ValueType.String || type === ValueType.Array) {
      writer.uvarint(stringId(value));
      if (type === ValueType.String && texts.size <= LISTED_VALUES_MAX) texts.add(text(value));
    } else if (type === ValueType.Float || isWide(type, value)) writer.f64(value);
    else if (type === ValueType.Int) writer.varint(value);
    else if (type === ValueType.Bool) writer.u8(value);
    if (type === ValueType.Int || type === ValueType.Float) {
      if (value < min) min = value;
      if (value > max) max = value;
    }
  }
  const listed =
    texts.size <= LISTED_VALUES_MAX && [...texts].every((value) => value.length <= LISTED_VALUE_LENGTH_MAX);
  return { bytes: writer.copy(), stats: { types: mask, min, max, texts: listed ? [...texts] : undefined } };
}

function isWide(type: number, value: number): boolean {
  return type === ValueType.Int && (Math.abs(value) >= VARINT_MAX || Object.is(value, -0));
}

/** The column over `rowCount` rows. @throws StorageError where a row or string id is out of range. */
export function decodeColumn(bytes: Uint8Array, rowCount: number, stringCount: number): ValueColumn {
  const reader = new ByteReader(bytes);
  const types = new Uint8Array(rowCount);
  const values = new Float64Array(rowCount);
  const count = reader.uvarint();
  if (count > rowCount) throw corrupt(`${count} values for ${rowCount} rows`);
  const rows = new Uint32Array(count);
  let row = -1;
  for (let index = 0; index < count; index++) {
    row += reader.uvarint() + 1;
    if (row >= rowCount) throw corrupt(`row ${row} of ${rowCount}`);
    rows[index] = row;
  }
  const codes = reader.bytes(count);
  for (let index = 0; index < count; index++) {
    const code = codes[index]!;
    const target = rows[index]!;
    types[target] = code === WIDE_INT ? ValueType.Int : code;
    values[target] = readValue(reader, code, stringCount);
  }
  return { types, values };
}

function readValue(reader: ByteReader, code: number, stringCount: number): number {
  switch (code) {
    case ValueType.String:
    case ValueType.Array: {
      const id = reader.uvarint();
      if (id >= stringCount) throw corrupt(`string ${id} of ${stringCount}`);
      return id;
    }
    case ValueType.Int:
      return reader.varint();
    case ValueType.Float:
    case WIDE_INT:
      return reader.f64();
    case ValueType.Bool:
      return reader.u8();
    case ValueType.Other:
      return 0;
    default:
      throw corrupt(`unknown value type ${code}`);
  }
}

function corrupt(message: string): StorageError {
  return new StorageError("STORAGE_CORRUPT", `attribute column: ${message}`);
}
