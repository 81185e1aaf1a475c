import { PromqlError } from "../error.ts";
import type { FloatColumn, RangeSeries } from "../range/range-series.ts";
import { interpolateFloats } from "./interpolate.ts";

/**
 * What `v[5m] anchored` or `v[5m] smoothed` gives on its own: the samples inside the window, and one at each of its
 * borders. Source: Prometheus promql/engine.go, extendFloats. @throws PromqlError for native histograms
 */
export function extendRanges(
  list: readonly RangeSeries[],
  startMs: number,
  endMs: number,
  extension: "anchored" | "smoothed",
): RangeSeries[] {
  const extended: RangeSeries[] = [];
  for (const series of list) {
    if (series.histograms !== undefined)
      throw new PromqlError("execution", `${extension} modifier is not supported with histograms`);
    const floats = extend(series.floats, startMs, endMs, extension === "smoothed");
    if (floats !== undefined) extended.push({ ...series, floats });
  }
  return extended;
}

function extend(
  { timestamps, values }: FloatColumn,
  startMs: number,
  endMs: number,
  smoothed: boolean,
): FloatColumn | undefined {
  if (timestamps.length === 0) return undefined;
  let last = timestamps.length - 1;
  let after = 0;
  while (after < last && timestamps[after]! <= startMs) after++;
  const first = Math.max(0, after - 1);
  if (smoothed) {
    const end = timestamps.findIndex((time) => time >= endMs);
    last = end === -1 ? last : end;
  }
  if (timestamps[last]! <= startMs) return undefined;
  const sample = (index: number) => ({ time: timestamps[index]!, value: values[index]! });
  const left =
    smoothed && timestamps[first]! < startMs
      ? interpolateFloats(sample(first), sample(first + 1), startMs, false)
      : values[first]!;
  const right =
    smoothed && last > 0 && timestamps[last]! > endMs
      ? interpolateFloats(sample(last - 1), sample(last), endMs, false)
      : values[last]!;
  const from = timestamps[first]! <= startMs ? first + 1 : first;
  const to = timestamps[last]! >= endMs ? last - 1 : last;
  return {
    timestamps: Float64Array.of(startMs, ...timestamps.subarray(from, to + 1), endMs),
    values: Float64Array.of(left, ...values.subarray(from, to + 1), right),
  };
}
