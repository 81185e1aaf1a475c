import { Labels } from "../../series/labels.ts";
import { crc32c } from "../../storage/crc32c.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { ByteReader } from "../../storage/varint.ts";
import { CRC_BYTES, INDEX_MAGIC, INDEX_VERSION, type IndexToc, SERIES_ALIGNMENT, TOC_BYTES } from "./block-format.ts";
import type { ChunkRef } from "./index-writer.ts";
import type { CachedFile } from "./page-cache.ts";
import { NO_REFS, type PostingsIndex, type Refs } from "./postings.ts";

/** Most bytes of a varint of 32 bits. */
const LENGTH_BYTES_MAX = 5;
/** What a decoded symbol or posting costs in memory beside its text: object headers, map slots. */
const ENTRY_BYTES = 48;

/** The index' tables, decoded: what every query of the block needs. */
interface IndexTables {
  readonly symbols: readonly string[];
  /** name → value → offset of the postings list. */
  readonly postings: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly bytes: number;
}

/** A series as a block's index tells it. */
export interface IndexedSeries {
  readonly labels: Labels;
  readonly chunks: readonly ChunkRef[];
}

/** Reads a block's index (version 2). All methods throw StorageError when a checksum or a number is wrong. */
export class IndexReader implements PostingsIndex {
  readonly #file: CachedFile;
  readonly #toc: IndexToc;
  #tables: IndexTables | undefined;

  /** Checks magic, version, and the table of contents; the file belongs to the reader from here on. */
  constructor(file: CachedFile) {
    this.#file = file;
    const header = new ByteReader(file.read(0, 5));
    if (header.u32() !== INDEX_MAGIC) throw new StorageError("STORAGE_CORRUPT", "index: wrong magic number");
    const version = header.u8();
    if (version !== INDEX_VERSION) throw new StorageError("STORAGE_CORRUPT", `index of version ${version}`);
    this.#toc = readToc(file);
  }

  /** Memory that the decoded tables take; 0 while they are not decoded. */
  get tableBytes(): number {
    return this.#tables?.bytes ?? 0;
  }

  /** Decodes the tables if they are not, and so checks them. */
  load(): void {
    this.#tables ??= this.#readTables();
  }

  /** Lets the tables go; the next use decodes them again. */
  unload(): void {
    this.#tables = undefined;
  }

  close(): void {
    this.#file.close();
  }

  get symbols(): readonly string[] {
    this.load();
    return this.#tables!.symbols;
  }

  names(): string[] {
    this.load();
    return [...this.#tables!.postings.keys()].filter((name) => name !== "");
  }

  all(): Refs {
    return this.postings("", "");
  }

  values(name: string): Iterable<string> {
    this.load();
    return this.#tables!.postings.get(name)?.keys() ?? [];
  }

  postings(name: string, value: string): Refs {
    this.load();
    const offset = this.#tables!.postings.get(name)?.get(value);
    if (offset === undefined) return NO_REFS;
    const reader = this.#section(offset, "postings");
    const refs = new Uint32Array(reader.u32());
    for (let index = 0; index < refs.length; index++) refs[index] = reader.u32();
    return refs;
  }

  /** The series of a ref out of `postings`. */
  series(ref: number): IndexedSeries {
    this.load();
    const offset = ref * SERIES_ALIGNMENT;
    const head = new ByteReader(this.#file.read(offset, Math.min(LENGTH_BYTES_MAX, this.#file.size - offset)));
    const length = head.uvarint();
    const body = this.#file.read(offset + head.offset, length + CRC_BYTES);
    checkCrc(body, 0, length, `series ${ref}`);
    const reader = new ByteReader(body, 0, length);
    const { symbols } = this.#tables!;
    const pairs: string[] = [];
    for (let left = reader.uvarint() * 2; left > 0; left--) {
      const symbol = symbols[reader.uvarint()];
      if (symbol === undefined) throw new StorageError("STORAGE_CORRUPT", `series ${ref} has an unknown symbol`);
      pairs.push(symbol);
    }
    return { labels: Labels.fromSorted(pairs), chunks: readChunkRefs(reader) };
  }

  #readTables(): IndexTables {
    const symbols: string[] = [];
    let bytes = 0;
    const symbolReader = this.#section(this.#toc.symbols, "symbols");
    for (let left = symbolReader.u32(); left > 0; left--) {
      const symbol = symbolReader.uvarintText();
      symbols.push(symbol);
      bytes += symbol.length + ENTRY_BYTES;
    }
    // Names and values are symbols: one string in memory for both.
    const known = new Map(symbols.map((symbol) => [symbol, symbol]));
    const postings = new Map<string, Map<string, number>>();
    const reader = this.#section(this.#toc.postingsTable, "postings offset table");
    for (let left = reader.u32(); left > 0; left--) {
      if (reader.uvarint() !== 2)
        throw new StorageError("STORAGE_CORRUPT", "postings offset table has a wrong key count");
      const name = reader.uvarintText();
      const value = reader.uvarintText();
      const offset = reader.uvarint();
      let values = postings.get(name);
      if (values === undefined) {
        values = new Map();
        postings.set(known.get(name) ?? name, values);
      }
      values.set(known.get(value) ?? value, offset);
      bytes += ENTRY_BYTES;
    }
    return { symbols, postings, bytes };
  }

  /** A section's content: length u32, content, CRC over the content. */
  #section(offset: number, what: string): ByteReader {
    const length = new ByteReader(this.#file.read(offset, 4)).u32();
    const body = this.#file.read(offset + 4, length + CRC_BYTES);
    checkCrc(body, 0, length, what);
    return new ByteReader(body, 0, length);
  }
}

function readToc(file: CachedFile): IndexToc {
  const bytes = file.read(file.size - TOC_BYTES, TOC_BYTES);
  checkCrc(bytes, 0, TOC_BYTES - CRC_BYTES, "table of contents");
  const reader = new ByteReader(bytes);
  const symbols = reader.i64();
  const series = reader.i64();
  const labelIndices = reader.i64();
  const labelIndicesTable = reader.i64();
  const postings = reader.i64();
  return { symbols, series, labelIndices, labelIndicesTable, postings, postingsTable: reader.i64() };
}

function readChunkRefs(reader: ByteReader): ChunkRef[] {
  const chunks: ChunkRef[] = [];
  let maxTimeMs = 0;
  let ref = 0;
  for (let left = reader.uvarint(); left > 0; left--) {
    const first = chunks.length === 0;
    const minTimeMs = first ? reader.varint() : maxTimeMs + reader.uvarint();
    maxTimeMs = minTimeMs + reader.uvarint();
    ref = first ? reader.uvarint() : ref + reader.varint();
    chunks.push({ minTimeMs, maxTimeMs, ref });
  }
  return chunks;
}

function checkCrc(bytes: Uint8Array, start: number, end: number, what: string): void {
  const stored = new ByteReader(bytes, end).u32();
  if (stored !== crc32c(bytes, start, end)) {
    throw new StorageError("STORAGE_CORRUPT", `index: checksum of ${what} does not match`);
  }
}
