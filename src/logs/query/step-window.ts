import type { Grid } from "./result.ts";

/** Which steps of a grid a sample counts for: those whose window (step - range, step] holds it. */
export class StepWindow {
  readonly #startMs: number;
  readonly #stepMs: number;
  readonly #steps: number;
  readonly #rangeMs: number;

  constructor(grid: Grid, rangeMs: number, offsetMs: number) {
    // Shifting the grid back is the same as shifting every sample forward.
    this.#startMs = grid.startMs - offsetMs;
    this.#stepMs = grid.stepMs;
    this.#steps = grid.steps;
    this.#rangeMs = rangeMs;
  }

  /** First step, possibly past the last one. */
  first(timeMs: number): number {
    return Math.max(0, Math.ceil((timeMs - this.#startMs) / this.#stepMs));
  }

  /** One past the last step, possibly 0. */
  end(timeMs: number): number {
    return Math.min(this.#steps, Math.ceil((timeMs + this.#rangeMs - this.#startMs) / this.#stepMs));
  }

  /** The time of a step, offset applied. */
  timeOf(step: number): number {
    return this.#startMs + step * this.#stepMs;
  }
}
