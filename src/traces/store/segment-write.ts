import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncDir, writeFully } from "../../storage/atomic-file.ts";
import { crc32c } from "../../storage/crc32c.ts";
import { writeError } from "../../storage/storage-error.ts";
import { ByteWriter } from "../../storage/varint.ts";
import { BLOCK_SPANS, RAW_CHUNK_BYTES } from "../limits.ts";
import { encodeColumn } from "./column-codec.ts";
import { encodeCore, encodeStrings } from "./core-codec.ts";
import { encodeSection, type SectionRef } from "./section.ts";
import {
  type BlockEntry,
  type ColumnEntry,
  encodeDirectory,
  type RawChunkEntry,
  SEGMENT_MAGIC,
  type SegmentDirectory,
  TRAILER_BYTES,
  TRAILER_MAGIC,
} from "./segment-format.ts";
import { type AttributeScope, attributeScopes, type SpanBlock, startMs } from "./span-block.ts";
import { encodeBloom, encodeTraceIndex, type TracePlace } from "./trace-index.ts";

/**
 * Writes the traces of `source` as a segment: beside its name first, synced, then renamed, so that a crash leaves a
 * whole segment or none. Gives other work a turn between sections.
 * @throws StorageError STORAGE_FULL or STORAGE_WRITE_FAILED; nothing remains of it then.
 */
