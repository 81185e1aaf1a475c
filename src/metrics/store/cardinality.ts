import { METRIC_NAME } from "../../series/labels.ts";
import type { HeadIndex } from "./head-index.ts";

interface NameCount {
  readonly name: string;
  readonly value: number;
}

/** The four lists of `/api/v1/status/tsdb`, each of at most `limit` entries, the largest first. */
export interface CardinalityStats {
  readonly seriesCountByMetricName: NameCount[];
  readonly labelValueCountByLabelName: NameCount[];
  readonly memoryInBytesByLabelName: NameCount[];
  readonly seriesCountByLabelValuePair: NameCount[];
}

/** Counts over the head's index. Source: Prometheus tsdb/index/postings.go, MemPostings.Stats. */
export function cardinalityOf(index: HeadIndex, limit: number): CardinalityStats {
  const metrics = new Largest(limit);
  const values = new Largest(limit);
  const bytes = new Largest(limit);
  const pairs = new Largest(limit);
  for (const [name, byValue] of index.entries()) {
    values.add(name, byValue.size);
    let size = 0;
    for (const [value, refs] of byValue) {
      size += value.length * refs.length;
      pairs.add(`${name}=${value}`, refs.length);
      if (name === METRIC_NAME) metrics.add(value, refs.length);
    }
    bytes.add(name, size);
  }
  return {
    seriesCountByMetricName: metrics.sorted(),
    labelValueCountByLabelName: values.sorted(),
    memoryInBytesByLabelName: bytes.sorted(),
    seriesCountByLabelValuePair: pairs.sorted(),
  };
}

/** Keeps the `limit` largest of what is added. */
class Largest {
  readonly #limit: number;
  #entries: NameCount[] = [];
  #floor = 0;

  constructor(limit: number) {
    this.#limit = Math.max(1, limit);
  }

  add(name: string, value: number): void {
    if (value <= this.#floor) return;
    this.#entries.push({ name, value });
    // Sorting now and then is cheaper than a heap for the ten entries that are asked for.
    if (this.#entries.length < 4 * this.#limit) return;
    this.#entries = this.sorted();
    this.#floor = this.#entries.at(-1)!.value;
  }

  sorted(): NameCount[] {
    return this.#entries.sort((left, right) => right.value - left.value).slice(0, this.#limit);
  }
}
