import type { FloatHistogram } from "../../../series/float-histogram.ts";
import { compareLabels, Labels } from "../../../series/labels.ts";
import { DESCRIPTIVE_LABELS } from "../binary/vector-matching.ts";
import { type RangeSeries, timesOf } from "../range/range-series.ts";
import type { MatrixSeries, QueryValue, VectorSample } from "../result.ts";
import { type Grid, timeOf } from "./grid.ts";
import type { Pacer } from "./pacer.ts";
import { FLOAT, HISTOGRAM, hasSamples, histogramAt, mergeSameLabels, type StepSeries } from "./step-series.ts";

/**
 * Removes the names that were only kept for operators further out, and merges what then looks alike.
 * @throws PromqlError where that puts two samples at one step
 */
export function dropNames(list: StepSeries[]): StepSeries[] {
  for (const series of list) if (series.dropName) series.labels = series.labels.without(DESCRIPTIVE_LABELS);
  return mergeSameLabels(list).filter(hasSamples);
}

/** The vector of a single step, in the order of the series. */
export function assembleVector(list: readonly StepSeries[], grid: Grid): QueryValue {
  const timeMs = timeOf(grid, 0);
  const samples: VectorSample[] = [];
  for (const series of list) {
    const { labels } = series;
    if (series.kinds[0] === FLOAT) samples.push({ labels, timeMs, value: series.values[0]! });
    else if (series.kinds[0] === HISTOGRAM)
      samples.push({ labels, timeMs, value: Number.NaN, histogram: histogramAt(series, 0) });
  }
  return { type: "vector", samples };
}

/** The matrix of a range query, ordered by labels. Takes over the series' columns. */
export async function assembleMatrix(list: readonly StepSeries[], grid: Grid, pacer: Pacer): Promise<QueryValue> {
  const times = timesOf(grid);
  const series: MatrixSeries[] = [];
  for (const one of list) {
    if (pacer.due()) await pacer.breathe();
    series.push(matrixSeries(one, times));
  }
  return { type: "matrix", series: sortByLabels(series) };
}

/** A scalar at every step, as the one series that a range query makes of it. */
export function assembleScalars(values: Float64Array, grid: Grid): QueryValue {
  const timestamps = Float64Array.from(values, (_, step) => timeOf(grid, step));
  return { type: "matrix", series: [{ labels: Labels.EMPTY, timestamps, values, ...NO_HISTOGRAMS }] };
}

const NO_HISTOGRAMS = { histogramTimestamps: new Float64Array(0), histograms: [] };

function matrixSeries(series: StepSeries, times: Float64Array): MatrixSeries {
  const { labels, kinds, values } = series;
  let floats = 0;
  for (let step = 0; step < kinds.length; step++) if (kinds[step] === FLOAT) floats++;
  if (floats === kinds.length) return { labels, timestamps: times, values, ...NO_HISTOGRAMS };
  const timestamps = new Float64Array(floats);
  const floatValues = new Float64Array(floats);
  const histogramTimes: number[] = [];
  const histograms: FloatHistogram[] = [];
  let at = 0;
  for (let step = 0; step < kinds.length; step++) {
    if (kinds[step] === FLOAT) {
      timestamps[at] = times[step]!;
      floatValues[at++] = values[step]!;
    } else if (kinds[step] === HISTOGRAM) {
      histogramTimes.push(times[step]!);
      histograms.push(histogramAt(series, step));
    }
  }
  return {
    labels,
    timestamps,
    values: floatValues,
    histogramTimestamps: Float64Array.from(histogramTimes),
    histograms,
  };
}

/** The raw samples of a range selector, as the matrix of an instant query. */
export function assembleRanges(list: readonly RangeSeries[], afterMs: number, untilMs: number): QueryValue {
  const series: MatrixSeries[] = [];
  for (const { labels, dropName, floats, histograms } of list) {
    const [from, to] = bounds(floats.timestamps, afterMs, untilMs);
    const times = histograms?.timestamps ?? NO_HISTOGRAMS.histogramTimestamps;
    const [histogramFrom, histogramTo] = bounds(times, afterMs, untilMs);
    if (from === to && histogramFrom === histogramTo) continue;
    series.push({
      labels: dropName ? labels.without(DESCRIPTIVE_LABELS) : labels,
      timestamps: floats.timestamps.slice(from, to),
      values: floats.values.slice(from, to),
      histogramTimestamps: times.slice(histogramFrom, histogramTo),
      histograms: histograms?.values.slice(histogramFrom, histogramTo) ?? [],
    });
  }
  return { type: "matrix", series: sortByLabels(series) };
}

function bounds(timestamps: Float64Array, afterMs: number, untilMs: number): [number, number] {
  let from = 0;
  while (from < timestamps.length && timestamps[from]! <= afterMs) from++;
  let to = from;
  while (to < timestamps.length && timestamps[to]! <= untilMs) to++;
  return [from, to];
}

function sortByLabels(series: MatrixSeries[]): MatrixSeries[] {
  return series.sort((left, right) => compareLabels(left.labels, right.labels));
}
