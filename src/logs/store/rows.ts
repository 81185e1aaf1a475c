/** Values of varying length, one after the other; value i ends at `ends[i]` and begins where the one before ends. */
export interface BytesColumn {
  readonly ends: Uint32Array;
  readonly bytes: Buffer;
}

/** Rows of one stream as columns. Borrowed from a cache or the head: read only. */
export interface Rows {
  readonly count: number;
  /** Unix ms and the nanoseconds past them, sorted, shape [count]. */
  readonly timestampsMs: Float64Array;
  readonly subMsNs: Uint32Array;
  /** Bytes of each line, shape [count]; there even when the lines themselves were not read. */
  readonly lineBytes: Uint32Array;
  /** Undefined when a query did not ask for lines. */
  readonly lines: BytesColumn | undefined;
  /** Encoded by `encodeMetadata`; undefined when no row has any, or they were not asked for. */
  readonly metadata: BytesColumn | undefined;
}

/** Start of value `index`. */
export function startOf(column: BytesColumn, index: number): number {
  return index === 0 ? 0 : column.ends[index - 1]!;
}

/** Line `index` as text; bytes that are no UTF-8 become U+FFFD. */
export function lineText(lines: BytesColumn, index: number): string {
  return lines.bytes.toString("utf8", startOf(lines, index), lines.ends[index]);
}

const NO_METADATA: readonly string[] = [];

/** Flat pairs of row `index`. */
export function metadataOf(rows: Rows, index: number): readonly string[] {
  const { metadata } = rows;
  if (metadata === undefined) return NO_METADATA;
  const start = startOf(metadata, index);
  const end = metadata.ends[index]!;
  return start === end ? NO_METADATA : decodeMetadata(metadata.bytes, start, end);
}

/** Each text of flat pairs as a u16 length (little-endian) and UTF-8 bytes. */
export function encodeMetadata(pairs: readonly string[]): Uint8Array {
  const texts = pairs.map((text) => Buffer.from(text));
  const out = Buffer.allocUnsafe(texts.reduce((sum, text) => sum + 2 + text.length, 0));
  let offset = 0;
  for (const text of texts) {
    offset = out.writeUInt16LE(text.length, offset);
    offset += text.copy(out, offset);
  }
  return out;
}

function decodeMetadata(bytes: Buffer, start: number, end: number): string[] {
  const pairs: string[] = [];
  let offset = start;
  while (offset + 2 <= end) {
    const textEnd = offset + 2 + bytes.readUInt16LE(offset);
    pairs.push(bytes.toString("utf8", offset + 2, Math.min(textEnd, end)));
    offset = textEnd;
  }
  return pairs;
}

/** First row at or after a time; `count` when all are before it. */
export function lowerBound(rows: Rows, ms: number, ns: number): number {
  let low = 0;
  let high = rows.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const rowMs = rows.timestampsMs[middle]!;
    if (rowMs < ms || (rowMs === ms && rows.subMsNs[middle]! < ns)) low = middle + 1;
    else high = middle;
  }
  return low;
}
