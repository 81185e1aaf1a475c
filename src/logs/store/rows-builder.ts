import { compareTimes, type Entry } from "../entry.ts";
import { BLOCK_BYTES_MAX, BLOCK_ROWS_MAX } from "../limits.ts";
import { METADATA_NAMES_MAX } from "./block-format.ts";
import { type BytesColumn, encodeMetadata, type Rows, startOf } from "./rows.ts";

const ROWS_INITIAL = 16;
const BYTES_INITIAL = 512;
/** Entries of one time that are compared for duplicates; more of them at one time are kept as they come. */
const DUPLICATES_COMPARED_MAX = 256;

/**
 * Collects the rows of one stream in the head. Columns grow by doubling; what `view` gave out stays valid, since
 * growing copies and appending writes only behind it.
 */
export class RowsBuilder {
  #count = 0;
  #timestampsMs = new Float64Array(ROWS_INITIAL);
  #subMsNs = new Uint32Array(ROWS_INITIAL);
  #lineBytes = new Uint32Array(ROWS_INITIAL);
  readonly #lines = new BytesBuilder();
  readonly #metadata = new BytesBuilder();
  #hasMetadata = false;
  readonly #metadataNames = new Set<string>();
  #sorted = true;
  #view: Rows | undefined;
  minMs = Number.POSITIVE_INFINITY;
  maxMs = Number.NEGATIVE_INFINITY;

  get count(): number {
    return this.#count;
  }

  /** Line and metadata bytes held. */
  get bytes(): number {
    return this.#lines.length + this.#metadata.length;
  }

  /** Whether the next entry should go to another builder. */
  get full(): boolean {
    return this.bytes >= BLOCK_BYTES_MAX || this.#count >= BLOCK_ROWS_MAX;
  }

