import { getJson } from "../api/client.ts";
import { proxyUrl } from "../api/data-sources.ts";
import type { DataSource } from "../api/types.ts";
import { type DataFrame, FieldType } from "../grafana/data.ts";
import { alignRange, queryInterval } from "../time/interval.ts";
import { parseDurationMs } from "../time/range.ts";
import { nanosToMs, readAttributes, readTraceSpans } from "../traces/read-otlp.ts";
import { buildTrace } from "../traces/tree.ts";
import type { AttributeValue, Trace } from "../traces/types.ts";
import { intervalValues } from "../variables/interpolate.ts";
import { field, frame, type Series, seriesFrames } from "./frames.ts";
import { runServiceMap } from "./service-map.ts";
import type { QueryRequest } from "./types.ts";

/** Traces asked for where the query does not say, as Tempo's own default. */
const DEFAULT_LIMIT = 20;
/** Spans per trace in search answers, as Tempo's own default. */
const DEFAULT_SPANS_PER_TRACE = 3;

interface SpanSet {
  matched?: number;
  spans?: {
    spanID: string;
    name?: string;
    startTimeUnixNano: string;
    durationNanos: string;
    attributes?: Record<string, unknown>[];
  }[];
}

/** One trace of a `/api/search` answer. */
export interface TraceHit {
  traceID: string;
  rootServiceName?: string;
  rootTraceName?: string;
  startTimeUnixNano?: string;
  durationMs?: number;
  spanSet?: SpanSet;
  spanSets?: SpanSet[];
}

interface MetricsAnswer {
  series?: {
    labels?: Record<string, unknown>[];
    promLabels?: string;
    samples?: { timestampMs: string | number; value?: number }[];
  }[];
}

/** Answers one Tempo query: TraceQL search, a trace by id, TraceQL metrics, or the service graph. */
export async function runTempo(request: QueryRequest): Promise<DataFrame[]> {
  const { target } = request;
  if (target.queryType === "serviceMap") return runServiceMap(request);
  const interval = tempoInterval(request);
  const query = request
    .interpolate(target.query ?? target.expr ?? "", intervalValues(interval, request.range), "pipe")
    .trim();
  if (query === "") return [];
  if (isTraceId(query)) return [await traceFrame(request.source, query, target.refId, request.signal)];
  if (isMetricsQuery(query)) return runMetrics(request, query, interval.intervalMs);
  const traces = await searchTraces(
    request.source,
    {
      query,
      range: request.range,
      limit: Number(target.limit ?? DEFAULT_LIMIT),
      spansPerTrace: DEFAULT_SPANS_PER_TRACE,
    },
    request.signal,
  );
  const bySpan = target.tableType === "spans" || target.tableType === "raw";
  return [bySpan ? spanTable(traces, target.refId) : traceTable(traces, target.refId)];
}

function tempoInterval(request: QueryRequest) {
  const minIntervalMs =
    parseDurationMs(request.target.step ?? "") ?? parseDurationMs(request.minInterval ?? "") ?? 1_000;
  return queryInterval(request.range, Math.min(request.pointsMax, 400), minIntervalMs, 1_000);
}

/** 16 to 32 hex digits are a trace id, whatever the query type says. */
export function isTraceId(text: string): boolean {
  return /^[0-9a-fA-F]{16,32}$/.test(text);
}

