import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Matcher } from "../../series/queryable.ts";
import { crc32c } from "../../storage/crc32c.ts";
import { directoryBytes } from "../../storage/size-budget.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { ByteReader } from "../../storage/varint.ts";
import type { SeriesSource } from "../chunks/series-source.ts";
import {
  type BlockChunk,
  CHUNK_FILE_STRIDE,
  CHUNKS_HEADER_BYTES,
  CHUNKS_MAGIC,
  CHUNKS_VERSION,
  CRC_BYTES,
} from "./block-format.ts";
import { type BlockMeta, parseMeta } from "./block-meta.ts";
import { CHUNKS_DIR, chunkFileName, INDEX_FILE, META_FILE, TOMBSTONES_FILE } from "./filenames.ts";
import { IndexReader } from "./index-reader.ts";
import type { ChunkRef } from "./index-writer.ts";
import type { CachedFile, PageCache } from "./page-cache.ts";
import { selectRefs } from "./postings.ts";
import { type DeletedRange, decodeTombstones } from "./tombstones.ts";

const LENGTH_BYTES_MAX = 5;
/** A chunk of 240 samples has below 5 kB, Prometheus' histograms may have more; nothing sound has as much as this. */
const CHUNK_BYTES_MAX = 16 * 1024 * 1024;

/** One block on disk, open for reading. Every read checks what it reads and throws StorageError when it is wrong. */
export class Block {
  readonly dir: string;
  readonly meta: BlockMeta;
  /** Bytes of all its files. */
  readonly bytes: number;
  readonly index: IndexReader;
  readonly #chunkFiles: readonly CachedFile[];
  readonly #deleted: ReadonlyMap<number, DeletedRange[]>;

  private constructor(
    dir: string,
    meta: BlockMeta,
    bytes: number,
    index: IndexReader,
    chunkFiles: readonly CachedFile[],
    deleted: ReadonlyMap<number, DeletedRange[]>,
  ) {
    this.dir = dir;
    this.meta = meta;
    this.bytes = bytes;
    this.index = index;
    this.#chunkFiles = chunkFiles;
    this.#deleted = deleted;
  }

  /** Checks what can be checked without reading every series. @throws StorageError when the block is not whole. */
  static async open(dir: string, cache: PageCache): Promise<Block> {
    const meta = parseMeta(readWhole(join(dir, META_FILE)).toString("utf8"));
    const opened: CachedFile[] = [];
    const open = (path: string): CachedFile => {
      const file = cache.open(path);
      opened.push(file);
      return file;
    };
    try {
      const index = new IndexReader(open(join(dir, INDEX_FILE)));
      index.load();
      const chunkFiles = chunkFileNames(join(dir, CHUNKS_DIR)).map((path) => checkedChunkFile(open(path)));
      const deleted = readTombstones(join(dir, TOMBSTONES_FILE));
      return new Block(dir, meta, await directoryBytes(dir), index, chunkFiles, deleted);
    } catch (error) {
      for (const file of opened) file.close();
      throw error;
    }
  }

  close(): void {
    this.index.close();
    for (const file of this.#chunkFiles) file.close();
  }

  /** The series that match and have a chunk that touches [minTimeMs, maxTimeMs], in the order of their labels. */
  select(matchers: readonly Matcher[], minTimeMs: number, maxTimeMs: number): SeriesSource[] {
    const sources: SeriesSource[] = [];
    const refs = selectRefs(this.index, matchers);
    for (let at = 0; at < refs.length; at++) {
      const ref = refs[at]!;
      const { labels, chunks } = this.index.series(ref);
      const wanted = chunks.filter((chunk) => chunk.maxTimeMs >= minTimeMs && chunk.minTimeMs <= maxTimeMs);
      if (wanted.length === 0) continue;
      const deleted = this.deletedOf(ref);
      sources.push({
        labels,
        decode: (scratch) => {
          for (const chunk of wanted) {
            const { encoding, data } = this.chunk(chunk);
            scratch.decode(encoding, data, 0, data.length);
          }
          for (const range of deleted) scratch.removeRange(range.minTimeMs, range.maxTimeMs);
        },
      });
    }
    return sources;
  }

  deletedOf(ref: number): readonly DeletedRange[] {
    return this.#deleted.get(ref) ?? [];
  }

  /** A chunk's bytes, checked. Borrowed: valid until the next read. */
  chunk({ ref, minTimeMs, maxTimeMs }: ChunkRef): BlockChunk {
    const file = this.#chunkFiles[Math.floor(ref / CHUNK_FILE_STRIDE)];
    if (file === undefined) throw new StorageError("STORAGE_CORRUPT", `${this.dir}: chunk ${ref} lies in no file`);
    const offset = ref % CHUNK_FILE_STRIDE;
    const head = new ByteReader(file.read(offset, Math.min(LENGTH_BYTES_MAX, file.size - offset)));
    const length = head.uvarint();
    if (length > CHUNK_BYTES_MAX) throw new StorageError("STORAGE_CORRUPT", `${this.dir}: chunk of ${length} bytes`);
    const body = file.read(offset + head.offset, 1 + length + CRC_BYTES);
    const stored = new ByteReader(body, 1 + length).u32();
    if (stored !== crc32c(body, 0, 1 + length)) {
      throw new StorageError("STORAGE_CORRUPT", `${this.dir}: checksum of the chunk at ${offset} does not match`);
    }
    return { encoding: body[0]!, minTimeMs, maxTimeMs, data: body.subarray(1, 1 + length) };
  }
}

function chunkFileNames(dir: string): string[] {
  let count = 0;
  try {
    count = readdirSync(dir).filter((name) => /^\d{6}$/.test(name)).length;
  } catch (error) {
    throw new StorageError("STORAGE_CORRUPT", `${dir} cannot be read`, { cause: error });
  }
  return Array.from({ length: count }, (_, index) => join(dir, chunkFileName(index + 1)));
}

function checkedChunkFile(file: CachedFile): CachedFile {
  const header = new ByteReader(file.read(0, CHUNKS_HEADER_BYTES));
  if (header.u32() !== CHUNKS_MAGIC) throw new StorageError("STORAGE_CORRUPT", "chunks: wrong magic number");
  const version = header.u8();
  if (version !== CHUNKS_VERSION) throw new StorageError("STORAGE_CORRUPT", `chunks of version ${version}`);
  return file;
}

/** A block may have no tombstones file. */
function readTombstones(path: string): Map<number, DeletedRange[]> {
  try {
    return decodeTombstones(readFileSync(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw error;
  }
}

function readWhole(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new StorageError("STORAGE_CORRUPT", `${path} is missing`, { cause: error });
  }
}
