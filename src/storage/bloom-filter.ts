import { StorageError } from "./storage-error.ts";

/** Ten bits and seven probes per key let one in a hundred absent keys through. Source: Bloom 1970, optimal k = m/n ln 2. */
const BITS_PER_KEY = 10;
const PROBES = 7;
const WORD_BITS = 32;
/** 64 MiB of bits, 53 million keys: far above any block of ours, and a bound for what a file may claim. */
const WORDS_MAX = 16 * 1024 * 1024;

/**
 * A set of 32-bit hashes that may claim to hold what it does not, never the reverse. The seven probes come from one
 * hash by double hashing (Kirsch and Mitzenmacher 2006), so the caller hashes each key once.
 */
export class BloomFilter {
  readonly #words: Uint32Array;

  private constructor(words: Uint32Array) {
    this.#words = words;
  }

  /** An empty filter, sized for `keys` different hashes. */
  static forKeys(keys: number): BloomFilter {
    const words = Math.min(Math.max(1, Math.ceil((keys * BITS_PER_KEY) / WORD_BITS)), WORDS_MAX);
    return new BloomFilter(new Uint32Array(words));
  }

  /** From `serialize`'s bytes, copied. @throws StorageError STORAGE_CORRUPT for a length that no filter has. */
  static deserialize(bytes: Uint8Array): BloomFilter {
    const count = bytes.length / 4;
    if (!Number.isInteger(count) || count < 1 || count > WORDS_MAX) {
      throw new StorageError("STORAGE_CORRUPT", `bloom filter of ${bytes.length} bytes`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const words = new Uint32Array(count);
    for (let index = 0; index < count; index++) words[index] = view.getUint32(index * 4, true);
    return new BloomFilter(words);
  }

  add(hash: number): void {
    const bits = this.#words.length * WORD_BITS;
    const step = secondHash(hash);
    let probe = hash >>> 0;
    for (let count = 0; count < PROBES; count++) {
      const bit = probe % bits;
      this.#words[bit >>> 5]! |= 1 << (bit & 31);
      probe = (probe + step) >>> 0;
    }
  }

  /** False: the hash was never added. True: it probably was. */
  mayHold(hash: number): boolean {
    const bits = this.#words.length * WORD_BITS;
    const step = secondHash(hash);
    let probe = hash >>> 0;
    for (let count = 0; count < PROBES; count++) {
      const bit = probe % bits;
      if ((this.#words[bit >>> 5]! & (1 << (bit & 31))) === 0) return false;
      probe = (probe + step) >>> 0;
    }
    return true;
  }

  /** The filter's 32-bit words, little-endian; its length is all the header it needs. */
  serialize(): Uint8Array {
    const bytes = new Uint8Array(this.#words.length * 4);
    const view = new DataView(bytes.buffer);
    for (const [index, word] of this.#words.entries()) view.setUint32(index * 4, word, true);
    return bytes;
  }
}

/** An odd step that depends on all bits of the hash: MurmurHash3's 32-bit finaliser. */
function secondHash(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) | 1) >>> 0;
}
