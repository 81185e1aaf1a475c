import { compressSync } from "snappy";
import { invariant } from "../runtime/invariant.ts";
import { crc32c } from "./crc32c.ts";
import { FragmentType, HEADER_BYTES, PAGE_BYTES, SNAPPY_FLAG } from "./wal-format.ts";

/** A record as it will lie in its fragments. */
export interface EncodedRecord {
  readonly bytes: Uint8Array;
  readonly flags: number;
}

/** Compresses a record where that makes it smaller, as Prometheus does. Without compression the bytes are borrowed. */
export function encodeRecord(record: Uint8Array, compression: "none" | "snappy"): EncodedRecord {
  if (compression === "snappy" && record.length > 0) {
    const compressed = compressSync(record);
    if (compressed.length < record.length) return { bytes: compressed, flags: SNAPPY_FLAG };
  }
  return { bytes: record, flags: 0 };
}

/**
 * Cuts records into page fragments and holds those that are not yet written. It knows its place in the segment, as a
 * fragment never crosses a page and a record never crosses a segment.
 */
export class WalFrame {
  readonly #segmentBytesMax: number;
  #buffer = new Uint8Array(PAGE_BYTES);
  #length = 0;
  /** Offset in the segment of the buffer's first byte. */
  #base = 0;

  /** @param segmentBytesMax A multiple of the page size. */
  constructor(segmentBytesMax: number) {
    invariant(
      segmentBytesMax >= PAGE_BYTES && segmentBytesMax % PAGE_BYTES === 0,
      "segment size is no multiple of 32 KiB",
    );
    this.#segmentBytesMax = segmentBytesMax;
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes to write at the segment's current end. Borrowed: valid until the next `add`. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Empties the buffer, whose next byte will lie at `segmentOffset`. */
  reset(segmentOffset: number): void {
    this.#base = segmentOffset;
    this.#length = 0;
  }

  /** Whether a record of `bytes` (encoded) ends within this segment. */
  fits(bytes: number): boolean {
    const end = this.#base + this.#length;
    const inPage = PAGE_BYTES - (end % PAGE_BYTES) - HEADER_BYTES;
    const pagesAfter = Math.floor((this.#segmentBytesMax - end + (end % PAGE_BYTES)) / PAGE_BYTES) - 1;
    return bytes <= inPage + pagesAfter * (PAGE_BYTES - HEADER_BYTES);
  }

  /** Most bytes of an encoded record that an empty segment holds. */
  get recordBytesMax(): number {
    return Math.floor(this.#segmentBytesMax / PAGE_BYTES) * (PAGE_BYTES - HEADER_BYTES);
  }

  /** Appends a record that `fits`. */
  add({ bytes, flags }: EncodedRecord): void {
    let start = 0;
    // The first fragment may be empty: where just a header fits into the page.
    for (let first = true; first || start < bytes.length; first = false) {
      const room = PAGE_BYTES - ((this.#base + this.#length) % PAGE_BYTES) - HEADER_BYTES;
      const size = Math.min(room, bytes.length - start);
      this.#fragment(fragmentType(first, start + size === bytes.length) | flags, bytes, start, size);
      start += size;
    }
  }

  /** Fills the current page with zeros, so that the next fragment starts a page. */
  padPage(): void {
    const used = (this.#base + this.#length) % PAGE_BYTES;
    if (used > 0) this.#zeros(PAGE_BYTES - used);
  }

  #fragment(typeByte: number, source: Uint8Array, start: number, size: number): void {
    this.#reserve(HEADER_BYTES + size);
    const buffer = this.#buffer;
    const at = this.#length;
    const crc = crc32c(source, start, start + size);
    buffer[at] = typeByte;
    buffer[at + 1] = size >>> 8;
    buffer[at + 2] = size;
    buffer[at + 3] = crc >>> 24;
    buffer[at + 4] = crc >>> 16;
    buffer[at + 5] = crc >>> 8;
    buffer[at + 6] = crc;
    buffer.set(size === source.length ? source : source.subarray(start, start + size), at + HEADER_BYTES);
    this.#length = at + HEADER_BYTES + size;
    // A header must fit into what is left of the page; else zeros end it.
    const left = PAGE_BYTES - ((this.#base + this.#length) % PAGE_BYTES);
    if (left < HEADER_BYTES) this.#zeros(left);
  }

  #zeros(count: number): void {
    this.#reserve(count);
    this.#buffer.fill(0, this.#length, this.#length + count);
    this.#length += count;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

function fragmentType(first: boolean, last: boolean): number {
  if (first) return last ? FragmentType.Full : FragmentType.First;
  return last ? FragmentType.Last : FragmentType.Middle;
}
