import { invariant } from "../../runtime/invariant.ts";

/** Bytes of one page; a chunk never crosses pages, so this bounds a chunk too. */
const PAGE_BYTES = 256 * 1024;
/** Before each chunk: min time f64 | max time f64 | data bytes u32 | encoding u32. */
const HEADER_BYTES = 24;

interface Page {
  readonly bytes: Uint8Array;
  readonly floats: Float64Array;
  readonly words: Uint32Array;
  used: number;
  live: number;
}

/**
 * The closed chunks of the head, packed into pages: a chunk costs its bytes and 24 more instead of a typed array of its
 * own. A chunk's handle is one number. Chunks close in the order of time and are freed in it, so pages empty as wholes.
 * Pages are shared memory, so that worker threads can read them without a copy.
 */
export class ChunkArena {
  readonly #pages: (Page | undefined)[] = [];
  /** The page that takes the next chunk; -1 before the first. */
  #current = -1;
  #chunks = 0;

  get chunks(): number {
    return this.#chunks;
  }

  /** Bytes of all pages. */
  get bytes(): number {
    let pages = 0;
    for (const page of this.#pages) if (page !== undefined) pages++;
    return pages * PAGE_BYTES;
  }

  /** Copies a chunk in; returns its handle. */
  add(encoding: number, minTimeMs: number, maxTimeMs: number, data: Uint8Array): number {
    const size = HEADER_BYTES + ((data.length + 7) & ~7);
    invariant(size <= PAGE_BYTES, `chunk of ${data.length} bytes`);
    let page = this.#pages[this.#current];
    if (page === undefined || page.used + size > PAGE_BYTES) page = this.#newPage();
    const offset = page.used;
    page.floats[offset >>> 3] = minTimeMs;
    page.floats[(offset >>> 3) + 1] = maxTimeMs;
    page.words[(offset >>> 2) + 4] = data.length;
    page.words[(offset >>> 2) + 5] = encoding;
    page.bytes.set(data, offset + HEADER_BYTES);
    page.used += size;
    page.live++;
    this.#chunks++;
    return this.#current * PAGE_BYTES + offset;
  }

  minTimeMs(handle: number): number {
    return this.#page(handle).floats[(handle % PAGE_BYTES) >>> 3]!;
  }

  maxTimeMs(handle: number): number {
    return this.#page(handle).floats[((handle % PAGE_BYTES) >>> 3) + 1]!;
  }

  encoding(handle: number): number {
    return this.#page(handle).words[((handle % PAGE_BYTES) >>> 2) + 5]!;
  }

  /** The chunk's bytes. Borrowed: valid until the chunk is freed. */
  data(handle: number): Uint8Array {
    const page = this.#page(handle);
    const offset = handle % PAGE_BYTES;
    const start = offset + HEADER_BYTES;
    return page.bytes.subarray(start, start + page.words[(offset >>> 2) + 4]!);
  }

  /** Gives a chunk up; its page goes when it was the last one there. */
  free(handle: number): void {
    const page = this.#page(handle);
    page.live--;
    this.#chunks--;
    const index = Math.floor(handle / PAGE_BYTES);
    if (page.live === 0 && index !== this.#current) this.#pages[index] = undefined;
  }

  #page(handle: number): Page {
    const page = this.#pages[Math.floor(handle / PAGE_BYTES)];
    invariant(page !== undefined, `chunk ${handle} was freed`);
    return page;
  }

  #newPage(): Page {
    const previous = this.#pages[this.#current];
    if (previous?.live === 0) this.#pages[this.#current] = undefined;
    const buffer = new SharedArrayBuffer(PAGE_BYTES);
    const page: Page = {
      bytes: new Uint8Array(buffer),
      floats: new Float64Array(buffer),
      words: new Uint32Array(buffer),
      used: 0,
      live: 0,
    };
    const free = this.#pages.indexOf(undefined);
    this.#current = free >= 0 ? free : this.#pages.length;
    this.#pages[this.#current] = page;
    return page;
  }
}
