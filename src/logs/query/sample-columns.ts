import type { RangeAggregation } from "../../languages/logql/ast.ts";
import { overTime } from "./over-time.ts";
import type { Grid, StepSeries } from "./result.ts";
import type { AggregationColumns } from "./series-table.ts";
import { StepWindow } from "./step-window.ts";

const SAMPLES_INITIAL = 16;

interface Samples {
  count: number;
  times: Float64Array;
  values: Float64Array;
  sorted: boolean;
}

/** Keeps the unwrapped samples of each series and slides a window over them, step by step. */
export class SampleColumns implements AggregationColumns {
  readonly #expr: RangeAggregation;
  readonly #steps: number;
  readonly #window: StepWindow;
  readonly #series: Samples[] = [];

  constructor(expr: RangeAggregation, grid: Grid) {
    this.#expr = expr;
    this.#steps = grid.steps;
    this.#window = new StepWindow(grid, expr.rangeMs, expr.offsetMs);
  }

  addSeries(): void {
    const times = new Float64Array(SAMPLES_INITIAL);
    this.#series.push({ count: 0, times, values: new Float64Array(SAMPLES_INITIAL), sorted: true });
  }

  add(series: number, timeMs: number, value: number): void {
    const samples = this.#series[series]!;
    const { count } = samples;
    if (count === samples.times.length) {
      samples.times = grown(samples.times);
      samples.values = grown(samples.values);
    }
    if (count > 0 && timeMs < samples.times[count - 1]!) samples.sorted = false;
    samples.times[count] = timeMs;
    samples.values[count] = value;
    samples.count++;
  }

  finish(series: number, target: StepSeries): void {
    const { times, values } = inOrder(this.#series[series]!);
    const { rangeMs } = this.#expr;
    let from = 0;
    let to = 0;
    for (let step = 0; step < this.#steps; step++) {
      const endMs = this.#window.timeOf(step);
      while (to < times.length && times[to]! <= endMs) to++;
      while (from < to && times[from]! <= endMs - rangeMs) from++;
      if (from === to) continue;
      target.present[step] = 1;
      target.values[step] = overTime(this.#expr, times, values, from, to, endMs);
    }
  }
}

function grown(column: Float64Array): Float64Array {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}

function inOrder(samples: Samples): { times: Float64Array; values: Float64Array } {
  const times = samples.times.subarray(0, samples.count);
  const values = samples.values.subarray(0, samples.count);
  if (samples.sorted) return { times, values };
  const order = Array.from(times.keys()).sort((left, right) => times[left]! - times[right]! || left - right);
  return {
    times: Float64Array.from(order, (index) => times[index]!),
    values: Float64Array.from(order, (index) => values[index]!),
  };
}
