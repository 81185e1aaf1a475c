/** The evaluation times of a (sub)query: `startMs + index * stepMs` for `index` below `steps`. */
export interface Grid {
  /** Unix ms. */
  readonly startMs: number;
  /** At least 1, also where there is a single step. */
  readonly stepMs: number;
  /** At least 0; 0 for an empty subquery. */
  readonly steps: number;
}

export function makeGrid(startMs: number, endMs: number, stepMs: number): Grid {
  const step = Math.max(1, stepMs);
  return { startMs, stepMs: step, steps: endMs < startMs ? 0 : Math.floor((endMs - startMs) / step) + 1 };
}

export function timeOf(grid: Grid, index: number): number {
  return grid.startMs + index * grid.stepMs;
}

/** The last evaluation time. */
export function endOf(grid: Grid): number {
  return timeOf(grid, Math.max(0, grid.steps - 1));
}

/** Only the first step. */
export function firstStepOf(grid: Grid): Grid {
  return { ...grid, steps: Math.min(1, grid.steps) };
}
