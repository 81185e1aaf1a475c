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
 * Functions that map each sample of a vector to a float, in place. `scalars` are the arguments behind the vector,
 * shape [steps] each. Undefined where `name` is no such function.
 */
export function mapSamples(
  name: string,
  list: StepSeries[],
  scalars: readonly Float64Array[],
): StepSeries[] | undefined {
  const float = floatFunctions[name];
  if (float !== undefined) return mapFloats(list, float);
  const date = dateFunctions[name];
  if (date !== undefined) return mapFloats(list, (seconds) => date(new Date(Math.trunc(seconds) * 1000)));
  const histogram = histogramFunctions[name];
  if (histogram !== undefined) return mapHistograms(list, histogram);
  switch (name) {
    case "clamp":
      return clamp(list, scalars[0], scalars[1]);
    case "clamp_max":
      return clamp(list, undefined, scalars[0]);
    case "clamp_min":
      return clamp(list, scalars[0], undefined);
    case "round":
      return round(list, scalars[0]);
    default:
      return undefined;
  }
}

/** A date function without argument: of the evaluation time. */
export function dateOfSteps(name: string, grid: Grid, out: StepSeries): void {
  const date = dateFunctions[name]!;
  for (let step = 0; step < grid.steps; step++)
    setFloat(out, step, date(new Date(Math.floor(timeOf(grid, step) / 1000) * 1000)));
}

function mapFloats(list: StepSeries[], compute: (value: number, step: number) => number): StepSeries[] {
  for (const series of list) {
    const { kinds, values } = series;
    for (let step = 0; step < kinds.length; step++) {
      if (kinds[step] === FLOAT) values[step] = compute(values[step]!, step);
      else kinds[step] = ABSENT;
    }
    series.histograms = undefined;
    series.dropName = true;
  }
  return list;
}

function mapHistograms(list: StepSeries[], compute: (histogram: FloatHistogram) => number): StepSeries[] {
  for (const series of list) {
    const { kinds } = series;
    for (let step = 0; step < kinds.length; step++) {
      if (kinds[step] === HISTOGRAM) setFloat(series, step, compute(histogramAt(series, step)));
      else kinds[step] = ABSENT;
    }
    series.histograms = undefined;
    series.dropName = true;
  }
  return list;
}

function clamp(list: StepSeries[], least: Float64Array | undefined, most: Float64Array | undefined): StepSeries[] {
  mapFloats(list, (value, step) => {
    const low = least === undefined ? Number.NEGATIVE_INFINITY : least[step]!;
    const high = most === undefined ? Number.POSITIVE_INFINITY : most[step]!;
    return goMax(low, goMin(high, value));
  });
  if (least === undefined || most === undefined) return list;
  // Nothing lies between bounds that are crossed.
  for (const { kinds } of list) {
    for (let step = 0; step < kinds.length; step++) if (most[step]! < least[step]!) kinds[step] = ABSENT;
  }
  return list;
}

/** Halves are rounded up. Multiplying by the inverse is more accurate than dividing. */
function round(list: StepSeries[], nearest: Float64Array | undefined): StepSeries[] {
  return mapFloats(list, (value, step) => {
    const inverse = 1 / (nearest === undefined ? 1 : nearest[step]!);
    return Math.floor(value * inverse + 0.5) / inverse;
  });
}
