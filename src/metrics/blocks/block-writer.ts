import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Labels } from "../../series/labels.ts";
import { syncDir, writeFileAtomic } from "../../storage/atomic-file.ts";
import { crc32c } from "../../storage/crc32c.ts";
import { ByteWriter } from "../../storage/varint.ts";
import { chunkSampleCount } from "../chunks/xor-chunk.ts";
import { WORK_SLICE_MS } from "../store/limits.ts";
import {
  type BlockChunk,
  CHUNK_FILE_BYTES_MAX,
  CHUNK_FILE_STRIDE,
  CHUNKS_HEADER_BYTES,
  CHUNKS_MAGIC,
  CHUNKS_VERSION,
} from "./block-format.ts";
import { type BlockMeta, newUlid } from "./block-meta.ts";
import { FileSink } from "./file-sink.ts";
import { CHUNKS_DIR, CREATION_SUFFIX, chunkFileName, INDEX_FILE, META_FILE, TOMBSTONES_FILE } from "./filenames.ts";
import { type ChunkRef, IndexWriter } from "./index-writer.ts";
import { encodeTombstones } from "./tombstones.ts";

/** One series on its way into a block. */
export interface BlockSeries {
  readonly labels: Labels;
  /** In the order of time, none overlapping another. Borrowed: their bytes are copied before the next series is asked for. */
  readonly chunks: readonly BlockChunk[];
}

export interface NewBlock {
  /** Range of the block, Unix ms, the end exclusive; every chunk lies in it. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly level: number;
  /** The blocks it was merged from; none for one that comes from the head. */
  readonly parents: readonly BlockMeta[];
  /** Every label name and value, in any order; more than needed does no harm. */
  readonly symbols: Iterable<string>;
  /** Series in the order of `compareLabelsUtf8`. */
  readonly series: Iterable<BlockSeries>;
}

/**
 * Writes a block into a folder of `dir` that appears under its name when it is whole and on disk.
 * @returns undefined when no series had a sample: no block was made.
 * @throws StorageError; nothing is left then.
 */
export async function writeBlock(dir: string, block: NewBlock, nowMs: number): Promise<BlockMeta | undefined> {
  const ulid = newUlid(nowMs);
  const temporary = join(dir, `${ulid}${CREATION_SUFFIX}`);
  await mkdir(join(temporary, CHUNKS_DIR), { recursive: true });
  try {
    const stats = await writeSeries(temporary, block);
    if (stats.numSamples === 0) {
      await rm(temporary, { recursive: true, force: true });
      return undefined;
    }
    const meta = metaOf(ulid, block, stats);
    await writeFileAtomic(join(temporary, TOMBSTONES_FILE), encodeTombstones());
    await writeFileAtomic(join(temporary, META_FILE), `${JSON.stringify(meta, null, "\t")}\n`);
    await syncDir(join(temporary, CHUNKS_DIR));
    await rename(temporary, join(dir, ulid));
    await syncDir(dir);
    return meta;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

interface BlockStats {
  numSamples: number;
  numSeries: number;
  numChunks: number;
}

async function writeSeries(dir: string, block: NewBlock): Promise<BlockStats> {
  const stats: BlockStats = { numSamples: 0, numSeries: 0, numChunks: 0 };
  const index = await IndexWriter.create(join(dir, INDEX_FILE), block.symbols);
  const chunks = new ChunkFilesWriter(join(dir, CHUNKS_DIR));
  let turnAt = performance.now();
  try {
    for (const { labels, chunks: data } of block.series) {
      if (performance.now() - turnAt > WORK_SLICE_MS) {
        await nextTurn();
        turnAt = performance.now();
      }
      if (data.length === 0) continue;
      const refs: ChunkRef[] = [];
      for (const chunk of data) {
        refs.push({ minTimeMs: chunk.minTimeMs, maxTimeMs: chunk.maxTimeMs, ref: await chunks.add(chunk) });
        stats.numSamples += chunkSampleCount(chunk.data, 0, chunk.data.length);
      }
      stats.numChunks += refs.length;
      stats.numSeries++;
      await index.addSeries(labels, refs);
    }
    await chunks.finish();
    await index.finish();
  } catch (error) {
    await chunks.abandon();
    await index.abandon();
    throw error;
  }
  return stats;
}

function metaOf(ulid: string, block: NewBlock, stats: BlockStats): BlockMeta {
  const sources = block.parents.flatMap((parent) => parent.compaction.sources ?? [parent.ulid]);
  const parents = block.parents.map(({ ulid: id, minTime, maxTime }) => ({ ulid: id, minTime, maxTime }));
  return {
    ulid,
    minTime: block.minTimeMs,
    maxTime: block.maxTimeMs,
    stats: { ...stats },
    compaction: {
      level: block.level,
      sources: sources.length > 0 ? sources : [ulid],
      ...(parents.length > 0 ? { parents } : {}),
    },
    version: 1,
  };
}

/** Writes `chunks/000001`, `000002`, …, each of at most 512 MiB. */
class ChunkFilesWriter {
  readonly #dir: string;
  readonly #scratch = new ByteWriter();
  #sink: FileSink | undefined;
  #files = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Appends a chunk; returns its ref. @throws StorageError */
  async add({ encoding, data }: BlockChunk): Promise<number> {
    // Length varint, encoding, data, checksum.
    const bytesMax = 5 + 1 + data.length + 4;
    if (this.#sink === undefined || this.#sink.position + bytesMax > CHUNK_FILE_BYTES_MAX) await this.#nextFile();
    const sink = this.#sink!;
    const ref = (this.#files - 1) * CHUNK_FILE_STRIDE + sink.position;
    const writer = this.#scratch;
    writer.clear();
    writer.uvarint(data.length);
    const start = writer.length;
    writer.u8(encoding);
    writer.bytes(data);
    writer.u32(crc32c(writer.view(start)));
    sink.append(writer.view());
    await sink.drain();
    return ref;
  }

  async finish(): Promise<void> {
    const sink = this.#sink;
    this.#sink = undefined;
    await sink?.finish();
  }

  async abandon(): Promise<void> {
    await this.#sink?.abandon();
    this.#sink = undefined;
  }

  async #nextFile(): Promise<void> {
    await this.finish();
    this.#files++;
    this.#sink = await FileSink.create(join(this.#dir, chunkFileName(this.#files)));
    this.#scratch.clear();
    this.#scratch.u32(CHUNKS_MAGIC);
    this.#scratch.u8(CHUNKS_VERSION);
    this.#scratch.bytes(new Uint8Array(CHUNKS_HEADER_BYTES - 5));
    this.#sink.append(this.#scratch.view());
  }
}
