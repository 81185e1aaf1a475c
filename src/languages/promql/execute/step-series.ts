import type { FloatHistogram } from "../../../series/float-histogram.ts";
import type { Labels } from "../../../series/labels.ts";
import { PromqlError } from "../error.ts";

/** What a step of a series holds. */
export const ABSENT = 0;
export const FLOAT = 1;
export const HISTOGRAM = 2;

/**
 * One series of an evaluation, aligned to its step grid. Whoever receives one from an evaluation owns it and may write
 * into its columns; while streaming (`each`) it is only lent until the visitor returns.
 */
export interface StepSeries {
  labels: Labels;
  /** The name (and type and unit) will be removed at the end of the query; until then it can still be used. */
  dropName: boolean;
  /** ABSENT, FLOAT or HISTOGRAM, shape [steps]. */
  readonly kinds: Uint8Array;
  /** Shape [steps]; meaningless where the kind is not FLOAT. */
  readonly values: Float64Array;
  /** Shape [steps]; present once any step holds a histogram. Histograms are shared: copy before changing one. */
  histograms: (FloatHistogram | undefined)[] | undefined;
}

export function newStepSeries(labels: Labels, dropName: boolean, steps: number): StepSeries {
  return {
    labels,
    dropName,
    kinds: new Uint8Array(steps),
    values: new Float64Array(steps),
    histograms: undefined,
  };
}

export function setFloat(series: StepSeries, step: number, value: number): void {
  series.kinds[step] = FLOAT;
  series.values[step] = value;
}

export function setHistogram(series: StepSeries, step: number, histogram: FloatHistogram): void {
  series.kinds[step] = HISTOGRAM;
  series.histograms ??= new Array(series.kinds.length);
  series.histograms[step] = histogram;
}

/** The histogram of a step whose kind is HISTOGRAM. */
export function histogramAt(series: StepSeries, step: number): FloatHistogram {
  return series.histograms![step]!;
}

/** Empties a series so that its columns can be filled for another one. */
export function clearSeries(series: StepSeries): void {
  series.kinds.fill(ABSENT);
  series.histograms = undefined;
}

/** A copy with columns of its own. */
export function copySeries(series: StepSeries): StepSeries {
  return {
    labels: series.labels,
    dropName: series.dropName,
    kinds: series.kinds.slice(),
    values: series.values.slice(),
    histograms: series.histograms?.slice(),
  };
}

/** Number of steps that hold a sample. */
export function countSamples(series: StepSeries): number {
  const { kinds } = series;
  let count = 0;
  for (let step = 0; step < kinds.length; step++) if (kinds[step] !== ABSENT) count++;
  return count;
}

export function hasSamples(series: StepSeries): boolean {
  const { kinds } = series;
  for (let step = 0; step < kinds.length; step++) if (kinds[step] !== ABSENT) return true;
  return false;
}

/** Repeats the sample of a single-step series over `steps` steps. */
export function broadcast(series: StepSeries, steps: number): StepSeries {
  const wide = newStepSeries(series.labels, series.dropName, steps);
  wide.kinds.fill(series.kinds[0]!);
  wide.values.fill(series.values[0]!);
  if (series.histograms !== undefined) wide.histograms = new Array(steps).fill(series.histograms[0]);
  return wide;
}

/**
 * Merges series with equal labels into one, in the order of their first appearance.
 * @throws PromqlError where two of them hold a sample at the same step
 */
export function mergeSameLabels(list: StepSeries[]): StepSeries[] {
  const byLabels = new Map<string, StepSeries>();
  let merged = false;
  for (const series of list) {
    const first = byLabels.get(series.labels.key);
    if (first === undefined) {
      byLabels.set(series.labels.key, series);
      continue;
    }
    merged = true;
    mergeInto(first, series);
  }
  return merged ? [...byLabels.values()] : list;
}

function mergeInto(target: StepSeries, other: StepSeries): void {
  for (let step = 0; step < target.kinds.length; step++) {
    const kind = other.kinds[step]!;
    if (kind === ABSENT) continue;
    if (target.kinds[step] !== ABSENT)
      throw new PromqlError("execution", "vector cannot contain metrics with the same labelset");
    if (kind === FLOAT) setFloat(target, step, other.values[step]!);
    else setHistogram(target, step, histogramAt(other, step));
  }
}
