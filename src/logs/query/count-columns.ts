import type { RangeAggregation } from "../../languages/logql/ast.ts";
import type { Block } from "../store/block.ts";
import type { Grid, StepSeries } from "./result.ts";
import type { AggregationColumns } from "./series-table.ts";
import { StepWindow } from "./step-window.ts";

/**
 * Counts lines and their bytes per step in O(lines + steps): each line adds to a difference at the first step it
 * counts for and takes it back after the last. Sums of whole numbers, so nothing is lost on the way.
 */
export class CountColumns implements AggregationColumns {
  readonly #expr: RangeAggregation;
  readonly #steps: number;
  readonly #window: StepWindow;
  readonly #ofBytes: boolean;
  readonly #counts: Float64Array[] = [];
  /** Empty for an operation that does not ask for bytes. */
  readonly #bytes: Float64Array[] = [];

  constructor(expr: RangeAggregation, grid: Grid) {
    this.#expr = expr;
    this.#steps = grid.steps;
    this.#ofBytes = expr.op === "bytes_over_time" || expr.op === "bytes_rate";
    this.#window = new StepWindow(grid, expr.rangeMs, expr.offsetMs);
  }

  addSeries(): void {
    this.#counts.push(new Float64Array(this.#steps + 1));
    if (this.#ofBytes) this.#bytes.push(new Float64Array(this.#steps + 1));
  }

  add(series: number, timeMs: number, bytes: number): void {
    this.#addRows(series, this.#window.first(timeMs), this.#window.end(timeMs), 1, bytes);
  }

  /** Adds all rows of a block at once where they count for the same steps; false where they do not. */
  addBlock(series: number, { minMs, maxMs, rows, lineBytes }: Block): boolean {
    const first = this.#window.first(minMs);
    const end = this.#window.end(minMs);
    // Times go up to just below the next ms.
    if (first !== this.#window.first(maxMs + 1) || end !== this.#window.end(maxMs + 1)) return false;
    this.#addRows(series, first, end, rows, lineBytes);
    return true;
  }

  #addRows(series: number, first: number, end: number, rows: number, bytes: number): void {
    if (first >= end) return;
    const counts = this.#counts[series]!;
    counts[first]! += rows;
    counts[end]! -= rows;
    if (!this.#ofBytes) return;
    const sums = this.#bytes[series]!;
    sums[first]! += bytes;
    sums[end]! -= bytes;
  }

  finish(series: number, target: StepSeries): void {
    const { op, rangeMs } = this.#expr;
    const divisor = op === "rate" || op === "bytes_rate" ? rangeMs / 1_000 : 1;
    let count = 0;
    let bytes = 0;
    for (let step = 0; step < this.#steps; step++) {
      count += this.#counts[series]![step]!;
      if (this.#ofBytes) bytes += this.#bytes[series]![step]!;
      if (count === 0) continue;
      target.present[step] = 1;
      target.values[step] = (this.#ofBytes ? bytes : count) / divisor;
    }
  }
}
