import { ACTIVE_SERIES_MAX, STALE_AFTER_MS } from "./limits.ts";
import { STALE, type WrittenSeries } from "./remote-write-encode.ts";

/** Label names and values, flat, without the metric's name; in any order. */
export type LabelPairs = readonly string[];

export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  readonly atMs: number;
}

interface Series {
  readonly labels: LabelPairs;
  /** Counts per bucket (not cumulative), the last one for +Inf; undefined for a counter. */
  readonly buckets: Float64Array | undefined;
  /** Newest exemplar per bucket since the last collection. */
  readonly exemplars: (Exemplar | undefined)[];
  count: number;
  sum: number;
  updatedAtMs: number;
  /** False until its first collection, which also sends where it started from: zero. */
  sent: boolean;
}

/** One metric name with all its label sets. */
interface Family {
  readonly name: string;
  readonly bounds: readonly number[] | undefined;
  readonly series: Map<string, Series>;
}

/** Counters and histograms by label set, bounded in number, collected as remote-write series. */
export class SeriesRegistry {
  readonly #families: Family[] = [];
  #active = 0;
  #lastCollectionMs: number;
  /** Observations that got no series because of the limit. */
  limited = 0;
  removed = 0;

  constructor(nowMs: number) {
    this.#lastCollectionMs = nowMs;
  }

  /** Series that are sent at each collection. */
  get activeSeries(): number {
    return this.#active;
  }

  counter(name: string): (labels: LabelPairs, amount: number, nowMs: number) => void {
    const family: Family = { name, bounds: undefined, series: new Map() };
    this.#families.push(family);
    return (labels, amount, nowMs) => {
      const series = this.#series(family, labels, nowMs);
      if (series !== undefined) series.count += amount;
    };
  }

  /** `bounds` are the upper bounds in ascending order, without +Inf. */
  histogram(
    name: string,
    bounds: readonly number[],
  ): (labels: LabelPairs, value: number, traceId: string, nowMs: number) => void {
    const family: Family = { name, bounds, series: new Map() };
    this.#families.push(family);
    return (labels, value, traceId, nowMs) => {
      const series = this.#series(family, labels, nowMs);
      if (series === undefined) return;
      let bucket = 0;
      while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
      series.buckets![bucket]!++;
      series.exemplars[bucket] = { traceId, value, atMs: nowMs };
      series.count++;
      series.sum += value;
    };
  }

  /** All series with their samples of now; those that ended get Prometheus' staleness marker and are forgotten. */
  collect(nowMs: number): WrittenSeries[] {
    const written: WrittenSeries[] = [];
    for (const family of this.#families) {
      for (const [key, series] of family.series) {
        const ended = nowMs - series.updatedAtMs > STALE_AFTER_MS;
        this.#write(family, series, ended, nowMs, written);
        series.sent = true;
        series.exemplars.fill(undefined);
        if (!ended) continue;
        family.series.delete(key);
        this.#active -= seriesCount(family);
        this.removed += seriesCount(family);
      }
    }
    this.#lastCollectionMs = nowMs;
    return written;
  }

  #series(family: Family, labels: LabelPairs, nowMs: number): Series | undefined {
    const key = labels.join("\xff");
    let series = family.series.get(key);
    if (series === undefined) {
      if (this.#active + seriesCount(family) > ACTIVE_SERIES_MAX) {
        this.limited++;
        return undefined;
      }
      this.#active += seriesCount(family);
      const buckets = family.bounds === undefined ? undefined : new Float64Array(family.bounds.length + 1);
      series = { labels, buckets, exemplars: [], count: 0, sum: 0, updatedAtMs: nowMs, sent: false };
      family.series.set(key, series);
    }
    series.updatedAtMs = nowMs;
    return series;
  }

  #write({ name, bounds }: Family, series: Series, ended: boolean, nowMs: number, target: WrittenSeries[]): void {
    // A counter that appears with its first event would hide that event from rate() and increase().
    const zeroAtMs = series.sent ? undefined : Math.min(this.#lastCollectionMs, nowMs - 1);
    const add = (suffix: string, value: number, le?: string, exemplar?: Exemplar): void => {
      const labels = ["__name__", `${name}${suffix}`, ...series.labels, ...(le === undefined ? [] : ["le", le])];
      const samples = ended
        ? [{ value: STALE, atMs: nowMs } as const]
        : [...(zeroAtMs === undefined ? [] : [{ value: 0, atMs: zeroAtMs }]), { value, atMs: nowMs }];
      target.push({ labels, samples, exemplar });
    };
    if (bounds === undefined) {
      add("", series.count);
      return;
    }
    let cumulative = 0;
    for (const [index, bound] of bounds.entries()) {
      cumulative += series.buckets![index]!;
      add("_bucket", cumulative, String(bound), series.exemplars[index]);
    }
    add("_bucket", series.count, "+Inf", series.exemplars[bounds.length]);
    add("_sum", series.sum);
    add("_count", series.count);
  }
}

/** Buckets, +Inf, sum and count of a histogram; one series of a counter. */
function seriesCount({ bounds }: Family): number {
  return bounds === undefined ? 1 : bounds.length + 3;
}
