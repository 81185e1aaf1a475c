import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { StorageError } from "../../storage/storage-error.ts";

const PAGE_BYTES = 64 * 1024;
/** Keys of the cache are file number * stride + page number: files of up to 64 TiB. */
const FILE_STRIDE = 2 ** 30;

/**
 * Pages of block files in memory, the least recently used go first. Node has no mmap; reads are synchronous, because a
 * page that the kernel holds costs microseconds and a query reads thousands.
 */
export class PageCache {
  readonly #pagesMax: number;
  readonly #onMiss: () => void;
  /** A Map keeps the order of insertion: a page that is used moves to the end. */
  readonly #pages = new Map<number, Uint8Array>();
  #files = 0;

  constructor(bytesMax: number, onMiss: () => void = () => undefined) {
    this.#pagesMax = Math.max(1, Math.floor(bytesMax / PAGE_BYTES));
    this.#onMiss = onMiss;
  }

  get bytes(): number {
    return this.#pages.size * PAGE_BYTES;
  }

  /** @throws StorageError STORAGE_CORRUPT when there is no such file; other failures as the file system names them. */
  open(path: string): CachedFile {
    this.#files++;
    return new CachedFile(this, path, this.#files);
  }

  /** A page of a file, as long as the file reaches. Borrowed: do not write. */
  page(file: CachedFile, number: number): Uint8Array {
    const key = file.id * FILE_STRIDE + number;
    const known = this.#pages.get(key);
    if (known !== undefined) {
      this.#pages.delete(key);
      this.#pages.set(key, known);
      return known;
    }
    this.#onMiss();
    const page = file.readUncached(number * PAGE_BYTES, PAGE_BYTES);
    this.#pages.set(key, page);
    if (this.#pages.size > this.#pagesMax) {
      const oldest = this.#pages.keys().next();
      if (!oldest.done) this.#pages.delete(oldest.value);
    }
    return page;
  }

  /** Forgets the pages of a file that is closed. */
  forget(file: CachedFile): void {
    const pages = Math.ceil(file.size / PAGE_BYTES);
    for (let number = 0; number < pages; number++) this.#pages.delete(file.id * FILE_STRIDE + number);
  }
}

/** A file that never changes, read through the cache. */
export class CachedFile {
  readonly id: number;
  readonly size: number;
  readonly #cache: PageCache;
  readonly #path: string;
  readonly #descriptor: number;

  constructor(cache: PageCache, path: string, id: number) {
    this.#cache = cache;
    this.#path = path;
    this.id = id;
    try {
      this.#descriptor = openSync(path, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      throw new StorageError("STORAGE_CORRUPT", `${path} is missing`, { cause: error });
    }
    this.size = fstatSync(this.#descriptor).size;
  }

  /**
   * `length` bytes from `offset` on. Borrowed: do not write.
   * @throws StorageError STORAGE_TRUNCATED past the file's end, STORAGE_CORRUPT for a sector that cannot be read.
   */
  read(offset: number, length: number): Uint8Array {
    if (offset < 0 || length < 0 || offset + length > this.size) {
      throw new StorageError(
        "STORAGE_TRUNCATED",
        `${this.#path}: wanted ${length} bytes at ${offset}; the file has ${this.size}`,
      );
    }
    const number = Math.floor(offset / PAGE_BYTES);
    const start = offset - number * PAGE_BYTES;
    if (start + length <= PAGE_BYTES) return this.#cache.page(this, number).subarray(start, start + length);
    // A long section is used once and kept decoded; it would only push pages out.
    if (length > 4 * PAGE_BYTES) return this.readUncached(offset, length);
    const joined = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const page = Math.floor((offset + at) / PAGE_BYTES);
      const from = offset + at - page * PAGE_BYTES;
      const part = this.#cache.page(this, page).subarray(from, from + length - at);
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  }

  /** What the file has between `offset` and `offset + length`. @throws StorageError STORAGE_CORRUPT */
  readUncached(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    try {
      for (let filled = 0; filled < bytes.length; ) {
        const count = readSync(this.#descriptor, bytes, filled, bytes.length - filled, offset + filled);
        if (count === 0) throw new Error("the file became shorter");
        filled += count;
      }
    } catch (error) {
      const message = `${this.#path}: cannot read at ${offset}: ${(error as Error).message}`;
      throw new StorageError("STORAGE_CORRUPT", message, { cause: error });
    }
    return bytes;
  }

  close(): void {
    this.#cache.forget(this);
    closeSync(this.#descriptor);
  }
}
