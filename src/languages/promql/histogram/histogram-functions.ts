import { formatG } from "../../../series/format-value.ts";
import type { Labels } from "../../../series/labels.ts";
import type { Evaluator } from "../execute/evaluator.ts";
import { type Grid, timeOf } from "../execute/grid.ts";
import type { Pacer } from "../execute/pacer.ts";
import {
  FLOAT,
  HISTOGRAM,
  hasSamples,
  histogramAt,
  newStepSeries,
  type StepSeries,
  setFloat,
} from "../execute/step-series.ts";
import type { CallPlan, PlanNode } from "../plan/plan.ts";
import { type ClassicBucket, classicFraction, classicQuantile } from "./classic-buckets.ts";
import { histogramFraction, histogramQuantile } from "./histogram-statistics.ts";

const BUCKET_LABEL = "le";

/** The series of one classic histogram, sorted by bound. */
interface ClassicHistogram {
  readonly labels: Labels;
  readonly buckets: { readonly upper: number; readonly series: StepSeries }[];
}

/** The histograms of a vector: classic ones put together from their buckets, native ones as they are. */
interface Histograms {
  readonly classic: Map<string, ClassicHistogram>;
  readonly native: StepSeries[];
}

/** `histogram_quantile(q, v)`. */
export async function histogramQuantiles(evaluator: Evaluator, call: CallPlan, grid: Grid): Promise<StepSeries[]> {
  const [quantile, vector] = call.args as [PlanNode, PlanNode];
  const values = await evaluator.scalar(quantile, grid);
  const histograms = await gather(evaluator, vector, grid);
  warnOfQuantiles(evaluator, quantile, values);
  return estimateQuantiles(evaluator, vector, grid, histograms, values, (labels) => labels);
}

/** `histogram_quantiles(v, label, q, …)`: all at once, told apart by the label. */
export async function manyQuantiles(evaluator: Evaluator, call: CallPlan, grid: Grid): Promise<StepSeries[]> {
  const [vector, label, ...quantiles] = call.args as [PlanNode, PlanNode, ...PlanNode[]];
  const name = label.kind === "string" ? label.value : "";
  const histograms = await gather(evaluator, vector, grid);
  const result: StepSeries[] = [];
  for (const quantile of quantiles) {
    const values = await evaluator.scalar(quantile, grid);
    warnOfQuantiles(evaluator, quantile, values);
    for (const distinct of new Set(values)) {
      const only = values.map((value) => (Object.is(value, distinct) ? value : Number.NEGATIVE_INFINITY));
      const estimated = await estimateQuantiles(evaluator, vector, grid, histograms, only, (labels) =>
        labels.with(name, formatOpenMetrics(distinct)),
      );
      for (const series of estimated) {
        for (let step = 0; step < grid.steps; step++) if (!Object.is(values[step], distinct)) series.kinds[step] = 0;
        if (hasSamples(series)) result.push(series);
      }
    }
  }
  return result;
}

/** `histogram_fraction(lower, upper, v)`. */
export async function histogramFractions(evaluator: Evaluator, call: CallPlan, grid: Grid): Promise<StepSeries[]> {
  const [lowerArg, upperArg, vector] = call.args as [PlanNode, PlanNode, PlanNode];
  const lower = await evaluator.scalar(lowerArg, grid);
  const upper = await evaluator.scalar(upperArg, grid);
  const histograms = await gather(evaluator, vector, grid);
  const { annotations } = evaluator.context;
  return estimate(
    evaluator.context.pacer,
    grid,
    histograms,
    (labels) => labels,
    (step, buckets) => classicFraction(lower[step]!, upper[step]!, buckets),
    (step, series) => {
      const context = { annotations, metric: series.labels.get("__name__"), position: vector.position };
      return histogramFraction(lower[step]!, upper[step]!, histogramAt(series, step), context);
    },
  );
}

