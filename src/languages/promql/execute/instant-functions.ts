import type { FloatHistogram } from "../../../series/float-histogram.ts";
import { histogramVariance } from "../histogram/histogram-statistics.ts";
import { goMax, goMin } from "./float-math.ts";
import { type Grid, timeOf } from "./grid.ts";
import { ABSENT, FLOAT, HISTOGRAM, histogramAt, type StepSeries, setFloat } from "./step-series.ts";

/** Functions of one float that know nothing else. */
const floatFunctions: Readonly<Record<string, (value: number) => number>> = {
  abs: Math.abs,
  acos: Math.acos,
  acosh: Math.acosh,
  asin: Math.asin,
  asinh: Math.asinh,
  atan: Math.atan,
  atanh: Math.atanh,
  ceil: Math.ceil,
  cos: Math.cos,
  cosh: Math.cosh,
  deg: (value) => (value * 180) / Math.PI,
  exp: Math.exp,
  floor: Math.floor,
  ln: Math.log,
  log10: Math.log10,
  log2: Math.log2,
  rad: (value) => (value * Math.PI) / 180,
  sgn: (value) => (value < 0 ? -1 : value > 0 ? 1 : value),
  sin: Math.sin,
  sinh: Math.sinh,
  sqrt: Math.sqrt,
  tan: Math.tan,
  tanh: Math.tanh,
};

/** Functions of a time in Unix seconds, UTC. */
const dateFunctions: Readonly<Record<string, (date: Date) => number>> = {
  day_of_month: (date) => date.getUTCDate(),
  day_of_week: (date) => date.getUTCDay(),
  day_of_year: (date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1,
  days_in_month: (date) => new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate(),
  hour: (date) => date.getUTCHours(),
  minute: (date) => date.getUTCMinutes(),
  month: (date) => date.getUTCMonth() + 1,
  year: (date) => date.getUTCFullYear(),
};

/** Functions of one native histogram that give a float. */
const histogramFunctions: Readonly<Record<string, (histogram: FloatHistogram) => number>> = {
  histogram_avg: (histogram) => histogram.sum / histogram.count,
  histogram_count: (histogram) => histogram.count,
  histogram_stddev: (histogram) => Math.sqrt(histogramVariance(histogram)),
  histogram_stdvar: histogramVariance,
  histogram_sum: (histogram) => histogram.sum,
};

/**
 * Functions that map each sample of a series to a float, in place. `scalars` are the arguments behind the vector, shape
 * [steps] each. False where `name` is no such function.
 */
export function mapSamples(name: string, series: StepSeries, scalars: readonly Float64Array[]): boolean {
  const float = floatFunctions[name];
  const date = dateFunctions[name];
  const histogram = histogramFunctions[name];
  if (float !== undefined) mapFloats(series, float);
  else if (date !== undefined) mapFloats(series, (seconds) => date(new Date(Math.trunc(seconds) * 1000)));
  else if (histogram !== undefined) mapHistograms(series, histogram);
  else if (name === "clamp") clamp(series, scalars[0], scalars[1]);
  else if (name === "clamp_max") clamp(series, undefined, scalars[0]);
  else if (name === "clamp_min") clamp(series, scalars[0], undefined);
  else if (name === "round") round(series, scalars[0]);
  else return false;
  return true;
}

/** A date function without argument: of the evaluation time. */
export function dateOfSteps(name: string, grid: Grid, out: StepSeries): void {
  const date = dateFunctions[name]!;
  for (let step = 0; step < grid.steps; step++)
    setFloat(out, step, date(new Date(Math.floor(timeOf(grid, step) / 1000) * 1000)));
}

function mapFloats(series: StepSeries, compute: (value: number, step: number) => number): void {
  const { kinds, values } = series;
  for (let step = 0; step < kinds.length; step++) {
    if (kinds[step] === FLOAT) values[step] = compute(values[step]!, step);
    else kinds[step] = ABSENT;
  }
  series.histograms = undefined;
  series.dropName = true;
}

function mapHistograms(series: StepSeries, compute: (histogram: FloatHistogram) => number): void {
  const { kinds } = series;
  for (let step = 0; step < kinds.length; step++) {
    if (kinds[step] === HISTOGRAM) setFloat(series, step, compute(histogramAt(series, step)));
    else kinds[step] = ABSENT;
  }
  series.histograms = undefined;
  series.dropName = true;
}

function clamp(series: StepSeries, least: Float64Array | undefined, most: Float64Array | undefined): void {
  mapFloats(series, (value, step) => {
    const low = least === undefined ? Number.NEGATIVE_INFINITY : least[step]!;
    const high = most === undefined ? Number.POSITIVE_INFINITY : most[step]!;
    return goMax(low, goMin(high, value));
  });
  if (least === undefined || most === undefined) return;
  // Nothing lies between bounds that are crossed.
  for (let step = 0; step < most.length; step++) if (most[step]! < least[step]!) series.kinds[step] = ABSENT;
}

/** Halves are rounded up. Multiplying by the inverse is more accurate than dividing. */
function round(series: StepSeries, nearest: Float64Array | undefined): void {
  mapFloats(series, (value, step) => {
    const inverse = 1 / (nearest === undefined ? 1 : nearest[step]!);
    return Math.floor(value * inverse + 0.5) / inverse;
  });
}
