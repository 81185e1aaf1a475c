import { postForm } from "../api/client.ts";
import { proxyUrl } from "../api/data-sources.ts";
import { type DataFrame, FieldType } from "../grafana/data.ts";
import { alignRange, queryInterval } from "../time/interval.ts";
import { parseDurationMs } from "../time/range.ts";
import { intervalValues } from "../variables/interpolate.ts";
import { field, frame, parseSample, type Series, seriesFrames, tableFrame } from "./frames.ts";
import type { QueryRequest } from "./types.ts";

/** Grafana's assumption where a data source does not say how often it scrapes. */
const DEFAULT_SCRAPE_MS = 15_000;

type Labels = Record<string, string>;

interface QueryData {
  resultType: "matrix" | "vector" | "scalar" | "string";
  result: unknown;
}

interface QueryAnswer {
  status: string;
  error?: string;
  data: QueryData;
}

interface ExemplarSeries {
  seriesLabels: Labels;
  exemplars: { labels: Labels; value: string; timestamp: number }[];
}

/** Answers one PromQL query: range, instant or both, as tables or time series. */
export async function runPrometheus(request: QueryRequest): Promise<DataFrame[]> {
  const { source, target, range } = request;
  const scrapeMs = parseDurationMs(String(source.jsonData?.["timeInterval"] ?? "")) ?? DEFAULT_SCRAPE_MS;
  const targetInterval = request.interpolate(target.interval ?? "", {}, "glob");
  const minIntervalMs = parseDurationMs(targetInterval) ?? parseDurationMs(request.minInterval ?? "") ?? scrapeMs;
  const interval = queryInterval(range, request.pointsMax, minIntervalMs, scrapeMs);
  const stepMs = Math.max(1_000, interval.intervalMs * Math.max(1, target.intervalFactor ?? 1));
  const expr = request.interpolate(target.expr ?? "", intervalValues(interval, range), "matcher").trim();
  if (expr === "") return [];

  const wantsInstant = target.instant === true;
  const wantsRange = target.range ?? !wantsInstant;
  const isTable = target.format === "table";
  const jobs: Promise<DataFrame[]>[] = [];
  if (wantsRange) {
    const { startMs, endMs } = alignRange(range, stepMs);
    const fields = { query: expr, start: seconds(startMs), end: seconds(endMs), step: seconds(stepMs) };
    jobs.push(
      ask(request, "/api/v1/query_range", fields).then((data) => toFrames(data, request, expr, isTable, stepMs)),
    );
    if (target.exemplar === true) jobs.push(exemplarFrames(request, expr, startMs, endMs));
  }
  if (wantsInstant || !wantsRange) {
    const fields = { query: expr, time: seconds(range.toMs) };
    jobs.push(ask(request, "/api/v1/query", fields).then((data) => toFrames(data, request, expr, isTable, undefined)));
  }
  return (await Promise.all(jobs)).flat();
}

async function ask(request: QueryRequest, path: string, fields: Record<string, string>): Promise<QueryData> {
  const answer = await postForm<QueryAnswer>(proxyUrl(request.source, path), fields, request.signal);
  if (answer.status !== "success") throw new Error(answer.error ?? "Prometheus gave no reason.");
  return answer.data;
}

function toFrames(
  data: QueryData,
  request: QueryRequest,
  expr: string,
  isTable: boolean,
  stepMs: number | undefined,
): DataFrame[] {
  const { target } = request;
  if (data.resultType === "string") {
    const [timestamp, text] = data.result as [number, string];
    return [
      frame(target.refId, [
        field("Time", FieldType.time, [timestamp * 1_000]),
        field("Value", FieldType.string, [text]),
      ]),
    ];
  }
  const series = readSeries(data);
  if (isTable) return series.length === 0 ? [] : [tableFrame(series, target.refId, request.tableValueName)];
  const frames = seriesFrames(series, {
    refId: target.refId,
    legendFormat: target.legendFormat,
    fallbackName: expr,
    stepMs,
  });
  return target.format === "heatmap" ? differentiateBuckets(frames) : frames;
}

/** Reads a matrix, vector or scalar into columns; times in ms. */
export function readSeries(data: { resultType: string; result: unknown }): Series[] {
  if (data.resultType === "scalar") {
    const [timestamp, text] = data.result as [number, string];
    return [{ labels: {}, timesMs: [timestamp * 1_000], values: [parseSample(text)] }];
  }
  if (data.resultType === "vector") {
    return (data.result as { metric: Labels; value?: [number, string] }[]).flatMap(({ metric, value }) =>
      value === undefined ? [] : [{ labels: metric, timesMs: [value[0] * 1_000], values: [parseSample(value[1])] }],
    );
  }
  return (data.result as { metric: Labels; values?: [number, string][] }[]).map(({ metric, values = [] }) => {
    const timesMs = new Array<number>(values.length);
    const samples = new Array<number | null>(values.length);
    for (let index = 0; index < values.length; index++) {
      timesMs[index] = values[index]![0] * 1_000;
      samples[index] = parseSample(values[index]![1]);
    }
    return { labels: metric, timesMs, values: samples };
  });
}

/** Turns cumulative `le` buckets into one count per bucket, lowest bound first, as the heatmap format asks. */
function differentiateBuckets(frames: readonly DataFrame[]): DataFrame[] {
  const bound = (one: DataFrame) => parseSample(one.fields[1]?.labels?.["le"] ?? "NaN") ?? Number.NaN;
  const sorted = frames.filter((one) => !Number.isNaN(bound(one))).sort((a, b) => bound(a) - bound(b));
  let below = new Map<number, number>();
  return sorted.map((one) => {
    const [time, value] = one.fields;
    const cumulative = new Map<number, number>();
    const values = (value!.values as (number | null)[]).map((count, index) => {
      const timestamp = time!.values[index] as number;
      cumulative.set(timestamp, count ?? 0);
      return count === null ? null : Math.max(0, count - (below.get(timestamp) ?? 0));
    });
    below = cumulative;
    return { ...one, fields: [time!, { ...value!, values }] };
  });
}

/** Exemplars of a query, as a frame marked by its name; no exemplars (or an engine without them) is no error. */
async function exemplarFrames(
  request: QueryRequest,
  expr: string,
  startMs: number,
  endMs: number,
): Promise<DataFrame[]> {
  const fields = { query: expr, start: seconds(startMs), end: seconds(endMs) };
  let series: ExemplarSeries[];
  try {
    const answer = await postForm<{ data?: ExemplarSeries[] }>(
      proxyUrl(request.source, "/api/v1/query_exemplars"),
      fields,
      request.signal,
    );
    series = answer.data ?? [];
  } catch {
    request.signal.throwIfAborted();
    return [];
  }
  const points = series.flatMap(({ exemplars }) => exemplars);
  if (points.length === 0) return [];
  return [
    frame(
      request.target.refId,
      [
        field(
          "Time",
          FieldType.time,
          points.map((point) => point.timestamp * 1_000),
        ),
        field(
          "Value",
          FieldType.number,
          points.map((point) => parseSample(point.value)),
        ),
        field(
          "traceId",
          FieldType.string,
          points.map((point) => point.labels["trace_id"] ?? point.labels["traceID"] ?? ""),
        ),
      ],
      { name: "exemplar", meta: { custom: { resultType: "exemplar" } } },
    ),
  ];
}

function seconds(ms: number): string {
  return String(ms / 1_000);
}
