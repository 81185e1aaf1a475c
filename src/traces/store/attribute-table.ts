import { type AttributeCursor, ValueType } from "../ingest/otlp-reader.ts";
import { ATTRIBUTE_COLUMNS_MAX, INDEXED_VALUE_LENGTH_MAX } from "../limits.ts";
import type { ValueColumn } from "./span-block.ts";
import type { StringInterner } from "./string-table.ts";

const INITIAL_ENTRIES = 16;

/** Values of one attribute key, only where they exist: parallel arrays in order of arrival. */
class SparseColumn {
  rows = new Uint32Array(INITIAL_ENTRIES);
  types = new Uint8Array(INITIAL_ENTRIES);
  values = new Float64Array(INITIAL_ENTRIES);
  count = 0;

  push(row: number, type: number, value: number): void {
    if (this.count === this.rows.length) this.#grow();
    this.rows[this.count] = row;
    this.types[this.count] = type;
    this.values[this.count] = value;
    this.count++;
  }

  #grow(): void {
    this.rows = grown(this.rows, this.count * 2);
    this.types = grown(this.types, this.count * 2);
    this.values = grown(this.values, this.count * 2);
  }
}

type Growable = Uint32Array | Int32Array | Uint8Array | Uint16Array | Float64Array;

/** A copy of `array` with room for `length` elements. */
export function grown<A extends Growable>(array: A, length: number): A {
  const larger = new (array.constructor as new (length: number) => A)(length);
  larger.set(array as never);
  return larger;
}

/** All attributes of one scope in the head. */
export class AttributeTable {
  readonly #columns = new Map<string, SparseColumn>();
  readonly #strings: StringInterner;
  /** Attributes that got no column because the head has too many keys. */
  unindexed = 0;
  entries = 0;

  constructor(strings: StringInterner) {
    this.#strings = strings;
  }

  get keys(): Iterable<string> {
    return this.#columns.keys();
  }

  add(row: number, attribute: AttributeCursor): void {
    const { type } = attribute;
    if (type === ValueType.None) return;
    const isText = type === ValueType.String || type === ValueType.Array;
    const text = attribute.text.slice(0, INDEXED_VALUE_LENGTH_MAX);
    // A cut array is no JSON any more: it is kept as a value that exists but has no elements.
    const cutArray = type === ValueType.Array && text.length < attribute.text.length;
    this.put(
      row,
      attribute.key,
      cutArray ? ValueType.Other : type,
      isText ? this.#strings.intern(text) : attribute.number,
    );
  }

  addText(row: number, key: string, text: string): void {
    this.put(row, key, ValueType.String, this.#strings.intern(text.slice(0, INDEXED_VALUE_LENGTH_MAX)));
  }

  put(row: number, key: string, type: number, value: number): void {
    let column = this.#columns.get(key);
    if (column === undefined) {
      if (this.#columns.size >= ATTRIBUTE_COLUMNS_MAX) {
        this.unindexed++;
        return;
      }
      column = new SparseColumn();
      this.#columns.set(key, column);
    }
    // The same key twice on one span is against the specification; the first one counts, as in Tempo.
    if (column.count > 0 && column.rows[column.count - 1] === row) return;
    column.push(row, type, value);
    this.entries++;
  }

  /**
   * The column of `key` over `rowCount` rows; row r of the head goes to `positions[r]`, and rows outside of
   * `positions` (or moved past the end) are left out. Without `positions` rows stay where they are.
   * Undefined where no row has the attribute.
   */
  dense(key: string, rowCount: number, positions: Uint32Array | undefined): ValueColumn | undefined {
    const column = this.#columns.get(key);
    if (column === undefined) return undefined;
    const types = new Uint8Array(rowCount);
    const values = new Float64Array(rowCount);
    for (let index = 0; index < column.count; index++) {
      const row = column.rows[index]!;
      const target = positions === undefined ? row : row < positions.length ? positions[row]! : rowCount;
      if (target >= rowCount) continue;
      types[target] = column.types[index]!;
      values[target] = column.values[index]!;
    }
    return { types, values };
  }
}