/** A TraceQL query that ends in a metrics function answers series, not traces. */
function isMetricsQuery(query: string): boolean {
  return /\|\s*(rate|count_over_time|min_over_time|max_over_time|avg_over_time|sum_over_time|quantile_over_time|histogram_over_time|compare)\s*\(/.test(
    query,
  );
}

export interface TraceSearch {
  query: string;
  range: { fromMs: number; toMs: number };
  limit: number;
  spansPerTrace: number;
}

/** Traces that a TraceQL query finds, newest first. */
export async function searchTraces(source: DataSource, search: TraceSearch, signal?: AbortSignal): Promise<TraceHit[]> {
  const params = new URLSearchParams({
    q: search.query,
    limit: String(search.limit),
    spss: String(search.spansPerTrace),
    start: String(Math.floor(search.range.fromMs / 1_000)),
    end: String(Math.ceil(search.range.toMs / 1_000)),
  });
  const answer = await getJson<{ traces?: TraceHit[] }>(`${proxyUrl(source, "/api/search")}?${params}`, signal);
  const traces = answer.traces ?? [];
  return traces.sort((a, b) => Number(b.startTimeUnixNano ?? 0) - Number(a.startTimeUnixNano ?? 0));
}

/** Fetches one trace. Rejects with `ApiError` 404 if there is none. */
export async function fetchTrace(
  source: DataSource,
  traceId: string,
  signal?: AbortSignal,
): Promise<Trace | undefined> {
  const body = await getJson<unknown>(proxyUrl(source, `/api/traces/${encodeURIComponent(traceId)}`), signal);
  return buildTrace(readTraceSpans(body));
}

async function traceFrame(source: DataSource, traceId: string, refId: string, signal: AbortSignal): Promise<DataFrame> {
  const trace = await fetchTrace(source, traceId, signal);
  const rows = trace?.rows ?? [];
  const column = (name: string, type: FieldType, read: (row: (typeof rows)[number]) => unknown, unit?: string) =>
    field(name, type, rows.map(read), unit === undefined ? {} : { unit });
  return frame(
    refId,
    [
      column("spanID", FieldType.string, ({ span }) => span.spanId),
      column("operationName", FieldType.string, ({ span }) => span.name),
      column("serviceName", FieldType.string, ({ span }) => span.service),
      column("startTime", FieldType.time, ({ span }) => span.startMs),
      column("duration", FieldType.number, ({ span }) => span.durationMs, "ms"),
    ],
    { name: "Trace", meta: { preferredVisualisationType: "trace", custom: { trace } } },
  );
}

/** Search answers as a table of traces. */
export function traceTable(traces: readonly TraceHit[], refId: string): DataFrame {
  return frame(
    refId,
    [
      field(
        "traceID",
        FieldType.string,
        traces.map((hit) => padTraceId(hit.traceID)),
        { displayNameFromDS: "Trace ID" },
      ),
      field(
        "startTime",
        FieldType.time,
        traces.map((hit) => nanosToMs(hit.startTimeUnixNano ?? "0")),
        { displayNameFromDS: "Start time" },
      ),
      field(
        "traceService",
        FieldType.string,
        traces.map((hit) => hit.rootServiceName ?? ""),
        { displayNameFromDS: "Service" },
      ),
      field(
        "traceName",
        FieldType.string,
        traces.map((hit) => hit.rootTraceName ?? ""),
        { displayNameFromDS: "Name" },
      ),
      field(
        "traceDuration",
        FieldType.number,
        traces.map((hit) => hit.durationMs ?? 0),
        { displayNameFromDS: "Duration", unit: "ms" },
      ),
    ],
    { name: "Traces", meta: { preferredVisualisationType: "table", custom: { kind: "traces" } } },
  );
}

/** Search answers as a table of the matching spans, one column per selected attribute. */
function spanTable(traces: readonly TraceHit[], refId: string): DataFrame {
  const rows = traces.flatMap((hit) => {
    const sets = hit.spanSets ?? (hit.spanSet === undefined ? [] : [hit.spanSet]);
    return sets.flatMap((set) =>
      (set.spans ?? []).map((span) => ({ hit, span, attributes: readAttributes(span.attributes ?? []) })),
    );
  });
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.attributes)))].filter((name) => name !== "name");
  const extra = names.map((name) => {
    const values = rows.map((row) => row.attributes[name] ?? null);
    const isNumber = values.every((value) => value === null || typeof value === "number");
    return field(
      name,
      isNumber ? FieldType.number : FieldType.string,
      isNumber ? values : values.map((value) => textOf(value)),
    );
  });
  return frame(
    refId,
    [
      field(
        "traceIdHidden",
        FieldType.string,
        rows.map((row) => padTraceId(row.hit.traceID)),
        { displayNameFromDS: "Trace ID" },
      ),
      field(
        "spanID",
        FieldType.string,
        rows.map((row) => row.span.spanID),
        { displayNameFromDS: "Span ID" },
      ),
      field(
        "time",
        FieldType.time,
        rows.map((row) => nanosToMs(row.span.startTimeUnixNano)),
        { displayNameFromDS: "Start time" },
      ),
      field(
        "traceService",
        FieldType.string,
        rows.map((row) => row.hit.rootServiceName ?? ""),
        { displayNameFromDS: "Service" },
      ),
      field(
        "name",
        FieldType.string,
        rows.map((row) => row.span.name ?? textOf(row.attributes["name"] ?? row.hit.rootTraceName ?? "")),
        { displayNameFromDS: "Name" },
      ),
      ...extra,
      field(
        "duration",
        FieldType.number,
        rows.map((row) => Number(row.span.durationNanos)),
        { displayNameFromDS: "Duration", unit: "ns" },
      ),
    ],
    { name: "Spans", meta: { preferredVisualisationType: "table", custom: { kind: "traces" } } },
  );
}

function textOf(value: AttributeValue | null): string {
  return value === null ? "" : Array.isArray(value) ? value.join(", ") : String(value);
}

function padTraceId(traceId: string): string {
  return traceId.padStart(32, "0");
}

async function runMetrics(request: QueryRequest, query: string, stepMs: number): Promise<DataFrame[]> {
  const step = Math.max(1_000, stepMs);
  const { startMs, endMs } = alignRange(request.range, step);
  const params = new URLSearchParams({
    q: query,
    start: String(Math.floor(startMs / 1_000)),
    end: String(Math.ceil(endMs / 1_000)),
    step: `${step / 1_000}s`,
  });
  const url = `${proxyUrl(request.source, "/api/metrics/query_range")}?${params}`;
  const answer = await getJson<MetricsAnswer>(url, request.signal);
  const series: Series[] = (answer.series ?? []).map((one) => ({
    labels: Object.fromEntries(
      Object.entries(readAttributes(one.labels ?? [])).map(([name, value]) => [name, textOf(value)]),
    ),
    timesMs: (one.samples ?? []).map((sample) => Number(sample.timestampMs)),
    values: (one.samples ?? []).map((sample) => sample.value ?? 0),
  }));
  return seriesFrames(series, {
    refId: request.target.refId,
    legendFormat:
      request.target.legendFormat === undefined || request.target.legendFormat === ""
        ? "__auto"
        : request.target.legendFormat,
    fallbackName: query,
    stepMs: step,
  });
}
