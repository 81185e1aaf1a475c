import { getJson } from "../api/client.ts";
import { proxyUrl } from "../api/data-sources.ts";
import { type DataFrame, FieldType } from "../grafana/data.ts";
import { alignRange, queryInterval } from "../time/interval.ts";
import { parseDurationMs } from "../time/range.ts";
import { intervalValues } from "../variables/interpolate.ts";
import { field, frame, seriesFrames, tableFrame } from "./frames.ts";
import { readSeries } from "./prometheus.ts";
import type { QueryRequest } from "./types.ts";

/** Lines asked for where neither query nor data source says. */
const DEFAULT_LINES = 1_000;

interface LokiStream {
  stream: Record<string, string>;
  values: [string, string, ...unknown[]][];
}

interface LokiAnswer {
  data: { resultType: string; result: unknown };
}

/** Answers one LogQL query: log lines, or series of a metric query. */
export async function runLoki(request: QueryRequest): Promise<DataFrame[]> {
  const { source, target, range } = request;
  const minIntervalMs =
    parseDurationMs(target.step ?? target.interval ?? "") ?? parseDurationMs(request.minInterval ?? "") ?? 1_000;
  const interval = queryInterval(range, request.pointsMax, minIntervalMs, 1_000);
  const stepMs = Math.max(1_000, interval.intervalMs);
  const scoped = intervalValues(interval, range);
  const rangeSeconds = Math.max(1, Math.round((range.toMs - range.fromMs) / 1_000));
  const auto = target.queryType === "instant" || target.instant === true ? `${rangeSeconds}s` : interval.interval;
  const expr = request
    .interpolate(target.expr ?? target.query ?? "", { ...scoped, __auto: { value: auto } }, "matcher")
    .trim();
  if (expr === "") return [];

  const isInstant = (target.queryType === "instant" || target.instant === true) && isMetricQuery(expr);
  const params = isInstant
    ? { query: expr, time: nanoseconds(range.toMs), limit: String(linesMax(request)) }
    : rangeParams(request, expr, stepMs);
  const path = isInstant ? "/loki/api/v1/query" : "/loki/api/v1/query_range";
  const answer = await getJson<LokiAnswer>(`${proxyUrl(source, path)}?${new URLSearchParams(params)}`, request.signal);

  if (answer.data.resultType === "streams") return [logFrame(answer.data.result as LokiStream[], target.refId)];
  const series = readSeries(answer.data);
  if (target.format === "table")
    return series.length === 0 ? [] : [tableFrame(series, target.refId, request.tableValueName)];
  return seriesFrames(series, {
    refId: target.refId,
    legendFormat: target.legendFormat === "" ? "__auto" : (target.legendFormat ?? "__auto"),
    fallbackName: expr,
    stepMs: isInstant ? undefined : stepMs,
  });
}

function rangeParams(request: QueryRequest, expr: string, stepMs: number): Record<string, string> {
  const isMetric = isMetricQuery(expr);
  const { startMs, endMs } = isMetric
    ? alignRange(request.range, stepMs)
    : { startMs: request.range.fromMs, endMs: request.range.toMs };
  return {
    query: expr,
    start: nanoseconds(startMs),
    end: nanoseconds(endMs),
    ...(isMetric
      ? { step: `${stepMs / 1_000}s` }
      : { limit: String(linesMax(request)), direction: request.target.direction ?? "backward" }),
  };
}

function linesMax(request: QueryRequest): number {
  const fromSource = Number(request.source.jsonData?.["maxLines"] ?? DEFAULT_LINES) || DEFAULT_LINES;
  return request.target.maxLines ?? request.target.limit ?? fromSource;
}

/** A log query starts with its selector; everything else is an aggregation over one. */
export function isMetricQuery(expr: string): boolean {
  return !/^[\s(]*\{/.test(expr);
}

/** Log lines as one frame, newest first: Time, Line, labels, and the exact nanosecond as text. */
function logFrame(streams: readonly LokiStream[], refId: string): DataFrame {
  const rows = streams.flatMap(({ stream, values }) => values.map(([ns, line]) => ({ ns, line, labels: stream })));
  rows.sort((a, b) => (a.ns.length - b.ns.length || (a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0)) * -1);
  return frame(
    refId,
    [
      field(
        "Time",
        FieldType.time,
        rows.map((row) => Number(row.ns.slice(0, -6))),
      ),
      field(
        "Line",
        FieldType.string,
        rows.map((row) => row.line),
      ),
      field(
        "labels",
        FieldType.other,
        rows.map((row) => row.labels),
      ),
      field(
        "tsNs",
        FieldType.string,
        rows.map((row) => row.ns),
      ),
    ],
    { meta: { preferredVisualisationType: "logs" } },
  );
}

function nanoseconds(ms: number): string {
  return `${Math.round(ms)}000000`;
}