  /** Appends an entry; false where the stream has the same line at the same time already, as Loki does. */
  append(entry: Entry): boolean {
    const { timestampMs, subMsNs } = entry;
    if (this.#count > 0) {
      const last = this.#count - 1;
      const order = compareTimes(timestampMs, subMsNs, this.#timestampsMs[last]!, this.#subMsNs[last]!);
      if (order < 0) this.#sorted = false;
      else if (order === 0 && this.#holdsAtEnd(entry)) return false;
    }
    if (this.#count === this.#timestampsMs.length) this.#grow();
    this.#timestampsMs[this.#count] = timestampMs;
    this.#subMsNs[this.#count] = subMsNs;
    this.#lineBytes[this.#count] = entry.line.length;
    this.#lines.append(entry.line);
    if (entry.metadata.length > 0) {
      this.#hasMetadata = true;
      this.#noteNames(entry.metadata);
      this.#metadata.append(encodeMetadata(entry.metadata));
    } else this.#metadata.append(NOTHING);
    this.#count++;
    this.minMs = Math.min(this.minMs, timestampMs);
    this.maxMs = Math.max(this.maxMs, timestampMs);
    this.#view = undefined;
    return true;
  }

  /** Names of structured metadata in the rows, sorted; undefined when there are too many to list. */
  get metadataNames(): readonly string[] | undefined {
    return this.#metadataNames.size > METADATA_NAMES_MAX ? undefined : [...this.#metadataNames].sort();
  }

  #noteNames(metadata: readonly string[]): void {
    if (this.#metadataNames.size > METADATA_NAMES_MAX) return;
    for (let index = 0; index < metadata.length; index += 2) this.#metadataNames.add(metadata[index]!);
  }

  /** The rows so far, sorted by time (entries of one time in order of arrival), without duplicates. */
  view(): Rows {
    this.#view ??= this.#sorted ? this.#inOrder() : this.#reordered();
    return this.#view;
  }

  #inOrder(): Rows {
    const count = this.#count;
    return {
      count,
      timestampsMs: this.#timestampsMs.subarray(0, count),
      subMsNs: this.#subMsNs.subarray(0, count),
      lineBytes: this.#lineBytes.subarray(0, count),
      lines: this.#lines.view(),
      metadata: this.#hasMetadata ? this.#metadata.view() : undefined,
    };
  }

  #reordered(): Rows {
    const rows = this.#inOrder();
    const order = Array.from({ length: rows.count }, (_, index) => index).sort((left, right) => {
      const byTime = compareTimes(
        rows.timestampsMs[left]!,
        rows.subMsNs[left]!,
        rows.timestampsMs[right]!,
        rows.subMsNs[right]!,
      );
      return byTime === 0 ? left - right : byTime;
    });
    const kept = order.filter((row, index) => !isRepeated(rows, order, index, row));
    return pick(rows, kept);
  }

  /** Whether one of the last rows, all of the entry's time, has the entry's line. */
  #holdsAtEnd(entry: Entry): boolean {
    const lines = this.#lines.view();
    const stop = Math.max(0, this.#count - DUPLICATES_COMPARED_MAX);
    for (let row = this.#count - 1; row >= stop; row--) {
      if (this.#timestampsMs[row] !== entry.timestampMs || this.#subMsNs[row] !== entry.subMsNs) return false;
      if (this.#lineBytes[row] !== entry.line.length) continue;
      if (lines.bytes.subarray(startOf(lines, row), lines.ends[row]).equals(entry.line)) return true;
    }
    return false;
  }

  #grow(): void {
    const size = this.#count * 2;
    const timestampsMs = new Float64Array(size);
    timestampsMs.set(this.#timestampsMs);
    this.#timestampsMs = timestampsMs;
    this.#subMsNs = grown(this.#subMsNs, size);
    this.#lineBytes = grown(this.#lineBytes, size);
  }
}

const NOTHING = new Uint8Array(0);

class BytesBuilder {
  #bytes = Buffer.allocUnsafe(BYTES_INITIAL);
  #ends = new Uint32Array(ROWS_INITIAL);
  #count = 0;
  length = 0;

  append(value: Uint8Array): void {
    const end = this.length + value.length;
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    this.#bytes.set(value, this.length);
    if (this.#count === this.#ends.length) this.#ends = grown(this.#ends, this.#count * 2);
    this.#ends[this.#count++] = end;
    this.length = end;
  }

  view(): BytesColumn {
    return { ends: this.#ends.subarray(0, this.#count), bytes: this.#bytes.subarray(0, this.length) };
  }
}

function grown(column: Uint32Array<ArrayBuffer>, size: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(size);
  larger.set(column);
  return larger;
}

/** Whether an earlier row of the same time has the same line. */
function isRepeated(rows: Rows, order: readonly number[], index: number, row: number): boolean {
  const stop = Math.max(0, index - DUPLICATES_COMPARED_MAX);
  for (let before = index - 1; before >= stop; before--) {
    const other = order[before]!;
    if (rows.timestampsMs[other] !== rows.timestampsMs[row] || rows.subMsNs[other] !== rows.subMsNs[row]) return false;
    if (
      rows.lineBytes[other] === rows.lineBytes[row] &&
      valueAt(rows.lines!, other).equals(valueAt(rows.lines!, row))
    ) {
      return true;
    }
  }
  return false;
}

function valueAt(column: BytesColumn, index: number): Buffer {
  return column.bytes.subarray(startOf(column, index), column.ends[index]);
}

function pick(rows: Rows, order: readonly number[]): Rows {
  return {
    count: order.length,
    timestampsMs: Float64Array.from(order, (row) => rows.timestampsMs[row]!),
    subMsNs: Uint32Array.from(order, (row) => rows.subMsNs[row]!),
    lineBytes: Uint32Array.from(order, (row) => rows.lineBytes[row]!),
    lines: pickColumn(rows.lines!, order),
    metadata: rows.metadata === undefined ? undefined : pickColumn(rows.metadata, order),
  };
}

function pickColumn(column: BytesColumn, order: readonly number[]): BytesColumn {
  const values = order.map((row) => valueAt(column, row));
  let end = 0;
  const ends = Uint32Array.from(values, (value) => (end += value.length));
  return { ends, bytes: Buffer.concat(values) };
}
