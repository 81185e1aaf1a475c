import { CounterResetHint, type FloatHistogram } from "../../../series/float-histogram.ts";
import { sameBounds } from "../../../series/histogram-buckets.ts";
import { detectReset } from "../../../series/histogram-reset.ts";
import { compareLabels, type Labels } from "../../../series/labels.ts";
import type { Matcher, Queryable, SelectHints, SeriesColumns } from "../../../series/queryable.ts";
import { bitsOf, setStale } from "../../../series/stale.ts";
import { nhcbSeries } from "./nhcb.ts";
import type { LoadCommand, LoadedSeries } from "./parse-script.ts";
import type { SequenceValue } from "./sequence.ts";

interface Sample {
  readonly timeMs: number;
  readonly startMs: number;
  readonly value: SequenceValue;
}

/** What a script has loaded, in memory. */
export class Fixture implements Queryable {
  readonly #samples = new Map<string, { labels: Labels; samples: Sample[] }>();
  #columns: SeriesColumns[] | undefined;

  load(command: LoadCommand): void {
    for (const series of command.series) this.#append(command.stepMs, series);
    if (command.withNhcb) for (const series of nhcbSeries(command.series)) this.#append(command.stepMs, series);
    this.#columns = undefined;
  }

  #append(stepMs: number, { labels, values, startOffsetsMs }: LoadedSeries): void {
    const stored = this.#samples.get(labels.key) ?? { labels, samples: [] };
    this.#samples.set(labels.key, stored);
    values.forEach((value, index) => {
      if (value.kind === "omitted") return;
      const timeMs = index * stepMs;
      const offset = startOffsetsMs?.[index];
      stored.samples.push({ timeMs, startMs: offset === undefined ? 0 : timeMs + offset, value });
    });
    stored.samples.sort((left, right) => left.timeMs - right.timeMs);
  }

  select(matchers: readonly Matcher[], { minTimeMs, maxTimeMs }: SelectHints): SeriesColumns[] {
    this.#columns ??= [...this.#samples.values()]
      .map(({ labels, samples }) => columnsOf(labels, samples))
      .sort((left, right) => compareLabels(left.labels, right.labels));
    const selected: SeriesColumns[] = [];
    for (const columns of this.#columns) {
      if (!matchers.every((matcher) => matcher.matches(columns.labels.get(matcher.name)))) continue;
      const inRange = slice(columns, minTimeMs, maxTimeMs);
      if (inRange.timestamps.length > 0) selected.push(inRange);
    }
    return selected;
  }

  labelNames(matchers: readonly Matcher[], hints: SelectHints): string[] {
    const names = new Set<string>();
    for (const { labels } of this.select(matchers, hints)) for (const [name] of labels.entries()) names.add(name);
    return [...names].sort();
  }

  labelValues(name: string, matchers: readonly Matcher[], hints: SelectHints): string[] {
    const values = new Set(this.select(matchers, hints).map(({ labels }) => labels.get(name)));
    values.delete("");
    return [...values].sort();
  }
}

function columnsOf(labels: Labels, samples: readonly Sample[]): SeriesColumns {
  const values = new Float64Array(samples.length);
  const bits = bitsOf(values);
  const histograms: (FloatHistogram | undefined)[] = new Array(samples.length);
  let previous: FloatHistogram | undefined;
  samples.forEach(({ value }, index) => {
    if (value.kind === "float") values[index] = value.value;
    else if (value.kind === "stale") setStale(bits, index);
    else if (value.kind === "histogram") {
      values[index] = Number.NaN;
      histograms[index] = { ...value.histogram, counterResetHint: storedHint(value.histogram, previous) };
    }
    previous = value.kind === "histogram" ? histograms[index] : undefined;
  });
  return {
    labels,
    timestamps: Float64Array.from(samples, ({ timeMs }) => timeMs),
    values,
    histograms: samples.some(({ value }) => value.kind === "histogram") ? histograms : undefined,
    startTimestamps: samples.some(({ startMs }) => startMs !== 0)
      ? Float64Array.from(samples, ({ startMs }) => startMs)
      : undefined,
  };
}

/**
 * The counter reset hint that a sample has after Prometheus has stored it: chunks are cut at resets and changes of
 * layout, so that inside a chunk there is no reset; of a chunk's first sample nothing is known.
 */
function storedHint(histogram: FloatHistogram, previous: FloatHistogram | undefined): CounterResetHint {
  const { Unknown, Reset, NotReset, Gauge } = CounterResetHint;
  if (histogram.counterResetHint === Gauge) return Gauge;
  if (histogram.counterResetHint === Reset) return Unknown;
  if (previous === undefined || previous.counterResetHint === Gauge) return Unknown;
  const sameLayout =
    histogram.schema === previous.schema &&
    histogram.zeroThreshold === previous.zeroThreshold &&
    sameBounds(histogram.customValues, previous.customValues);
  const unhinted = { ...histogram, counterResetHint: Unknown };
  return !sameLayout || detectReset(unhinted, previous) ? Unknown : NotReset;
}

function slice(columns: SeriesColumns, minTimeMs: number, maxTimeMs: number): SeriesColumns {
  const { labels, timestamps, values, histograms, startTimestamps } = columns;
  const from = timestamps.findIndex((time) => time >= minTimeMs);
  const start = from === -1 ? timestamps.length : from;
  let end = start;
  while (end < timestamps.length && timestamps[end]! <= maxTimeMs) end++;
  return {
    labels,
    timestamps: timestamps.slice(start, end),
    values: values.slice(start, end),
    histograms: histograms?.slice(start, end),
    startTimestamps: startTimestamps?.slice(start, end),
  };
}
