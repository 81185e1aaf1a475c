import { CounterResetHint, type FloatHistogram } from "../../../series/float-histogram.ts";
import type { Labels } from "../../../series/labels.ts";
import type { SeriesColumns } from "../../../series/queryable.ts";
import { bitsOf, isStale } from "../../../series/stale.ts";
import { type Grid, timeOf } from "../execute/grid.ts";
import { ABSENT, FLOAT, HISTOGRAM, histogramAt, type StepSeries } from "../execute/step-series.ts";

/** Samples of one type as columns, sorted by time, without staleness markers. Borrowed: read only. */
interface Column<Values> {
  /** Unix ms, shape [n]. */
  readonly timestamps: Float64Array;
  readonly values: Values;
  /** Unix ms, 0 where unknown, shape [n]; absent when no sample has one. */
  readonly startTimestamps?: Float64Array;
}
export type FloatColumn = Column<Float64Array>;
export type HistogramColumn = Column<readonly FloatHistogram[]>;

/** The raw samples of one series for window functions: floats and histograms apart, as they rarely mix. */
export interface RangeSeries {
  readonly labels: Labels;
  readonly dropName: boolean;
  readonly floats: FloatColumn;
  readonly histograms: HistogramColumn | undefined;
}

const NO_FLOATS: FloatColumn = { timestamps: new Float64Array(0), values: new Float64Array(0) };

/** A stored series without its staleness markers; shares the columns where there are none. */
export function rangeSeriesOf(columns: SeriesColumns): RangeSeries {
  const { labels, timestamps, values, histograms, startTimestamps } = columns;
  const bits = bitsOf(values);
  const dropName = false;
  if (histograms === undefined && !hasMarkers(values, bits))
    return { labels, dropName, floats: { timestamps, values, startTimestamps }, histograms: undefined };
  const floatIndexes: number[] = [];
  const histogramIndexes: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (histograms?.[index] !== undefined) histogramIndexes.push(index);
    else if (!isStale(bits, index)) floatIndexes.push(index);
  }
  return {
    labels,
    dropName,
    floats: {
      timestamps: pick(timestamps, floatIndexes),
      values: pick(values, floatIndexes),
      startTimestamps: startTimestamps && pick(startTimestamps, floatIndexes),
    },
    histograms:
      histogramIndexes.length === 0
        ? undefined
        : {
            timestamps: pick(timestamps, histogramIndexes),
            values: histogramIndexes.map((index) => histograms![index]!),
            startTimestamps: startTimestamps && pick(startTimestamps, histogramIndexes),
          },
  };
}

/** The samples of an evaluated inner expression of a subquery. `times` are the grid's, shape [steps]. */
export function rangeSeriesOfSteps(series: StepSeries, times: Float64Array): RangeSeries {
  const { labels, dropName, kinds, values } = series;
  if (kinds.every((kind) => kind === FLOAT))
    return { labels, dropName, floats: { timestamps: times, values }, histograms: undefined };
  const floatIndexes: number[] = [];
  const histogramIndexes: number[] = [];
  for (let step = 0; step < kinds.length; step++) {
    if (kinds[step] === FLOAT) floatIndexes.push(step);
    else if (kinds[step] === HISTOGRAM) histogramIndexes.push(step);
  }
  const floats =
    floatIndexes.length === 0
      ? NO_FLOATS
      : { timestamps: pick(times, floatIndexes), values: pick(values, floatIndexes) };
  if (histogramIndexes.length === 0) return { labels, dropName, floats, histograms: undefined };
  const histograms = histogramIndexes.map((step) => withoutResetHint(histogramAt(series, step)));
  return { labels, dropName, floats, histograms: { timestamps: pick(times, histogramIndexes), values: histograms } };
}

/** All times of a grid. */
export function timesOf(grid: Grid): Float64Array {
  return Float64Array.from({ length: grid.steps }, (_, step) => timeOf(grid, step));
}

/** True where a subquery's series has nothing to offer. */
export function isEmptySeries(series: StepSeries): boolean {
  return series.kinds.every((kind) => kind === ABSENT);
}

/**
 * A subquery may leave samples out or repeat them, so that what a sample says about a reset before it is not true
 * any more.
 */
function withoutResetHint(histogram: FloatHistogram): FloatHistogram {
  const { counterResetHint } = histogram;
  if (counterResetHint === CounterResetHint.Unknown || counterResetHint === CounterResetHint.Gauge) return histogram;
  return { ...histogram, counterResetHint: CounterResetHint.Unknown };
}

function hasMarkers(values: Float64Array, bits: Uint32Array): boolean {
  for (let index = 0; index < values.length; index++) {
    if (Number.isNaN(values[index]!) && isStale(bits, index)) return true;
  }
  return false;
}

function pick(column: Float64Array, indexes: readonly number[]): Float64Array {
  const picked = new Float64Array(indexes.length);
  for (let index = 0; index < indexes.length; index++) picked[index] = column[indexes[index]!]!;
  return picked;
}
