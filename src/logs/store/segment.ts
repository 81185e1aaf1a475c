import { open } from "node:fs/promises";
import type { Labels } from "../../series/labels.ts";
import type { BloomFilter } from "../../storage/bloom-filter.ts";
import { StorageError } from "../../storage/storage-error.ts";
import type { Block, Columns } from "./block.ts";
import type { BlockCache } from "./block-cache.ts";
import { decodeMetadataColumn, decodeTimes, endsOf } from "./block-columns.ts";
import type { SectionName } from "./block-format.ts";
import type { SegmentRange } from "./filenames.ts";
import type { BytesColumn, Rows } from "./rows.ts";
import { readBloom, readSection, type SegmentBlock, type SegmentFile } from "./segment-read.ts";
import { type BloomQuery, bloomMayHold } from "./token-bloom.ts";

/** Bytes per row of the three time columns once decoded. */
const TIME_BYTES_PER_ROW = 16;

export interface SegmentOptions {
  readonly range: SegmentRange;
  readonly cache: BlockCache;
  /** Called once per damaged block. */
  onDamage(path: string, offset: number, reason: string): void;
}

/** A segment file's blocks by stream, read through the cache. */
export class Segment {
  readonly range: SegmentRange;
  readonly path: string;
  readonly bytes: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** First WAL segment whose records are not in the file; 0 when its footer is damaged. */
  readonly walThrough: number;
  readonly blocks: readonly FileBlock[];
  /** A block or the index is damaged: the file is never merged, so that its bytes stay. */
  hasDamage: boolean;
  deleted = false;
  readonly #options: SegmentOptions;

  constructor(file: SegmentFile, options: SegmentOptions, intern: (labels: Labels) => Labels) {
    this.#options = options;
    this.range = options.range;
    this.hasDamage = file.damage !== undefined;
    this.path = file.path;
    this.bytes = file.bytes;
    this.walThrough = file.walThrough ?? 0;
    this.blocks = file.blocks.map((block) => new FileBlock(this, block, intern(block.header.labels)));
    this.minMs = Math.min(...file.blocks.map(({ header }) => header.minMs));
    this.maxMs = Math.max(...file.blocks.map(({ header }) => header.maxMs));
  }

  get cache(): BlockCache {
    return this.#options.cache;
  }

  get cachePrefix(): string {
    return `${this.range.first}-${this.range.last}/`;
  }

  /** Reads sections with one opening of the file. @throws StorageError for damage. */
  async sections(block: SegmentBlock, names: readonly SectionName[]): Promise<(Buffer | undefined)[]> {
    const handle = await open(this.path, "r");
    try {
      const sections: (Buffer | undefined)[] = [];
      for (const name of names) sections.push(await readSection(handle, block, name));
      return sections;
    } finally {
      await handle.close();
    }
  }

  damage(block: SegmentBlock, reason: string): void {
    this.hasDamage = true;
    this.#options.onDamage(this.path, block.offset, reason);
  }
}

/** A block of a segment file. */
class FileBlock implements Block {
  readonly labels: Labels;
  readonly #segment: Segment;
  readonly #block: SegmentBlock;
  #damaged = false;
  #bloomDamaged = false;

  constructor(segment: Segment, block: SegmentBlock, labels: Labels) {
    this.#segment = segment;
    this.#block = block;
    this.labels = labels;
  }

  get minMs(): number {
    return this.#block.header.minMs;
  }

  get maxMs(): number {
    return this.#block.header.maxMs;
  }

  get rows(): number {
    return this.#block.header.rows;
  }

  get lineBytes(): number {
    return this.#block.header.lineBytes;
  }

  get metadataNames(): readonly string[] | undefined {
    return this.#block.header.metadataNames;
  }

  async read(columns: Columns): Promise<Rows | undefined> {
    return this.#guard(async () => {
      const times = await this.#times();
      const lines = columns.lines ? await this.#lines(times.lineBytes) : undefined;
      const metadata =
        columns.metadata && this.#block.header.sections.metadata.bytes > 0 ? await this.#metadata() : undefined;
      return { count: this.rows, ...times, lines, metadata };
    });
  }

  async mayHold(query: BloomQuery): Promise<boolean> {
    if (query.length === 0 || this.#block.header.sections.bloom.bytes === 0) return true;
    if (this.#bloomDamaged || this.#segment.deleted) return true;
    try {
      const bloom = await this.#cached<BloomFilter>("bloom", () => this.#block.header.sections.bloom.bytes, readBloom);
      return bloom === undefined || bloomMayHold(bloom, query);
    } catch (error) {
      this.#report(error);
      this.#bloomDamaged = true; // it excludes nothing; the rows have checksums of their own
      return true;
    }
  }

  async #times(): Promise<Pick<Rows, "timestampsMs" | "subMsNs" | "lineBytes">> {
    const { rows, minMs } = this.#block.header;
    const times = await this.#cached(
      "times",
      () => rows * TIME_BYTES_PER_ROW,
      (bytes) => decodeTimes(bytes, rows, minMs),
    );
    if (times === undefined) throw new StorageError("STORAGE_CORRUPT", "block has no time columns");
    return times;
  }

  async #lines(lineBytes: Uint32Array): Promise<BytesColumn> {
    const read = (bytes: Buffer): BytesColumn => {
      const ends = endsOf(lineBytes);
      if ((ends.at(-1) ?? 0) !== bytes.length) throw new StorageError("STORAGE_CORRUPT", "line lengths do not add up");
      return { ends, bytes };
    };
    return (
      (await this.#cached("lines", (value) => value.bytes.length + value.ends.length * 4, read)) ??
      read(Buffer.alloc(0))
    );
  }

  async #metadata(): Promise<BytesColumn | undefined> {
    return this.#cached(
      "metadata",
      (value) => value.bytes.length + value.ends.length * 4,
      (bytes) => decodeMetadataColumn(bytes, this.rows),
    );
  }

  #cached<T extends object>(
    name: SectionName,
    bytesOf: (value: T) => number,
    decode: (bytes: Buffer) => T,
  ): Promise<T | undefined> {
    const key = `${this.#segment.cachePrefix}${this.#block.offset}/${name}`;
    return this.#segment.cache.get(key, bytesOf, async () => {
      const [bytes] = await this.#segment.sections(this.#block, [name]);
      return bytes === undefined ? undefined : decode(bytes);
    });
  }

  /** Damage is reported once and the block is left out from then on; its bytes stay where they are. */
  async #guard<T>(action: () => Promise<T>): Promise<T | undefined> {
    if (this.#damaged || this.#segment.deleted) return undefined;
    try {
      return await action();
    } catch (error) {
      if (this.#segment.deleted) return undefined;
      this.#report(error);
      this.#damaged = true;
      return undefined;
    }
  }

  /** Passes damage on; rethrows what has nothing to do with this block (too many open files, for one). */
  #report(error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    if (!(error instanceof StorageError) && code !== "EIO" && code !== "ENOENT") throw error;
    if (!this.#segment.deleted) this.#segment.damage(this.#block, (error as Error).message);
  }
}
