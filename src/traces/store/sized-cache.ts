/** Keeps loaded things up to a number of bytes, the least recently used going first. Loads the same thing once at a time. */
export class SizedCache<T> {
  readonly #bytesMax: number;
  readonly #sizeOf: (value: T) => number;
  readonly #values = new Map<string, T>();
  readonly #loading = new Map<string, Promise<T>>();

  /** `sizeOf` may grow while a value is kept; `shrink` looks again. */
  constructor(bytesMax: number, sizeOf: (value: T) => number) {
    this.#bytesMax = bytesMax;
    this.#sizeOf = sizeOf;
  }

  get bytes(): number {
    let sum = 0;
    for (const value of this.#values.values()) sum += this.#sizeOf(value);
    return sum;
  }

  async get(key: string, load: () => Promise<T>): Promise<T> {
    const known = this.#values.get(key);
    if (known !== undefined) {
      // A Map keeps the order of insertion: the newest use goes to the end.
      this.#values.delete(key);
      this.#values.set(key, known);
      return known;
    }
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = load().finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    const value = await loading;
    this.#values.set(key, value);
    this.shrink();
    return value;
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  deletePrefix(prefix: string): void {
    for (const key of [...this.#values.keys()]) if (key.startsWith(prefix)) this.#values.delete(key);
  }

  /** Drops the least recently used until the rest fits; one value may always stay. */
  shrink(): void {
    let bytes = this.bytes;
    for (const [key, value] of this.#values) {
      if (bytes <= this.#bytesMax || this.#values.size === 1) return;
      this.#values.delete(key);
      bytes -= this.#sizeOf(value);
    }
  }
}
