import { CounterResetHint, CUSTOM_BUCKETS_SCHEMA } from "../../../series/float-histogram.ts";
import { compactHistogram } from "../../../series/histogram-arithmetic.ts";
import { type Labels, METRIC_NAME } from "../../../series/labels.ts";
import type { LoadedSeries } from "./parse-script.ts";
import type { SequenceValue } from "./sequence.ts";

interface Classic {
  readonly labels: Labels;
  /** By step, then by upper bound: the cumulative count. */
  readonly buckets: Map<number, Map<number, number>>;
  readonly sums: Map<number, number>;
  readonly counts: Map<number, number>;
}

/** Native histograms with custom buckets that hold what classic `_bucket`, `_sum` and `_count` series hold. */
export function nhcbSeries(series: readonly LoadedSeries[]): LoadedSeries[] {
  const classics = new Map<string, Classic>();
  for (const { labels, values } of series) {
    const match = /^(.*)_(bucket|sum|count)$/.exec(labels.get(METRIC_NAME));
    if (match === null) continue;
    const upper = boundOf(labels.get("le"));
    if (match[2] === "bucket" && upper === undefined) continue;
    const base = labels.with(METRIC_NAME, match[1]!).with("le", "");
    const classic: Classic = classics.get(base.key) ?? {
      labels: base,
      buckets: new Map(),
      sums: new Map(),
      counts: new Map(),
    };
    classics.set(base.key, classic);
    values.forEach((value, step) => {
      if (value.kind !== "float") return;
      if (match[2] === "sum") classic.sums.set(step, value.value);
      else if (match[2] === "count") classic.counts.set(step, value.value);
      else {
        const atStep = classic.buckets.get(step) ?? new Map<number, number>();
        classic.buckets.set(step, atStep.set(upper!, value.value));
      }
    });
  }
  return [...classics.values()].map((classic) => ({ labels: classic.labels, values: valuesOf(classic) }));
}

function boundOf(text: string): number | undefined {
  if (/^\+?Inf$/.test(text)) return Number.POSITIVE_INFINITY;
  const value = text === "" ? Number.NaN : Number(text);
  return Number.isNaN(value) ? undefined : value;
}

function valuesOf({ buckets, sums, counts }: Classic): SequenceValue[] {
  const steps = [...buckets.keys(), ...sums.keys(), ...counts.keys()];
  const values: SequenceValue[] = Array.from({ length: Math.max(...steps) + 1 }, () => ({ kind: "omitted" }));
  for (const step of new Set(steps)) {
    const sorted = [...(buckets.get(step) ?? [])].sort(([left], [right]) => left - right);
    const count = counts.get(step) ?? sorted.at(-1)?.[1] ?? 0;
    if (sorted.at(-1)?.[0] !== Number.POSITIVE_INFINITY) sorted.push([Number.POSITIVE_INFINITY, count]);
    const histogram = compactHistogram({
      counterResetHint: CounterResetHint.Unknown,
      schema: CUSTOM_BUCKETS_SCHEMA,
      zeroThreshold: 0,
      zeroCount: 0,
      count,
      sum: sums.get(step) ?? 0,
      positiveSpans: [{ offset: 0, length: sorted.length }],
      negativeSpans: [],
      positiveBuckets: sorted.map(([, cumulative], index) => cumulative - (sorted[index - 1]?.[1] ?? 0)),
      negativeBuckets: [],
      customValues: sorted.slice(0, -1).map(([upper]) => upper),
    });
    values[step] = { kind: "histogram", histogram, hintGiven: false };
  }
  return values;
}
