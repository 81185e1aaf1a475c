import { formatFloat } from "../../series/format-value.ts";
import type { Labels } from "../../series/labels.ts";
import type { Hit, HitStream } from "../query/log-query.ts";
import type { QueryRun } from "../query/query-run.ts";
import type { Grid, MetricResult, StepSeries } from "../query/result.ts";

/** Unix nanoseconds as decimal digits. */
function nanoseconds(ms: number, ns: number): string {
  return ms >= 0
    ? ms === 0
      ? String(ns)
      : `${ms}${String(ns).padStart(6, "0")}`
    : String(BigInt(ms) * 1_000_000n + BigInt(ns));
}

/** `{"resultType": "streams", …}` as JSON text. */
export function encodeStreams(streams: readonly HitStream[], categorize: boolean, stats: object): string {
  const result = streams.map(
    ({ labels, hits }) =>
      `{"stream":${labelsJson(labels)},"values":[${hits.map((hit) => encodeHit(hit, categorize)).join(",")}]}`,
  );
  const flags = categorize ? '"encodingFlags":["categorize-labels"],' : "";
  return envelope(`"resultType":"streams",${flags}"result":[${result.join(",")}]`, stats);
}

function encodeHit(hit: Hit, categorize: boolean): string {
  const pair = `"${nanoseconds(hit.ms, hit.ns)}",${JSON.stringify(hit.line)}`;
  if (!categorize) return `[${pair}]`;
  const extra: Record<string, Record<string, string>> = {};
  if (hit.metadata.length > 0) extra["structuredMetadata"] = safeRecord(hit.metadata);
  if (hit.parsed.length > 0) extra["parsed"] = safeRecord(hit.parsed);
  return `[${pair},${JSON.stringify(extra)}]`;
}

/** A null-prototype object, so that a label named `__proto__` is a label. */
function safeRecord(pairs: Iterable<readonly [string, string]>): Record<string, string> {
  const record: Record<string, string> = Object.create(null);
  for (const [name, value] of pairs) record[name] = value;
  return record;
}

function labelsJson(labels: Labels): string {
  return JSON.stringify(labels.toRecord());
}

/** A range query's result. A number becomes one series without labels. */
export function encodeMatrix(result: MetricResult, grid: Grid, stats: object): string {
  if (result.kind === "scalar") {
    const points = Array.from({ length: grid.steps }, (_, step) => point(grid, step, result.value));
    return envelope(`"resultType":"matrix","result":[{"metric":{},"values":[${points.join(",")}]}]`, stats);
  }
  const series = result.series
    .map((one) => ({ one, points: pointsOf(one, grid) }))
    .filter(({ points }) => points.length > 0);
  const body = series.map(({ one, points }) => `{"metric":${labelsJson(one.labels)},"values":[${points.join(",")}]}`);
  return envelope(`"resultType":"matrix","result":[${body.join(",")}]`, stats);
}

function pointsOf(series: StepSeries, grid: Grid): string[] {
  const points: string[] = [];
  for (let step = 0; step < grid.steps; step++) {
    if (series.present[step] === 1) points.push(point(grid, step, series.values[step]!));
  }
  return points;
}

/** An instant query's result. */
export function encodeVector(result: MetricResult, grid: Grid, stats: object): string {
  if (result.kind === "scalar")
    return envelope(`"resultType":"scalar","result":${point(grid, 0, result.value)}`, stats);
  const samples = result.series
    .filter(({ present }) => present[0] === 1)
    .map(({ labels, values }) => `{"metric":${labelsJson(labels)},"value":${point(grid, 0, values[0]!)}}`);
  return envelope(`"resultType":"vector","result":[${samples.join(",")}]`, stats);
}

function point(grid: Grid, step: number, value: number): string {
  return `[${(grid.startMs + step * grid.stepMs) / 1_000},"${formatFloat(value)}"]`;
}

function envelope(data: string, stats: object): string {
  return `{"status":"success","data":{${data},"stats":${JSON.stringify(stats)}}}`;
}

/** The statistics block, with Loki's names; parts that have no counterpart here are 0. */
export function statistics(run: QueryRun, entries: number): object {
  const seconds = (performance.now() - run.startedAt) / 1_000;
  const store = {
    totalChunksRef: run.blocks + run.blocksSkipped,
    totalChunksDownloaded: run.blocks,
    chunksDownloadTime: 0,
    chunk: {
      headChunkBytes: 0,
      headChunkLines: 0,
      decompressedBytes: run.bytes,
      decompressedLines: run.lines,
      compressedBytes: 0,
      totalDuplicates: 0,
    },
  };
  return {
    summary: {
      bytesProcessedPerSecond: Math.round(run.bytes / Math.max(seconds, 1e-6)),
      linesProcessedPerSecond: Math.round(run.lines / Math.max(seconds, 1e-6)),
      totalBytesProcessed: run.bytes,
      totalLinesProcessed: run.lines,
      execTime: seconds,
      queueTime: 0,
      subqueries: 0,
      totalEntriesReturned: entries,
      splits: 0,
      shards: 0,
      totalPostFilterLines: run.linesMatched,
      totalStructuredMetadataBytesProcessed: 0,
    },
    querier: { store },
    ingester: { totalReached: 1, totalChunksMatched: 0, totalBatches: 0, totalLinesSent: 0, store: EMPTY_STORE },
    cache: {},
  };
}

const EMPTY_STORE = {
  totalChunksRef: 0,
  totalChunksDownloaded: 0,
  chunksDownloadTime: 0,
  chunk: {
    headChunkBytes: 0,
    headChunkLines: 0,
    decompressedBytes: 0,
    decompressedLines: 0,
    compressedBytes: 0,
    totalDuplicates: 0,
  },
};
