import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { GatewayError } from "../errors.ts";
import { UPLOAD_MEMORY_BYTES_MAX, UPLOAD_READ_BYTES } from "./limits.ts";

/** For a client whose upload found no room. */
const RETRY_SECONDS = 30;

/**
 * Holds one uploaded file until every attempt is over: its beginning in memory, and once it is longer than that, all of
 * it in a file that has no name any more, so that nothing is left of it whatever happens to the process.
 */
export class Spool {
  readonly #directory: string;
  #pieces: Buffer[] = [];
  #file: FileHandle | undefined;
  #bytes = 0;

  /** @param directory Made where it is missing, at the first file that is too long for memory. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True once the file has left memory. */
  get onDisk(): boolean {
    return this.#file !== undefined;
  }

  /** Appends; called in sequence. @throws GatewayError UPLOAD_NOT_STORED where the disk is full or refuses. */
  async write(chunk: Buffer): Promise<void> {
    try {
      await this.#append(chunk);
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? "unknown reason"; // The text would name a path.
      throw new GatewayError("UPLOAD_NOT_STORED", { reason }, { retryAfterSeconds: RETRY_SECONDS });
    }
  }

  async #append(chunk: Buffer): Promise<void> {
    this.#bytes += chunk.length;
    if (this.#file === undefined) {
      this.#pieces.push(Buffer.from(chunk)); // The chunk is a view into a larger buffer.
      if (this.#bytes <= UPLOAD_MEMORY_BYTES_MAX) return;
      this.#file = await openNameless(this.#directory);
      const held = Buffer.concat(this.#pieces);
      this.#pieces = [];
      await writeAll(this.#file, held);
      return;
    }
    await writeAll(this.#file, chunk);
  }

  /** The file from its first byte; may be read several times, also at once. */
  async *read(): AsyncGenerator<Buffer> {
    if (this.#file === undefined) {
      yield* this.#pieces;
      return;
    }
    let position = 0;
    while (position < this.#bytes) {
      const target = Buffer.allocUnsafe(Math.min(UPLOAD_READ_BYTES, this.#bytes - position));
      const { bytesRead } = await this.#file.read(target, 0, target.length, position);
      if (bytesRead === 0) throw new Error(`the spooled upload ends at ${position} of ${this.#bytes} bytes`);
      position += bytesRead;
      yield target.subarray(0, bytesRead);
    }
  }

  /** Gives memory and file back; reads under way fail. */
  async close(): Promise<void> {
    this.#pieces = [];
    const file = this.#file;
    this.#file = undefined;
    this.#bytes = 0;
    await file?.close();
  }
}

async function openNameless(directory: string): Promise<FileHandle> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `upload-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return file;
}

async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  let written = 0;
  while (written < chunk.length) written += (await file.write(chunk, written)).bytesWritten;
}
