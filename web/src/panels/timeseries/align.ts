/** Brings series with their own timestamps onto one x axis, the shape uPlot draws. */

export interface SeriesInput {
  /** Ascending, Unix ms. */
  timesMs: ArrayLike<number>;
  values: ArrayLike<number | null>;
  /** Expected distance of points in ms, if known; a longer gap becomes a break in the line. */
  intervalMs: number | undefined;
  /** Longest gap (ms) to draw a line across; true for any. */
  spanNulls: boolean | number;
}

/** Values beside `xSeconds`: a number, null for a break, undefined where another series has a point and this has none. */
export type AlignedValues = (number | null | undefined)[];

export interface Aligned {
  xSeconds: number[];
  series: AlignedValues[];
}

/**
 * Joins series. A gap longer than 1.5 intervals gets one extra x with null, so that lines stop where data stops instead
 * of bridging an outage.
 */
export function alignSeries(inputs: readonly SeriesInput[]): Aligned {
  const times = new Set<number>();
  for (const { timesMs, values, intervalMs, spanNulls } of inputs) {
    let lastMs = Number.NaN;
    for (let index = 0; index < timesMs.length; index++) {
      const timeMs = timesMs[index]!;
      times.add(timeMs);
      if (values[index] === null) continue;
      if (intervalMs !== undefined && breaks(timeMs - lastMs, intervalMs, spanNulls)) times.add(lastMs + intervalMs);
      lastMs = timeMs;
    }
  }
  const xMs = Float64Array.from(times).sort();
  const series = inputs.map((input) => placeSeries(input, xMs));
  return { xSeconds: Array.from(xMs, (ms) => ms / 1_000), series };
}

function breaks(gapMs: number, intervalMs: number, spanNulls: boolean | number): boolean {
  if (!(gapMs > intervalMs * 1.5)) return false;
  if (spanNulls === true) return false;
  return typeof spanNulls !== "number" || gapMs > spanNulls;
}

function placeSeries({ timesMs, values, intervalMs, spanNulls }: SeriesInput, xMs: Float64Array): AlignedValues {
  const placed: AlignedValues = new Array<number | null | undefined>(xMs.length).fill(undefined);
  let position = 0;
  let lastMs = Number.NaN;
  let lastPosition = -1;
  for (let index = 0; index < timesMs.length; index++) {
    const timeMs = timesMs[index]!;
    while (xMs[position]! < timeMs) position++;
    const value = values[index];
    // Infinity cannot be placed on a scale.
    placed[position] =
      value === null || value === undefined || !Number.isFinite(value)
        ? spanNulls === false
          ? null
          : undefined
        : value;
    if (placed[position] === null || placed[position] === undefined) continue;
    if (intervalMs !== undefined && breaks(timeMs - lastMs, intervalMs, spanNulls)) {
      for (let between = lastPosition + 1; between < position; between++) placed[between] = null;
    }
    lastMs = timeMs;
    lastPosition = position;
  }
  return placed;
}

/** One stack group's sums from below, in place of the values; null counts as 0 so that layers above keep their place. */
export function stackSeries(layers: readonly AlignedValues[], isPercent: boolean): AlignedValues[] {
  const length = layers[0]?.length ?? 0;
  const totals = new Float64Array(length);
  if (isPercent) {
    for (const layer of layers)
      for (let index = 0; index < length; index++) totals[index]! += Math.abs(layer[index] ?? 0);
  }
  const sums = new Float64Array(length);
  return layers.map((layer) => {
    // Not `map`: it would pass over the holes of a sparse series, and the layers above would lose their ground.
    const stacked: AlignedValues = new Array(length);
    for (let index = 0; index < length; index++) {
      const value = layer[index] ?? 0;
      sums[index]! += isPercent ? (totals[index] === 0 ? 0 : value / totals[index]!) : value;
      stacked[index] = layers.length === 1 ? layer[index] : sums[index]!;
    }
    return stacked;
  });
}
