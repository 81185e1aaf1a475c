import type { Labels } from "../../series/labels.ts";
import type { Matcher } from "../../series/queryable.ts";
import { selectRefs } from "../blocks/postings.ts";
import type { ColumnScratch } from "../chunks/column-scratch.ts";
import type { SeriesSource } from "../chunks/series-source.ts";
import type { Head } from "./head.ts";
import type { HeadSeries } from "./head-series.ts";

/** The head's series that match and have a chunk that touches [minTimeMs, maxTimeMs], in the order of their refs. */
export function selectHead(
  head: Head,
  matchers: readonly Matcher[],
  minTimeMs: number,
  maxTimeMs: number,
): SeriesSource[] {
  const sources: SeriesSource[] = [];
  if (head.minTimeMs > maxTimeMs || head.maxTimeMs < minTimeMs) return sources;
  const refs = selectRefs(head.index, matchers);
  for (let index = 0; index < refs.length; index++) {
    const series = head.get(refs[index]!)!;
    if (series.lastTimestampMs < minTimeMs || series.firstTimestampMs(head.arena) > maxTimeMs) continue;
    sources.push({
      labels: series.labels,
      decode: (scratch) => decodeHeadSeries(head, series, minTimeMs, maxTimeMs, scratch),
    });
  }
  return sources;
}

/** Appends a head series' chunks that touch [minTimeMs, maxTimeMs] to the scratch. */
export function decodeHeadSeries(
  head: Head,
  series: HeadSeries,
  minTimeMs: number,
  maxTimeMs: number,
  scratch: ColumnScratch,
): void {
  const { arena } = head;
  for (const handle of series.closed) {
    if (arena.maxTimeMs(handle) < minTimeMs) continue;
    if (arena.minTimeMs(handle) > maxTimeMs) return;
    const data = arena.data(handle);
    scratch.decode(arena.encoding(handle), data, 0, data.length);
  }
  const open = series.openChunk;
  if (open === undefined || open.minTimeMs > maxTimeMs || open.maxTimeMs < minTimeMs) return;
  scratch.decode(open.encoding, open.data, 0, open.data.length);
}

/** The label names of the series that match; of all series without a matcher. */
export function headLabelNames(head: Head, matchers: readonly Matcher[]): Iterable<string> {
  if (matchers.length === 0) return head.index.names();
  const names = new Set<string>();
  eachMatch(head, matchers, ({ pairs }) => {
    for (let index = 0; index < pairs.length; index += 2) names.add(pairs[index]!);
  });
  return names;
}

/** The values of a label among the series that match; among all series without a matcher. */
export function headLabelValues(head: Head, name: string, matchers: readonly Matcher[]): Iterable<string> {
  if (matchers.length === 0) return head.index.values(name);
  const values = new Set<string>();
  eachMatch(head, matchers, (labels) => {
    const value = labels.get(name);
    if (value !== "") values.add(value);
  });
  return values;
}

function eachMatch(head: Head, matchers: readonly Matcher[], visit: (labels: Labels) => void): void {
  const refs = selectRefs(head.index, matchers);
  for (let index = 0; index < refs.length; index++) visit(head.get(refs[index]!)!.labels);
}
