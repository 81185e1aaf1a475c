import { StorageError } from "../../storage/storage-error.ts";
import { ByteReader } from "../../storage/varint.ts";
import { decodeColumn } from "./column-codec.ts";
import { type CoreColumns, decodeCore } from "./core-codec.ts";
import { readSections } from "./segment-file.ts";
import type { BlockEntry, ColumnEntry } from "./segment-format.ts";
import {
  type AttributeScope,
  type ColumnRequest,
  type SpanBlock,
  scopeRowCount,
  type ValueColumn,
} from "./span-block.ts";
import type { StringTable } from "./string-table.ts";

/** About what a decoded row of the core columns, and a value of an attribute column, take in memory. */
const CORE_ROW_BYTES = 72;
const VALUE_BYTES = 9;

/** A block of a segment: core columns in memory, attribute columns read when a query wants them. */
export class SegmentBlock implements SpanBlock {
  readonly #path: string;
  readonly #entry: BlockEntry;
  readonly #core: CoreColumns;
  readonly #resources: readonly Uint8Array[];
  readonly #scopes: readonly Uint8Array[];
  readonly #entries = new Map<string, ColumnEntry>();
  readonly #columns = new Map<string, ValueColumn>();
  /** About how much memory the block takes; grows with prepared columns. */
  bytes: number;

  private constructor(path: string, entry: BlockEntry, core: CoreColumns, envelopes: Uint8Array, coreBytes: number) {
    this.#path = path;
    this.#entry = entry;
    this.#core = core;
    const reader = new ByteReader(envelopes);
    this.#resources = readEnvelopes(reader);
    this.#scopes = readEnvelopes(reader);
    checkBelow(core.resources, this.#resources.length, "resource");
    checkBelow(core.scopes, this.#scopes.length, "scope");
    for (const column of entry.columns) this.#entries.set(columnId(column.scope, column.key), column);
    this.bytes = coreBytes * 2 + entry.rowCount * CORE_ROW_BYTES + envelopes.length;
  }

  /** @throws StorageError for damaged bytes. */
  static async load(path: string, entry: BlockEntry): Promise<SegmentBlock> {
    const [core, envelopes] = await readSections(path, [entry.core, entry.envelopes]);
    return new SegmentBlock(path, entry, decodeCore(core!, entry.rowCount), envelopes!, core!.length);
  }

  get rowCount(): number {
    return this.#core.rowCount;
  }
  get traceCount(): number {
    return this.#core.traceCount;
  }
  get strings(): StringTable {
    return this.#core.strings;
  }
  get traceStarts(): Uint32Array {
    return this.#core.traceStarts;
  }
  get traceIds(): Uint8Array {
    return this.#core.traceIds;
  }
  get spanIds(): Uint8Array {
    return this.#core.spanIds;
  }
  get parentIds(): Uint8Array {
    return this.#core.parentIds;
  }
  get startHigh(): Uint32Array {
    return this.#core.startHigh;
  }
  get startLow(): Uint32Array {
    return this.#core.startLow;
  }
  get durationNs(): Float64Array {
    return this.#core.durationNs;
  }
  get kinds(): Uint8Array {
    return this.#core.kinds;
  }
  get statuses(): Uint8Array {
    return this.#core.statuses;
  }
  get names(): Uint32Array {
    return this.#core.names;
  }
  get statusMessages(): Uint32Array {
    return this.#core.statusMessages;
  }
  get resources(): Uint32Array {
    return this.#core.resources;
  }
  get scopes(): Uint32Array {
    return this.#core.scopes;
  }
  get parentRows(): Int32Array {
    return this.#core.parentRows;
  }
  get eventStarts(): Uint32Array {
    return this.#core.eventStarts;
  }
  get linkStarts(): Uint32Array {
    return this.#core.linkStarts;
  }
  get resourceCount(): number {
    return this.#resources.length;
  }
  get scopeCount(): number {
    return this.#scopes.length;
  }

  *attributeKeys(scope: AttributeScope): Iterable<string> {
    for (const column of this.#entry.columns) if (column.scope === scope) yield column.key;
  }

  async prepare(requests: readonly ColumnRequest[]): Promise<void> {
    const missing: ColumnEntry[] = [];
    for (const { scope, key } of requests) {
      const id = columnId(scope, key);
      const entry = this.#entries.get(id);
      if (entry !== undefined && !this.#columns.has(id) && !missing.includes(entry)) missing.push(entry);
    }
    if (missing.length === 0) return;
    const sections = await readSections(
      this.#path,
      missing.map(({ ref }) => ref),
    );
    for (const [index, { scope, key }] of missing.entries()) {
      const rowCount = scopeRowCount(this, scope);
      this.#columns.set(columnId(scope, key), decodeColumn(sections[index]!, rowCount, this.strings.count));
      this.bytes += rowCount * VALUE_BYTES;
    }
  }

  column(scope: AttributeScope, key: string): ValueColumn | undefined {
    return this.#columns.get(columnId(scope, key));
  }

  async rawSpans(start: number, end: number): Promise<Uint8Array[]> {
    const { rawChunks, rowCount } = this.#entry;
    const spans: Uint8Array[] = [];
    for (const [index, { rowStart, ref }] of rawChunks.entries()) {
      const rowEnd = rawChunks[index + 1]?.rowStart ?? rowCount;
      if (rowEnd <= start || rowStart >= end) continue;
      const [bytes] = await readSections(this.#path, [ref]);
      const reader = new ByteReader(bytes!);
      for (let row = rowStart; row < Math.min(end, rowEnd); row++) {
        const span = reader.uvarintBytes();
        if (row >= start) spans.push(span);
      }
    }
    if (spans.length !== end - start) {
      throw new StorageError("STORAGE_CORRUPT", `${spans.length} spans in the chunks; want ${end - start}`);
    }
    return spans;
  }

  rawResource(resource: number): Uint8Array {
    return this.#resources[resource]!;
  }

  rawScope(scope: number): Uint8Array {
    return this.#scopes[scope]!;
  }
}

function columnId(scope: AttributeScope, key: string): string {
  return `${scope}\0${key}`;
}

function readEnvelopes(reader: ByteReader): Uint8Array[] {
  const count = reader.uvarint();
  if (count > reader.remaining) throw new StorageError("STORAGE_TRUNCATED", `${count} envelopes announced`);
  return Array.from({ length: count }, () => reader.uvarintBytes());
}

function checkBelow(ids: Uint32Array, limit: number, name: string): void {
  for (const id of ids) if (id >= limit) throw new StorageError("STORAGE_CORRUPT", `${name} ${id} of ${limit}`);
}
