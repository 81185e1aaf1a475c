const CHUNK_BYTES = 256 * 1024;

/** Byte strings packed into chunks, so that a head of many spans is a few large buffers. */
export class RawArena {
  readonly #chunks: Buffer[] = [];
  #used = CHUNK_BYTES;
  bytes = 0;

  /** Copies `source[start, end)` in; returns the chunk's number and the offset in it. */
  add(source: Uint8Array, start: number, end: number): { chunk: number; offset: number } {
    const length = end - start;
    if (length > CHUNK_BYTES - this.#used) {
      this.#chunks.push(Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, length)));
      this.#used = 0;
    }
    const chunk = this.#chunks.length - 1;
    const offset = this.#used;
    this.#chunks[chunk]!.set(source.subarray(start, end), offset);
    this.#used = offset + length;
    this.bytes += length;
    return { chunk, offset };
  }

  /** Borrowed bytes; chunks never move. */
  get(chunk: number, offset: number, length: number): Uint8Array {
    return this.#chunks[chunk]!.subarray(offset, offset + length);
  }
}
