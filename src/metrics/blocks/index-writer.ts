import { invariant } from "../../runtime/invariant.ts";
import type { Labels } from "../../series/labels.ts";
import { crc32c } from "../../storage/crc32c.ts";
import { ByteWriter } from "../../storage/varint.ts";
import { INDEX_MAGIC, INDEX_VERSION, SERIES_ALIGNMENT } from "./block-format.ts";
import { FileSink } from "./file-sink.ts";
import { compareUtf8 } from "./utf8-order.ts";

/** Where a chunk lies, as the index tells it. */
export interface ChunkRef {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly ref: number;
}

/**
 * Writes a block's index from front to back: symbols, series, label values, postings, their tables, the table of
 * contents. Format: docs/formats/metrics-block.md, "index".
 */
export class IndexWriter {
  readonly #sink: FileSink;
  readonly #symbols: readonly string[];
  readonly #symbolRefs = new Map<string, number>();
  readonly #scratch = new ByteWriter(64 * 1024);
  /** Series refs by the symbol refs of name and value. */
  readonly #postings = new Map<number, Map<number, number[]>>();
  readonly #all: number[] = [];
  readonly #symbolsStart: number;
  readonly #seriesStart: number;

  private constructor(sink: FileSink, symbols: readonly string[]) {
    this.#sink = sink;
    this.#symbols = symbols;
    for (const [index, symbol] of symbols.entries()) this.#symbolRefs.set(symbol, index);
    this.#scratch.u32(INDEX_MAGIC);
    this.#scratch.u8(INDEX_VERSION);
    sink.append(this.#scratch.view());
    this.#symbolsStart = sink.position;
    this.#section((writer) => {
      writer.u32(symbols.length);
      for (const symbol of symbols) writer.uvarintText(symbol);
    });
    this.#seriesStart = sink.position;
  }

  /** @param symbols  Every label name and value that will come, once each, in any order. */
  static async create(path: string, symbols: Iterable<string>): Promise<IndexWriter> {
    return new IndexWriter(await FileSink.create(path), [...symbols].sort(compareUtf8));
  }

  /** Series come in the order of `compareLabelsUtf8`; chunks in the order of time. @throws StorageError */
  async addSeries(labels: Labels, chunks: readonly ChunkRef[]): Promise<void> {
    this.#sink.align(SERIES_ALIGNMENT);
    const ref = this.#sink.position / SERIES_ALIGNMENT;
    this.#all.push(ref);
    const writer = this.#scratch;
    writer.clear();
    writer.uvarint(labels.size);
    for (let index = 0; index < labels.pairs.length; index += 2) {
      const name = this.#symbolRef(labels.pairs[index]!);
      const value = this.#symbolRef(labels.pairs[index + 1]!);
      writer.uvarint(name);
      writer.uvarint(value);
      this.#addPosting(name, value, ref);
    }
    writeChunkRefs(writer, chunks);
    const length = new ByteWriter(8);
    length.uvarint(writer.length);
    const crc = crc32c(writer.view());
    writer.u32(crc);
    this.#sink.append(length.view());
    this.#sink.append(writer.view());
    await this.#sink.drain();
  }

  /** Writes the rest and closes. @throws StorageError */
  async finish(): Promise<void> {
    const labelIndices = this.#sink.position;
    const indexOffsets: { name: number; offset: number }[] = [];
    const names = [...this.#postings.keys()].sort((left, right) => left - right);
    for (const name of names) {
      const values = [...this.#postings.get(name)!.keys()].sort((left, right) => left - right);
      this.#sink.align(4);
      indexOffsets.push({ name, offset: this.#sink.position });
      this.#section((writer) => {
        writer.u32(1);
        writer.u32(values.length);
        for (const value of values) writer.u32(value);
      });
      await this.#sink.drain();
    }
    const postings = this.#sink.position;
    const postingOffsets = await this.#writePostings(names);
    const labelIndicesTable = this.#sink.position;
    this.#section((writer) => {
      writer.u32(indexOffsets.length);
      for (const { name, offset } of indexOffsets) {
        writer.uvarint(1);
        writer.uvarintText(this.#symbols[name]!);
        writer.uvarint(offset);
      }
    });
    const postingsTable = this.#sink.position;
    this.#section((writer) => {
      writer.u32(postingOffsets.length);
      for (const { name, value, offset } of postingOffsets) {
        writer.uvarint(2);
        writer.uvarintText(name);
        writer.uvarintText(value);
        writer.uvarint(offset);
      }
    });
    const offsets = [this.#symbolsStart, this.#seriesStart, labelIndices, labelIndicesTable, postings, postingsTable];
    this.#writeToc(offsets);
    await this.#sink.finish();
  }

  /** Closes the file, which is worth nothing then. */
  async abandon(): Promise<void> {
    await this.#sink.abandon();
  }

  async #writePostings(names: readonly number[]): Promise<{ name: string; value: string; offset: number }[]> {
    const offsets: { name: string; value: string; offset: number }[] = [];
    const write = (name: string, value: string, refs: readonly number[]): void => {
      this.#sink.align(4);
      offsets.push({ name, value, offset: this.#sink.position });
      this.#section((writer) => {
        writer.u32(refs.length);
        for (const ref of refs) writer.u32(ref);
      });
    };
    write("", "", this.#all);
    for (const name of names) {
      const byValue = [...this.#postings.get(name)!].sort(([left], [right]) => left - right);
      for (const [value, refs] of byValue) {
        write(this.#symbols[name]!, this.#symbols[value]!, refs);
        await this.#sink.drain();
      }
    }
    return offsets;
  }

  #writeToc(offsets: readonly number[]): void {
    this.#scratch.clear();
    for (const offset of offsets) this.#scratch.i64(offset);
    this.#scratch.u32(crc32c(this.#scratch.view()));
    this.#sink.append(this.#scratch.view());
  }

  /** Length u32, content, CRC over the content. */
  #section(write: (writer: ByteWriter) => void): void {
    const writer = this.#scratch;
    writer.clear();
    writer.u32(0);
    write(writer);
    writer.setU32(0, writer.length - 4);
    writer.u32(crc32c(writer.view(4)));
    this.#sink.append(writer.view());
  }

  #addPosting(name: number, value: number, ref: number): void {
    let values = this.#postings.get(name);
    if (values === undefined) {
      values = new Map();
      this.#postings.set(name, values);
    }
    const refs = values.get(value);
    if (refs === undefined) values.set(value, [ref]);
    else refs.push(ref);
  }

  #symbolRef(symbol: string): number {
    const ref = this.#symbolRefs.get(symbol);
    invariant(ref !== undefined, `${JSON.stringify(symbol)} is not among the index' symbols`);
    return ref;
  }
}

/** Times and refs as distances to the chunk before. */
function writeChunkRefs(writer: ByteWriter, chunks: readonly ChunkRef[]): void {
  writer.uvarint(chunks.length);
  let previous: ChunkRef | undefined;
  for (const chunk of chunks) {
    if (previous === undefined) writer.varint(chunk.minTimeMs);
    else writer.uvarint(chunk.minTimeMs - previous.maxTimeMs);
    writer.uvarint(chunk.maxTimeMs - chunk.minTimeMs);
    if (previous === undefined) writer.uvarint(chunk.ref);
    else writer.varint(chunk.ref - previous.ref);
    previous = chunk;
  }
}
