/**
 * Decoded columns of segment blocks, least recently used first out. Values are immutable and borrowed: an evicted one
 * lives on while a query holds it.
 */
export class BlockCache {
  readonly #entries = new Map<string, { readonly value: object; readonly bytes: number }>();
  readonly #bytesMax: number;
  #bytes = 0;
  hits = 0;
  misses = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The value under `key`, or what `load` gives, kept when it is there and fits. */
  async get<T extends object>(
    key: string,
    bytesOf: (value: T) => number,
    load: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.hits++;
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.value as T;
    }
    this.misses++;
    const value = await load();
    if (value !== undefined) this.#put(key, value, bytesOf(value));
    return value;
  }

  /** Forgets everything whose key starts with `prefix`. */
  drop(prefix: string): void {
    for (const [key, { bytes }] of this.#entries) {
      if (!key.startsWith(prefix)) continue;
      this.#entries.delete(key);
      this.#bytes -= bytes;
    }
  }

  #put(key: string, value: object, bytes: number): void {
    if (bytes > this.#bytesMax / 4 || this.#entries.has(key)) return;
    this.#entries.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.#entries) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#entries.delete(oldest);
      this.#bytes -= freed;
    }
  }
}