export async function writeSegment(path: string, source: SpanBlock, walEnd: number): Promise<SegmentDirectory> {
  const temporary = `${path}.tmp`;
  try {
    const handle = await open(temporary, "w", 0o644);
    let directory: SegmentDirectory;
    try {
      directory = await new SegmentWriter(handle, source).write(walEnd);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncDir(dirname(path));
    return directory;
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeError(`write segment ${path}`, error);
  }
}

class SegmentWriter {
  readonly #handle: FileHandle;
  readonly #source: SpanBlock;
  #offset = 0;

  constructor(handle: FileHandle, source: SpanBlock) {
    this.#handle = handle;
    this.#source = source;
  }

  async write(walEnd: number): Promise<SegmentDirectory> {
    const source = this.#source;
    await this.#append(SEGMENT_MAGIC);
    const requests = attributeScopes.flatMap((scope) =>
      [...source.attributeKeys(scope)].map((key) => ({ scope, key })),
    );
    await source.prepare(requests);
    const blocks: BlockEntry[] = [];
    const ids: Uint8Array[] = [];
    const places: TracePlace[] = [];
    for (let start = 0; start < source.traceCount; ) {
      const end = blockEnd(source, start);
      for (let trace = start; trace < end; trace++) {
        ids.push(source.traceIds.subarray(trace * 16, trace * 16 + 16));
        places.push({ block: blocks.length, trace: trace - start });
      }
      blocks.push(await this.#writeBlock(start, end, requests));
      start = end;
    }
    const directory: SegmentDirectory = {
      walEnd,
      createdAtMs: Date.now(),
      spanCount: source.rowCount,
      traceCount: source.traceCount,
      startMs: Math.min(...blocks.map((block) => block.startMs)),
      endMs: Math.max(...blocks.map((block) => block.endMs)),
      bloom: await this.#section(encodeBloom(ids)),
      traceIndex: await this.#section(encodeTraceIndex(ids, places)),
      blocks,
    };
    const bytes = encodeDirectory(directory);
    const trailer = new ByteWriter(TRAILER_BYTES);
    trailer.i64(this.#offset);
    trailer.u32(bytes.length);
    trailer.u32(crc32c(bytes));
    trailer.bytes(TRAILER_MAGIC);
    await this.#append(bytes);
    await this.#append(trailer.copy());
    return directory;
  }

  async #writeBlock(
    traceStart: number,
    traceEnd: number,
    requests: readonly { scope: AttributeScope; key: string }[],
  ): Promise<BlockEntry> {
    const source = this.#source;
    const start = source.traceStarts[traceStart]!;
    const end = source.traceStarts[traceEnd]!;
    const strings = new Renumbering(source.strings.count, 1);
    const resources = new Renumbering(source.resourceCount, 0);
    const scopes = new Renumbering(source.scopeCount, 0);
    const core = encodeCore(source, traceStart, traceEnd, {
      string: (id) => strings.of(id),
      resource: (id) => resources.of(id),
      scope: (id) => scopes.of(id),
    });
    const columns: ColumnEntry[] = [];
    for (const { scope, key } of requests) {
      const rows = this.#columnRows(scope, start, end, resources, scopes);
      const column = source.column(scope, key);
      if (column === undefined) continue;
      const picked = rows.order === undefined ? column : pick(column, rows.order);
      const stringId = (id: number): number => strings.of(id);
      const encoded = encodeColumn(picked, rows.start, rows.end, stringId, (id) => source.strings.text(id));
      if (encoded === undefined) continue;
      columns.push({ scope, key, ref: await this.#section(encoded.bytes), stats: encoded.stats });
    }
    const texts = [...strings.order].map((id) => source.strings.text(id));
    const coreSection = await this.#section(Buffer.concat([encodeStrings(["", ...texts]), core]));
    const envelopes = await this.#section(this.#encodeEnvelopes(resources.order, scopes.order));
    return {
      ...this.#statistics(start, end),
      core: coreSection,
      envelopes,
      rawChunks: await this.#writeRaw(start, end),
      columns,
    };
  }

  /** Which rows of a scope's columns belong to span rows `[start, end)`. */
  #columnRows(scope: AttributeScope, start: number, end: number, resources: Renumbering, scopes: Renumbering) {
    const { eventStarts, linkStarts } = this.#source;
    switch (scope) {
      case "span":
        return { start, end, order: undefined };
      case "event":
        return { start: eventStarts[start]!, end: eventStarts[end]!, order: undefined };
      case "link":
        return { start: linkStarts[start]!, end: linkStarts[end]!, order: undefined };
      case "resource":
        return { start: 0, end: resources.order.length, order: resources.order };
      case "instrumentation":
        return { start: 0, end: scopes.order.length, order: scopes.order };
    }
  }

  #encodeEnvelopes(resources: readonly number[], scopes: readonly number[]): Uint8Array {
    const writer = new ByteWriter(4096);
    const writeAll = (ids: readonly number[], get: (id: number) => Uint8Array): void => {
      writer.uvarint(ids.length);
      for (const id of ids) {
        const bytes = get(id);
        writer.uvarint(bytes.length);
        writer.bytes(bytes);
      }
    };
    writeAll(resources, (id) => this.#source.rawResource(id));
    writeAll(scopes, (id) => this.#source.rawScope(id));
    return writer.copy();
  }

  async #writeRaw(start: number, end: number): Promise<RawChunkEntry[]> {
    const chunks: RawChunkEntry[] = [];
    const writer = new ByteWriter(RAW_CHUNK_BYTES * 2);
    let rowStart = start;
    for (let row = start; row < end; row++) {
      const [bytes] = await this.#source.rawSpans(row, row + 1);
      writer.uvarint(bytes!.length);
      writer.bytes(bytes!);
      if (writer.length < RAW_CHUNK_BYTES && row + 1 < end) continue;
      chunks.push({ rowStart: rowStart - start, ref: await this.#section(writer.copy()) });
      writer.clear();
      rowStart = row + 1;
    }
    return chunks;
  }

  #statistics(start: number, end: number) {
    const source = this.#source;
    let firstMs = Number.POSITIVE_INFINITY;
    let lastMs = Number.NEGATIVE_INFINITY;
    let durationMaxNs = 0;
    let statuses = 0;
    for (let row = start; row < end; row++) {
      const rowMs = startMs(source, row);
      const duration = source.durationNs[row]!;
      firstMs = Math.min(firstMs, rowMs);
      lastMs = Math.max(lastMs, rowMs + duration / 1e6);
      durationMaxNs = Math.max(durationMaxNs, duration);
      statuses |= 1 << source.statuses[row]!;
    }
    return { rowCount: end - start, startMs: firstMs, endMs: lastMs, durationMaxNs, statuses };
  }

  async #section(raw: Uint8Array): Promise<SectionRef> {
    const { stored, rawLength, codec } = await encodeSection(raw);
    const ref = { offset: this.#offset, length: stored.length, rawLength, crc: crc32c(stored), codec };
    await this.#append(stored);
    return ref;
  }

  async #append(bytes: Uint8Array): Promise<void> {
    await writeFully(this.#handle, bytes, this.#offset);
    this.#offset += bytes.length;
  }
}

/** Whole traces up to the size of a block; at least one. */
function blockEnd({ traceStarts, traceCount }: SpanBlock, start: number): number {
  let end = start + 1;
  while (end < traceCount && traceStarts[end + 1]! - traceStarts[start]! <= BLOCK_SPANS) end++;
  return end;
}

/** Numbers ids anew in the order in which they are first asked for. */
class Renumbering {
  readonly #numbers: Int32Array;
  readonly #first: number;
  /** Old ids by new number, from `first`. */
  readonly order: number[] = [];

  /** With `first` 1 the id 0 stays 0: the empty string. */
  constructor(count: number, first: 0 | 1) {
    this.#numbers = new Int32Array(count).fill(-1);
    this.#first = first;
    if (first === 1) this.#numbers[0] = 0;
  }

  of(id: number): number {
    if (this.#numbers[id] === -1) this.#numbers[id] = this.order.push(id) - 1 + this.#first;
    return this.#numbers[id]!;
  }
}

function pick({ types, values }: { types: Uint8Array; values: Float64Array }, order: readonly number[]) {
  return {
    types: Uint8Array.from(order, (row) => types[row]!),
    values: Float64Array.from(order, (row) => values[row]!),
  };
}
