import type { AnyFamily, MetricSet } from "./metric-set.ts";
import { CounterChild, type Exemplar, GaugeChild, HistogramChild, SummaryChild } from "./samples.ts";

/**
 * What happened to one process's metrics since it was last asked, as plain JSON: per metric the series that moved.
 * A gateway of several processes sends these to the one that owns `GET /metrics`.
 */
export type MetricDeltas = readonly (readonly [metric: string, rows: readonly Row[]])[];

/**
 * One series: its key, then a counter's increase and newest exemplar; a gauge's value; a summary's count and sum; or a
 * histogram's samples per bucket, their sum, and exemplars by bucket.
 */
type Row =
  | readonly [key: string, increase: number, exemplar?: Exemplar]
  | readonly [key: string, counts: readonly number[], sum: number, exemplars: readonly (readonly [number, Exemplar])[]];

/** Takes everything that moved; counters, histograms and summaries of `set` begin at zero again. */
export function drainDeltas(set: MetricSet): MetricDeltas {
  const deltas: [string, Row[]][] = [];
  for (const family of set.collect()) {
    const rows = drainFamily(family);
    if (rows.length > 0) deltas.push([family.name, rows]);
  }
  return deltas;
}

function drainFamily(family: AnyFamily): Row[] {
  const rows: Row[] = [];
  for (const [key, child] of family.entries()) {
    if (child instanceof CounterChild) {
      // A series without an increase is told once, so that it begins at zero in the other process too.
      if (child.value === 0 && child.told) continue;
      rows.push(child.exemplar === undefined ? [key, child.value] : [key, child.value, child.exemplar]);
      child.value = 0;
      child.exemplar = undefined;
      child.told = true;
    } else if (child instanceof GaugeChild) {
      if (!child.changed) continue;
      rows.push([key, child.own]);
      child.changed = false;
    } else if (child instanceof HistogramChild) {
      if (child.count === 0) continue;
      const exemplars = child.exemplars.flatMap((exemplar, index) =>
        exemplar === undefined ? [] : [[index, exemplar] as const],
      );
      rows.push([key, [...child.counts], child.sum, exemplars]);
      child.reset();
    } else {
      if (child.count === 0) continue;
      rows.push([key, [child.count], child.sum, []]);
      child.count = 0;
      child.sum = 0;
    }
  }
  return rows;
}

/** Adds what `process` drained; a metric that this version does not know is left out. */
export function applyDeltas(set: MetricSet, process: string, deltas: MetricDeltas): void {
  for (const [metric, rows] of deltas) {
    const family = set.family(metric);
    if (family === undefined) continue;
    for (const row of rows) applyRow(family, process, row);
  }
}

function applyRow(family: AnyFamily, process: string, row: Row): void {
  const child = family.childOfKey(row[0]);
  const [, first, second, third] = row;
  if (typeof first === "number") {
    if (child instanceof CounterChild) child.inc(first, second as Exemplar | undefined);
    else if (child instanceof GaugeChild) child.report(process, first);
  } else if (child instanceof HistogramChild) child.merge(first, second as number, third ?? []);
  else if (child instanceof SummaryChild) {
    child.count += first[0] ?? 0;
    child.sum += second as number;
  }
}

/** Forgets the gauges of a process that has gone; what it counted stays counted. */
export function forgetProcess(set: MetricSet, process: string): void {
  for (const family of set.families()) {
    for (const child of family.children()) if (child instanceof GaugeChild) child.forget(process);
  }
}
