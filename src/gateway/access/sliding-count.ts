/** A count over one window: the current one and, weighed by the part that still counts, the one before. */
export class SlidingCount {
  readonly #windowMs: number;
  #startMs = 0;
  #current = 0;
  #before = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  at(nowMs: number): number {
    this.#advance(nowMs);
    const elapsed = (nowMs - this.#startMs) / this.#windowMs;
    return this.#current + this.#before * Math.max(0, 1 - elapsed);
  }

  add(nowMs: number, amount: number): void {
    this.#advance(nowMs);
    this.#current = Math.max(0, this.#current + amount);
  }

  /** Ms until the window that counts now has ended. */
  resetMs(nowMs: number): number {
    this.#advance(nowMs);
    return this.#startMs + this.#windowMs - nowMs;
  }

  #advance(nowMs: number): void {
    const startMs = Math.floor(nowMs / this.#windowMs) * this.#windowMs;
    if (startMs <= this.#startMs) return; // Also when the clock steps back: counts are never forgotten early.
    this.#before = startMs - this.#startMs === this.#windowMs ? this.#current : 0;
    this.#current = 0;
    this.#startMs = startMs;
  }
}
