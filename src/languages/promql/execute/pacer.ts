import { PromqlError } from "../error.ts";
import { SLICE_MS } from "../limits.ts";

/** Lets other work run during a long evaluation, and ends the evaluation when it is cancelled or out of time. */
export class Pacer {
  readonly #deadline: number;
  readonly #signal: AbortSignal | undefined;
  #sliceEnd: number;
  #calls = 0;

  constructor(timeoutMs: number, signal: AbortSignal | undefined) {
    const now = performance.now();
    this.#deadline = now + timeoutMs;
    this.#sliceEnd = now + SLICE_MS;
    this.#signal = signal;
  }

  /** True when it is time to `await breathe()`; call it once per series. */
  due(): boolean {
    // The clock costs more than a short series does; every eighth look is enough.
    return (++this.#calls & 7) === 0 && performance.now() >= this.#sliceEnd;
  }

  /** Yields to the event loop. @throws PromqlError timeout, canceled */
  async breathe(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.check();
    this.#sliceEnd = performance.now() + SLICE_MS;
  }

  /** @throws PromqlError timeout, canceled */
  check(): void {
    if (this.#signal?.aborted === true)
      throw new PromqlError("canceled", "query was canceled in expression evaluation");
    if (performance.now() > this.#deadline)
      throw new PromqlError("timeout", "query timed out in expression evaluation");
  }
}
