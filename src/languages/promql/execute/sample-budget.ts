import { PromqlError } from "../error.ts";

/** Counts the samples a query holds, and refuses to hold more than the limit. */
export class SampleBudget {
  readonly #limit: number;
  #held = 0;
  #peak = 0;
  #read = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Most samples held at once. */
  get peak(): number {
    return this.#peak;
  }

  /** Samples that selectors handed to the evaluation, counted at every step they were used. */
  get read(): number {
    return this.#read;
  }

  countRead(samples: number): void {
    this.#read += samples;
  }

  /** @throws PromqlError over the limit */
  hold(samples: number): void {
    this.#held += samples;
    if (this.#held > this.#peak) this.#peak = this.#held;
    if (this.#held > this.#limit)
      throw new PromqlError("execution", "query processing would load too many samples into memory in query execution");
  }

  release(samples: number): void {
    this.#held -= samples;
  }
}