function estimateQuantiles(
  evaluator: Evaluator,
  vector: PlanNode,
  grid: Grid,
  histograms: Histograms,
  quantiles: Float64Array,
  labelled: (labels: Labels) => Labels,
): Promise<StepSeries[]> {
  const { annotations } = evaluator.context;
  return estimate(
    evaluator.context.pacer,
    grid,
    histograms,
    labelled,
    (step, buckets, labels) => {
      const { value, forced } = classicQuantile(quantiles[step]!, buckets);
      if (forced !== undefined)
        annotations.forcedMonotonicity(labels.get("__name__"), vector.position, timeOf(grid, step), forced);
      return value;
    },
    (step, series) => {
      const context = { annotations, metric: series.labels.get("__name__"), position: vector.position };
      return histogramQuantile(quantiles[step]!, histogramAt(series, step), context);
    },
  );
}

async function estimate(
  pacer: Pacer,
  grid: Grid,
  { classic, native }: Histograms,
  labelled: (labels: Labels) => Labels,
  ofClassic: (step: number, buckets: readonly ClassicBucket[], labels: Labels) => number,
  ofNative: (step: number, series: StepSeries) => number,
): Promise<StepSeries[]> {
  const result: StepSeries[] = [];
  for (const series of native) {
    if (pacer.due()) await pacer.breathe();
    const out = newStepSeries(labelled(series.labels), true, grid.steps);
    for (let step = 0; step < grid.steps; step++) {
      if (series.kinds[step] === HISTOGRAM) setFloat(out, step, ofNative(step, series));
    }
    if (hasSamples(out)) result.push(out);
  }
  for (const { labels, buckets } of classic.values()) {
    if (pacer.due()) await pacer.breathe();
    const out = newStepSeries(labelled(labels), true, grid.steps);
    for (let step = 0; step < grid.steps; step++) {
      const present: ClassicBucket[] = [];
      for (const { upper, series } of buckets)
        if (series.kinds[step] === FLOAT) present.push({ upper, count: series.values[step]! });
      if (present.length > 0) setFloat(out, step, ofClassic(step, present, labels));
    }
    if (hasSamples(out)) result.push(out);
  }
  return result;
}

/** Evaluates a vector and tells its histograms apart; where both kinds have one name and labels, neither counts. */
async function gather(evaluator: Evaluator, vector: PlanNode, grid: Grid): Promise<Histograms> {
  const { annotations } = evaluator.context;
  const classic = new Map<string, ClassicHistogram>();
  const native: StepSeries[] = [];
  for (const series of await evaluator.vector(vector, grid)) {
    const { kinds, labels } = series;
    if (kinds.includes(HISTOGRAM)) native.push(series);
    if (!kinds.includes(FLOAT)) continue;
    const le = labels.get(BUCKET_LABEL);
    const upper = parseBound(le);
    if (upper === undefined) {
      annotations.badBucketLabel(labels.get("__name__"), le, vector.position);
      continue;
    }
    const own = labels.without(new Set([BUCKET_LABEL]));
    const known = classic.get(own.key);
    if (known === undefined) classic.set(own.key, { labels: own, buckets: [{ upper, series }] });
    else known.buckets.push({ upper, series });
  }
  for (const { buckets } of classic.values()) buckets.sort((left, right) => left.upper - right.upper);
  for (const series of native) {
    const twin = classic.get(series.labels.key);
    if (twin === undefined) continue;
    for (let step = 0; step < grid.steps; step++) {
      if (series.kinds[step] !== HISTOGRAM) continue;
      if (!twin.buckets.some((bucket) => bucket.series.kinds[step] === FLOAT)) continue;
      annotations.mixedClassicNativeHistograms(series.labels.get("__name__"), vector.position);
      series.kinds[step] = 0;
      for (const bucket of twin.buckets) bucket.series.kinds[step] = 0;
    }
  }
  return { classic, native };
}

function warnOfQuantiles(evaluator: Evaluator, quantile: PlanNode, values: Float64Array): void {
  for (const value of values) {
    if (!(value >= 0 && value <= 1)) evaluator.context.annotations.invalidQuantile(value, quantile.position);
  }
}

/** A float as Go's `strconv.ParseFloat` reads it. */
function parseBound(text: string): number | undefined {
  if (/^\+?inf(?:inity)?$/i.test(text)) return Number.POSITIVE_INFINITY;
  if (/^-inf(?:inity)?$/i.test(text)) return Number.NEGATIVE_INFINITY;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

/** A float as OpenMetrics writes label values: with a point or an exponent. */
function formatOpenMetrics(value: number): string {
  const text = formatG(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
