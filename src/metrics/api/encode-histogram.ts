import type { BucketSpan, FloatHistogram } from "../../series/float-histogram.ts";
import { formatSampleValue } from "../../series/format-value.ts";
import { boundOf, sideOf } from "../../series/histogram-buckets.ts";

/** Which ends of a bucket belong to it. Source: Prometheus HTTP API, "Native histograms". */
const Boundary = { OpenLeft: 0, OpenRight: 1, ClosedBoth: 3 } as const;

/** `{"count":"…","sum":"…","buckets":[[rule,"lower","upper","count"],…]}`; empty buckets are left out. */
export function encodeHistogram(histogram: FloatHistogram): string {
  const { schema, customValues, zeroThreshold } = histogram;
  const buckets: string[] = [];
  const add = (rule: number, lower: number, upper: number, count: number): void => {
    if (count === 0) return;
    buckets.push(`[${rule},"${formatSampleValue(lower)}","${formatSampleValue(upper)}","${formatSampleValue(count)}"]`);
  };
  const bound = (index: number): number => boundOf(index, schema, customValues);
  for (const [index, count] of entries(histogram.negativeSpans, histogram.negativeBuckets).reverse()) {
    add(Boundary.OpenRight, -bound(index), -bound(index - 1), count);
  }
  add(Boundary.ClosedBoth, -zeroThreshold, zeroThreshold, histogram.zeroCount);
  for (const [index, count] of entries(histogram.positiveSpans, histogram.positiveBuckets)) {
    add(Boundary.OpenLeft, bound(index - 1), bound(index), count);
  }
  const list = buckets.length === 0 ? "" : `,"buckets":[${buckets.join(",")}]`;
  return `{"count":"${formatSampleValue(histogram.count)}","sum":"${formatSampleValue(histogram.sum)}"${list}}`;
}

function entries(spans: readonly BucketSpan[], counts: readonly number[]): [number, number][] {
  const side = sideOf(spans, counts);
  return side.indexes.map((index, position) => [index, side.counts[position] ?? 0]);
}
