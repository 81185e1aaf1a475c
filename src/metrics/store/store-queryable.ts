import { compareLabels, compareNames, type Labels } from "../../series/labels.ts";
import type { Matcher, Queryable, SelectHints, SeriesColumns } from "../../series/queryable.ts";
import type { Exemplar } from "./appender.ts";
import { ColumnScratch } from "./column-scratch.ts";
import type { Head } from "./head.ts";
import { headLabelNames, headLabelValues, selectHead } from "./head-read.ts";
import { selectRefs } from "./postings.ts";

export interface ExemplarSeries {
  readonly seriesLabels: Labels;
  /** Sorted by time. */
  readonly exemplars: Exemplar[];
}

/** Where queries read: head and blocks together. */
export interface MetricsQueryable extends Queryable {
  /** Exemplars of the series that match any of the matcher lists, within the range (Unix ms, inclusive). */
  exemplars(matchers: readonly (readonly Matcher[])[], startMs: number, endMs: number): ExemplarSeries[];
}

const NO_COLUMNS = { timestamps: new Float64Array(0), values: new Float64Array(0) };

/** Answers queries from the head. */
export class StoreQueryable implements MetricsQueryable {
  readonly #head: Head;
  readonly #scratch = new ColumnScratch();

  constructor(head: Head) {
    this.#head = head;
  }

  select(matchers: readonly Matcher[], hints: SelectHints): SeriesColumns[] {
    const { minTimeMs, maxTimeMs } = hints;
    const sources = selectHead(this.#head, matchers, minTimeMs, maxTimeMs);
    sources.sort((left, right) => compareLabels(left.labels, right.labels));
    const found: SeriesColumns[] = [];
    for (const source of sources) {
      if (hints.limit && found.length >= hints.limit) break;
      if (hints.labelsOnly) {
        found.push({ labels: source.labels, ...NO_COLUMNS });
        continue;
      }
      this.#scratch.clear();
      source.decode(this.#scratch);
      const columns = this.#scratch.take(source.labels, minTimeMs, maxTimeMs);
      if (columns !== undefined) found.push(columns);
    }
    return found;
  }

  labelNames(matchers: readonly Matcher[], hints: SelectHints): string[] {
    return limited([...headLabelNames(this.#head, matchers)].sort(compareNames), hints.limit);
  }

  labelValues(name: string, matchers: readonly Matcher[], hints: SelectHints): string[] {
    return limited([...headLabelValues(this.#head, name, matchers)].sort(compareNames), hints.limit);
  }

  exemplars(matcherLists: readonly (readonly Matcher[])[], startMs: number, endMs: number): ExemplarSeries[] {
    const byRef = this.#head.exemplars.within(startMs, endMs);
    const found = new Map<number, ExemplarSeries>();
    for (const matchers of matcherLists) {
      const refs = selectRefs(this.#head.index, matchers);
      for (let index = 0; index < refs.length; index++) {
        const ref = refs[index]!;
        const exemplars = byRef.get(ref);
        if (exemplars !== undefined) found.set(ref, { seriesLabels: this.#head.get(ref)!.labels, exemplars });
      }
    }
    return [...found.values()].sort((left, right) => compareLabels(left.seriesLabels, right.seriesLabels));
  }
}

function limited<T>(values: T[], limit: number | undefined): T[] {
  return limit ? values.slice(0, limit) : values;
}
