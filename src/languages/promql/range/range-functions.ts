import { PromqlError } from "../error.ts";
import { quantileOf } from "../execute/quantile.ts";
import { type StepSeries, setFloat } from "../execute/step-series.ts";
import type { MatrixPlan, SubqueryPlan } from "../plan/plan.ts";
import { countTransitions } from "./changes.ts";
import { lastDifferences } from "./irate.ts";
import {
  averageOverTime,
  countOverTime,
  edgeOverTime,
  maxOf,
  medianDeviation,
  minOf,
  overFloats,
  presentOverTime,
  sumOverTime,
  timeOfExtreme,
  variance,
} from "./over-time.ts";
import { extrapolatedRates, type RateKind } from "./rate.ts";
import { extendedRates } from "./rate-extended.ts";
import { derivatives, predictions, smoothings } from "./regression.ts";
import type { Windows } from "./windows.ts";

/** `anchored` or `smoothed` on the range, or neither. */
export type Extension = "anchored" | "smoothed" | undefined;

/** Fills `out` from the windows of one series; `args` are the scalar arguments in order, shape [steps] each. */
export type RangeFunction = (
  windows: Windows,
  out: StepSeries,
  args: readonly Float64Array[],
  extension: Extension,
) => void;

const rateOf =
  (kind: RateKind): RangeFunction =>
  (windows, out, _args, extension) => {
    if (extension === undefined) extrapolatedRates(windows, out, kind);
    else extendedRates(windows, out, kind, extension === "smoothed");
  };

/** The functions over range vectors. `absent_over_time` is `present_over_time`, turned round afterwards. */
export const rangeFunctions: ReadonlyMap<string, RangeFunction> = new Map<string, RangeFunction>([
  ["absent_over_time", presentOverTime],
  ["avg_over_time", averageOverTime],
  ["changes", (windows, out, _args, extension) => countTransitions(windows, out, "changes", extension === "anchored")],
  ["count_over_time", countOverTime],
  ["delta", rateOf({ counter: false, perSecond: false })],
  ["deriv", derivatives],
  ["double_exponential_smoothing", (windows, out, args) => smoothings(windows, out, args[0]!, args[1]!)],
  ["first_over_time", (windows, out) => edgeOverTime(windows, out, "first", "value")],
  ["idelta", (windows, out) => lastDifferences(windows, out, false)],
  ["increase", rateOf({ counter: true, perSecond: false })],
  ["irate", (windows, out) => lastDifferences(windows, out, true)],
  ["last_over_time", (windows, out) => edgeOverTime(windows, out, "last", "value")],
  ["mad_over_time", (windows, out) => overFloats(windows, out, medianDeviation)],
  ["max_over_time", (windows, out) => overFloats(windows, out, maxOf)],
  ["min_over_time", (windows, out) => overFloats(windows, out, minOf)],
  ["predict_linear", (windows, out, args) => predictions(windows, out, args[0]!)],
  ["present_over_time", presentOverTime],
  ["quantile_over_time", quantilesOverTime],
  ["rate", rateOf({ counter: true, perSecond: true })],
  ["resets", (windows, out, _args, extension) => countTransitions(windows, out, "resets", extension === "anchored")],
  [
    "stddev_over_time",
    (windows, out) => overFloats(windows, out, (values, first, end) => Math.sqrt(variance(values, first, end))),
  ],
  ["stdvar_over_time", (windows, out) => overFloats(windows, out, variance)],
  ["sum_over_time", sumOverTime],
  ["ts_of_first_over_time", (windows, out) => edgeOverTime(windows, out, "first", "time")],
  ["ts_of_last_over_time", (windows, out) => edgeOverTime(windows, out, "last", "time")],
  ["ts_of_max_over_time", (windows, out) => overFloats(windows, out, timeOfExtreme(1))],
  ["ts_of_min_over_time", (windows, out) => overFloats(windows, out, timeOfExtreme(-1))],
]);

function quantilesOverTime(windows: Windows, out: StepSeries, args: readonly Float64Array[]): void {
  const { floats, floatBounds, hasHistograms, annotations } = windows;
  for (let step = 0; step < out.kinds.length; step++) {
    const first = floatBounds.first[step]!;
    const end = floatBounds.end[step]!;
    if (first === end) continue;
    const quantile = args[0]![step]!;
    if (!(quantile >= 0 && quantile <= 1)) annotations.invalidQuantile(quantile, windows.position);
    if (hasHistograms && windows.histogramBounds.end[step]! > windows.histogramBounds.first[step]!)
      annotations.histogramIgnoredInMixedRange(windows.metric, windows.position);
    setFloat(out, step, quantileOf(quantile, floats.values.subarray(first, end)));
  }
}

const ANCHORED = ["changes", "delta", "increase", "rate", "resets"];
const SMOOTHED = ["delta", "increase", "rate"];

/** @throws PromqlError where the function cannot deal with an anchored or smoothed range */
export function extensionOf(name: string, range: MatrixPlan | SubqueryPlan): Extension {
  const extension = range.kind === "matrix" ? range.selector.extension : undefined;
  if (extension === undefined) return undefined;
  const allowed = extension === "anchored" ? ANCHORED : SMOOTHED;
  if (!allowed.includes(name))
    throw new PromqlError(
      "execution",
      `${extension} modifier can only be used with: ${allowed.join(", ")} - not with ${name}`,
    );
  return extension;
}
