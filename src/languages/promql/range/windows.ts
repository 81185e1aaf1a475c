import type { FloatHistogram } from "../../../series/float-histogram.ts";
import type { Labels } from "../../../series/labels.ts";
import type { Position } from "../ast.ts";
import type { Annotations } from "../execute/annotations.ts";
import { type Grid, timeOf } from "../execute/grid.ts";
import type { TimeShift } from "../plan/plan.ts";
import type { FloatColumn, HistogramColumn, RangeSeries } from "./range-series.ts";

/** Which samples belong to the window of each step: indexes `first[step]` up to, without, `end[step]`. */
export interface Bounds {
  readonly first: Int32Array;
  readonly end: Int32Array;
}

const NO_HISTOGRAMS: HistogramColumn = { timestamps: new Float64Array(0), values: [] };

/** The windows of one call: the same for all its series. */
export interface WindowShape {
  readonly grid: Grid;
  /** End of each step's window, inclusive, Unix ms, shape [steps]. */
  readonly endMs: Float64Array;
  /** Length; a window begins after `endMs - rangeMs`. */
  readonly rangeMs: number;
  /** Further milliseconds to look at before and after, for `anchored` and `smoothed`. */
  readonly beforeMs: number;
  readonly afterMs: number;
}

export function windowShape(
  grid: Grid,
  shift: TimeShift,
  rangeMs: number,
  margins: { beforeMs: number; afterMs: number },
): WindowShape {
  const endMs = new Float64Array(grid.steps);
  for (let step = 0; step < grid.steps; step++) endMs[step] = (shift.atMs ?? timeOf(grid, step)) - shift.offsetMs;
  return { grid, endMs, rangeMs, ...margins };
}

/**
 * The windows of one series after the other: `load` slides the bounds over its columns in O(samples + steps).
 * The bounds are reused; a function must not keep them.
 */
export class Windows {
  readonly shape: WindowShape;
  readonly annotations: Annotations;
  /** Place of the range argument, for annotations. */
  readonly position: Position;
  readonly floatBounds: Bounds;
  #histogramBounds: Bounds | undefined;
  #series!: RangeSeries;

  constructor(shape: WindowShape, annotations: Annotations, position: Position) {
    this.shape = shape;
    this.annotations = annotations;
    this.position = position;
    this.floatBounds = newBounds(shape.grid.steps);
  }

  load(series: RangeSeries): void {
    this.#series = series;
    slide(series.floats.timestamps, this.shape, this.floatBounds);
    if (series.histograms === undefined) return;
    this.#histogramBounds ??= newBounds(this.shape.grid.steps);
    slide(series.histograms.timestamps, this.shape, this.#histogramBounds);
  }

  get labels(): Labels {
    return this.#series.labels;
  }

  get floats(): FloatColumn {
    return this.#series.floats;
  }

  get hasHistograms(): boolean {
    return this.#series.histograms !== undefined;
  }

  get histograms(): HistogramColumn {
    return this.#series.histograms ?? NO_HISTOGRAMS;
  }

  /** Bounds into `histograms`; only where `hasHistograms`. */
  get histogramBounds(): Bounds {
    return this.#histogramBounds!;
  }

  /** The metric's name, for annotations. */
  get metric(): string {
    return this.labels.get("__name__");
  }

  /** Samples of both types in the windows of all steps together. */
  countSamples(): number {
    let count = 0;
    const { first, end } = this.floatBounds;
    for (let step = 0; step < first.length; step++) count += end[step]! - first[step]!;
    if (!this.hasHistograms) return count;
    const histograms = this.histogramBounds;
    for (let step = 0; step < first.length; step++) count += histograms.end[step]! - histograms.first[step]!;
    return count;
  }
}

/** The histograms of one window. */
export function histogramsIn(windows: Windows, step: number): readonly FloatHistogram[] {
  const { first, end } = windows.histogramBounds;
  return windows.histograms.values.slice(first[step]!, end[step]!);
}

function newBounds(steps: number): Bounds {
  return { first: new Int32Array(steps), end: new Int32Array(steps) };
}

function slide(timestamps: Float64Array, shape: WindowShape, bounds: Bounds): void {
  const { endMs, rangeMs, beforeMs, afterMs } = shape;
  const { first, end } = bounds;
  const { length } = timestamps;
  let low = 0;
  let high = 0;
  for (let step = 0; step < endMs.length; step++) {
    const last = endMs[step]! + afterMs;
    const before = endMs[step]! - rangeMs - beforeMs;
    while (high < length && timestamps[high]! <= last) high++;
    while (low < high && timestamps[low]! <= before) low++;
    first[step] = low;
    end[step] = high;
  }
}
