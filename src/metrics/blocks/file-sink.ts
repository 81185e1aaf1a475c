import { type FileHandle, open } from "node:fs/promises";
import { writeFully } from "../../storage/atomic-file.ts";
import { writeError } from "../../storage/storage-error.ts";

/** Bytes that wait in memory before they are written. */
const BUFFER_BYTES = 1024 * 1024;

/** A new file that is written from front to back. */
export class FileSink {
  readonly #path: string;
  readonly #handle: FileHandle;
  #buffer = new Uint8Array(BUFFER_BYTES);
  #buffered = 0;
  #written = 0;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** @throws StorageError when the file cannot be made. */
  static async create(path: string): Promise<FileSink> {
    try {
      return new FileSink(path, await open(path, "wx"));
    } catch (error) {
      throw writeError(`create ${path}`, error);
    }
  }

  /** Offset of the next byte. */
  get position(): number {
    return this.#written + this.#buffered;
  }

  /** Copies the bytes; call `drain` now and then, so that they do not pile up. */
  append(bytes: Uint8Array): void {
    const needed = this.#buffered + bytes.length;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, this.#buffered));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered = needed;
  }

  /** Zeros up to the next multiple of `alignment`. */
  align(alignment: number): void {
    const rest = this.position % alignment;
    if (rest > 0) this.append(new Uint8Array(alignment - rest));
  }

  /** Writes what has piled up, if it is worth a write. @throws StorageError */
  async drain(): Promise<void> {
    if (this.#buffered >= BUFFER_BYTES) await this.#flush();
  }

  /** Writes the rest, fsyncs and closes. @throws StorageError; the file is closed in any case. */
  async finish(): Promise<void> {
    try {
      await this.#flush();
      await this.#handle.sync();
    } catch (error) {
      throw writeError(`write ${this.#path}`, error);
    } finally {
      await this.#handle.close();
    }
  }

  /** Closes without writing the rest; the file is worth nothing then. */
  async abandon(): Promise<void> {
    await this.#handle.close();
  }

  async #flush(): Promise<void> {
    try {
      await writeFully(this.#handle, this.#buffer.subarray(0, this.#buffered), this.#written);
    } catch (error) {
      throw writeError(`write ${this.#path}`, error);
    }
    this.#written += this.#buffered;
    this.#buffered = 0;
  }
}
