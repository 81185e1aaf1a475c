import { CounterResetHint, type FloatHistogram } from "./float-histogram.ts";
import { formatG } from "./format-value.ts";
import { compactHistogram } from "./histogram-arithmetic.ts";
import {
  type Bucket,
  negativeBuckets,
  positiveBuckets,
  sideOf,
  usesCustomBuckets,
  zeroBucket,
} from "./histogram-buckets.ts";

/** `{count:3, sum:7, (1,2]:3}`, as Prometheus prints a native histogram in label values and messages. */
export function histogramText(histogram: FloatHistogram): string {
  const parts = [`count:${formatG(histogram.count)}`, `sum:${formatG(histogram.sum)}`];
  for (const bucket of negativeBuckets(histogram).reverse()) if (bucket.count !== 0) parts.push(bucketText(bucket));
  if (histogram.zeroCount !== 0) parts.push(bucketText(zeroBucket(histogram)));
  for (const bucket of positiveBuckets(histogram)) if (bucket.count !== 0) parts.push(bucketText(bucket));
  return `{${parts.join(", ")}}`;
}

function bucketText(bucket: Bucket): string {
  const left = bucket.lowerInclusive ? "[" : "(";
  const right = bucket.upperInclusive ? "]" : ")";
  return `${left}${formatG(bucket.lower)},${formatG(bucket.upper)}${right}:${formatG(bucket.count)}`;
}

const HINT_WORDS: Readonly<Record<CounterResetHint, string>> = {
  [CounterResetHint.Unknown]: "",
  [CounterResetHint.Reset]: "counter_reset_hint:reset",
  [CounterResetHint.NotReset]: "counter_reset_hint:not_reset",
  [CounterResetHint.Gauge]: "counter_reset_hint:gauge",
};

/** `{{schema:1 count:3 sum:7 buckets:[3]}}`, as test scripts write a native histogram. */
export function histogramExpression(histogram: FloatHistogram): string {
  const compact = compactHistogram(histogram);
  const parts: string[] = [];
  if (compact.schema !== 0) parts.push(`schema:${compact.schema}`);
  if (compact.count !== 0) parts.push(`count:${formatG(compact.count)}`);
  if (compact.sum !== 0) parts.push(`sum:${formatG(compact.sum)}`);
  if (compact.zeroCount !== 0) parts.push(`z_bucket:${formatG(compact.zeroCount)}`);
  if (compact.zeroThreshold !== 0) parts.push(`z_bucket_w:${formatG(compact.zeroThreshold)}`);
  if (usesCustomBuckets(compact)) parts.push(`custom_values:[${(compact.customValues ?? []).map(formatG).join(" ")}]`);
  if (HINT_WORDS[compact.counterResetHint] !== "") parts.push(HINT_WORDS[compact.counterResetHint]);
  parts.push(...sideText(compact.positiveSpans, compact.positiveBuckets, ""));
  parts.push(...sideText(compact.negativeSpans, compact.negativeBuckets, "n_"));
  return `{{${parts.join(" ")}}}`;
}

function sideText(spans: FloatHistogram["positiveSpans"], buckets: readonly number[], prefix: string): string[] {
  const { indexes, counts } = sideOf(spans, buckets);
  const first = indexes[0];
  if (first === undefined) return [];
  const dense: number[] = new Array(indexes.at(-1)! - first + 1).fill(0);
  indexes.forEach((index, position) => {
    dense[index - first] = counts[position]!;
  });
  const offset = first === 0 ? [] : [`${prefix}offset:${first}`];
  return [...offset, `${prefix}buckets:[${dense.map(formatG).join(" ")}]`];
}
