import type { StringTable } from "./string-table.ts";

/** What an attribute belongs to. Spans have many events and links; resources and scopes are shared by many spans. */
export const attributeScopes = ["span", "resource", "event", "link", "instrumentation"] as const;
export type AttributeScope = (typeof attributeScopes)[number];

/**
 * Columns of intrinsics that events, links and scopes have, kept among their attributes under keys that no OTLP
 * attribute of a well-meaning client has.
 */
export const IntrinsicKey = {
  EventName: "\0name",
  /** Nanoseconds since the start of the span. */
  EventTime: "\0timeSinceStart",
  /** 32 hex digits. */
  LinkTraceId: "\0traceID",
  /** 16 hex digits. */
  LinkSpanId: "\0spanID",
  ScopeName: "\0name",
  ScopeVersion: "\0version",
} as const;

/** One attribute key over all rows of its scope: `types[row]` is a ValueType, `values[row]` a number or a string id. */
export interface ValueColumn {
  readonly types: Uint8Array;
  readonly values: Float64Array;
}

/** An attribute column that a query reads. */
export interface ColumnRequest {
  readonly scope: AttributeScope;
  readonly key: string;
}

/**
 * Spans as columns, rows grouped by trace, traces in order of their start, a trace's rows in order of theirs. The
 * same shape for the head and for a block of a segment, so that a query has one executor.
 * Arrays are borrowed and read only.
 */
export interface SpanBlock {
  readonly rowCount: number;
  readonly traceCount: number;
  readonly strings: StringTable;
  /** Shape [traceCount + 1]: rows of trace t are `[traceStarts[t], traceStarts[t + 1])`. */
  readonly traceStarts: Uint32Array;
  /** Shape [16 * traceCount]. */
  readonly traceIds: Uint8Array;
  /** Shape [8 * rowCount]; a parent id of zeros means none. */
  readonly spanIds: Uint8Array;
  readonly parentIds: Uint8Array;
  /** Unix time in ns as two unsigned halves, because a double holds no 64 bits. */
  readonly startHigh: Uint32Array;
  readonly startLow: Uint32Array;
  readonly durationNs: Float64Array;
  /** OTLP SpanKind 0 to 5, and StatusCode 0 unset, 1 ok, 2 error. */
  readonly kinds: Uint8Array;
  readonly statuses: Uint8Array;
  /** String ids. */
  readonly names: Uint32Array;
  readonly statusMessages: Uint32Array;
  /** Rows of the resource and scope tables. */
  readonly resources: Uint32Array;
  readonly scopes: Uint32Array;
  readonly resourceCount: number;
  readonly scopeCount: number;
  /** Row of the parent span in the same trace, or -1. */
  readonly parentRows: Int32Array;
  /** Shape [rowCount + 1]: events of row r are `[eventStarts[r], eventStarts[r + 1])`; the same for links. */
  readonly eventStarts: Uint32Array;
  readonly linkStarts: Uint32Array;
  attributeKeys(scope: AttributeScope): Iterable<string>;
  /** Makes the columns available to `column`. @throws StorageError for damaged bytes. */
  prepare(requests: readonly ColumnRequest[]): Promise<void>;
  /** A prepared column; undefined where no row has the attribute. */
  column(scope: AttributeScope, key: string): ValueColumn | undefined;
  /** The Span messages of rows `[start, end)`, as they arrived. @throws StorageError for damaged bytes. */
  rawSpans(start: number, end: number): Promise<Uint8Array[]>;
  /** A ResourceSpans message without its scopes, and a ScopeSpans message without its spans. */
  rawResource(resource: number): Uint8Array;
  rawScope(scope: number): Uint8Array;
}

/** Approximate Unix time of a row's start in ms (exact to 0.25 µs). */
export function startMs(block: SpanBlock, row: number): number {
  return (block.startHigh[row]! * 4_294_967_296 + block.startLow[row]!) / 1e6;
}

/** Exact Unix time of a row's start in ns. */
export function startNs(block: SpanBlock, row: number): bigint {
  return (BigInt(block.startHigh[row]!) << 32n) | BigInt(block.startLow[row]!);
}

/** Nanoseconds from the start of row `from` to the start of row `to`; exact below 104 days. */
export function startOffsetNs(block: SpanBlock, from: number, to: number): number {
  return (
    (block.startHigh[to]! - block.startHigh[from]!) * 4_294_967_296 + (block.startLow[to]! - block.startLow[from]!)
  );
}

/** Number of rows that a scope's columns have. */
export function scopeRowCount(block: SpanBlock, scope: AttributeScope): number {
  switch (scope) {
    case "span":
      return block.rowCount;
    case "resource":
      return block.resourceCount;
    case "instrumentation":
      return block.scopeCount;
    case "event":
      return block.eventStarts[block.rowCount]!;
    case "link":
      return block.linkStarts[block.rowCount]!;
  }
}

/**
 * Finds each row's parent within its trace by span id. Of several spans with the same id (a client and a server span
 * may share one) a span's parent is another row than itself.
 */
export function findParentRows(traceStarts: Uint32Array, spanIds: Uint8Array, parentIds: Uint8Array): Int32Array {
  const rowCount = spanIds.length / 8;
  const parents = new Int32Array(rowCount).fill(-1);
  const spans = new DataView(spanIds.buffer, spanIds.byteOffset, spanIds.byteLength);
  const wanted = new DataView(parentIds.buffer, parentIds.byteOffset, parentIds.byteLength);
  for (let trace = 0; trace + 1 < traceStarts.length; trace++) {
    const start = traceStarts[trace]!;
    const end = traceStarts[trace + 1]!;
    if (end - start === 1) continue;
    const byId = new Map<bigint, number>();
    for (let row = start; row < end; row++) {
      const id = spans.getBigUint64(row * 8);
      if (!byId.has(id)) byId.set(id, row);
    }
    for (let row = start; row < end; row++) {
      const id = wanted.getBigUint64(row * 8);
      if (id === 0n) continue;
      const parent = byId.get(id);
      if (parent !== undefined && parent !== row) parents[row] = parent;
    }
  }
  breakCycles(parents);
  return parents;
}

/** Spans that name each other as parents would make every walk to the root endless: one of them becomes a root. */
export function breakCycles(parents: Int32Array): void {
  const walks = new Int32Array(parents.length); // 0: not seen; else the number of the walk that saw the row
  for (let first = 0; first < parents.length; first++) {
    let row = first;
    while (row !== -1 && walks[row] === 0) {
      walks[row] = first + 1;
      const parent = parents[row]!;
      if (parent !== -1 && walks[parent] === first + 1) parents[row] = -1;
      row = parents[row]!;
    }
  }
}
