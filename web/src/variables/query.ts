import { getJson } from "../api/client.ts";
import { proxyUrl } from "../api/data-sources.ts";
import type { DataSource } from "../api/types.ts";
import type { TimeRange } from "../time/range.ts";
import type { VariableOption } from "./types.ts";

interface PrometheusAnswer<T> {
  data: T;
}

type Sample = { metric: Record<string, string>; value: [number, string] };

/**
 * Asks a data source for a variable's raw options.
 * @param query        The model's `query`: text, or an object as newer editors store it.
 * @param interpolate  Fills the variables that this one depends on.
 */
export async function queryOptions(
  source: DataSource,
  query: unknown,
  range: TimeRange,
  interpolate: (text: string) => string,
  signal?: AbortSignal,
): Promise<VariableOption[]> {
  if (source.type === "prometheus") return prometheusOptions(source, interpolate(queryText(query)), range, signal);
  if (source.type === "loki") return lokiOptions(source, lokiQuery(query, interpolate), range, signal);
  if (source.type === "tempo") return tempoOptions(source, query, range, interpolate, signal);
  throw new Error(`Variables cannot be read from a data source of type "${source.type}".`);
}

function queryText(query: unknown): string {
  if (typeof query === "string") return query;
  if (query !== null && typeof query === "object" && "query" in query) return String(query.query);
  return "";
}

function toOptions(values: readonly string[]): VariableOption[] {
  return values.map((value) => ({ text: value, value }));
}

function window(range: TimeRange): { start: string; end: string } {
  return { start: String(Math.floor(range.fromMs / 1_000)), end: String(Math.ceil(range.toMs / 1_000)) };
}

async function prometheusOptions(
  source: DataSource,
  text: string,
  range: TimeRange,
  signal?: AbortSignal,
): Promise<VariableOption[]> {
  const get = async <T>(path: string, params: Record<string, string>) =>
    (await getJson<PrometheusAnswer<T>>(`${proxyUrl(source, path)}?${new URLSearchParams(params)}`, signal)).data;
  const labelNames = /^label_names\((.*)\)\s*$/s.exec(text);
  if (labelNames !== null) {
    const matcher = labelNames[1]!.trim();
    return toOptions(
      await get<string[]>("/api/v1/labels", { ...window(range), ...(matcher === "" ? {} : { "match[]": matcher }) }),
    );
  }
  const labelValues = /^label_values\((?:([\s\S]+),\s*)?([a-zA-Z_$][\w.]*|"[^"]+")\s*\)\s*$/.exec(text);
  if (labelValues !== null) {
    const [, matcher, label] = labelValues;
    const name = encodeURIComponent(label!.replaceAll('"', ""));
    const params = { ...window(range), ...(matcher === undefined ? {} : { "match[]": matcher.trim() }) };
    return toOptions(await get<string[]>(`/api/v1/label/${name}/values`, params));
  }
  const metrics = /^metrics\((.*)\)\s*$/s.exec(text);
  if (metrics !== null) {
    const pattern = new RegExp(metrics[1]!.trim());
    const names = await get<string[]>("/api/v1/label/__name__/values", window(range));
    return toOptions(names.filter((name) => pattern.test(name)));
  }
  const queryResult = /^query_result\(([\s\S]+)\)\s*$/.exec(text);
  if (queryResult !== null) {
    const answer = await get<{ resultType: string; result: unknown }>("/api/v1/query", {
      query: queryResult[1]!,
      time: window(range).end,
    });
    if (answer.resultType === "scalar") return toOptions([(answer.result as [number, string])[1]]);
    return toOptions((answer.result as Sample[]).map((sample) => sampleText(sample)));
  }
  if (text.trim() === "") return [];
  const series = await get<Record<string, string>[]>("/api/v1/series", { ...window(range), "match[]": text });
  return toOptions(series.map((labels) => seriesText(labels)));
}

function seriesText(labels: Record<string, string>): string {
  const { __name__: name = "", ...rest } = labels;
  const pairs = Object.entries(rest).map(([key, value]) => `${key}="${value}"`);
  return `${name}{${pairs.join(",")}}`;
}

function sampleText(sample: Sample): string {
  return `${seriesText(sample.metric)} ${sample.value[1]} ${Math.round(sample.value[0] * 1_000)}`;
}

interface LokiVariableQuery {
  label: string;
  stream: string;
}

/** Loki's variable queries: `{type: 1, label, stream}`, `label_values({…}, name)` or `label_names()`. */
function lokiQuery(query: unknown, interpolate: (text: string) => string): LokiVariableQuery {
  if (query !== null && typeof query === "object" && !("query" in query)) {
    const { type, label, stream } = query as { type?: number; label?: string; stream?: string };
    return { label: type === 0 ? "" : interpolate(label ?? ""), stream: interpolate(stream ?? "") };
  }
  const text = interpolate(queryText(query));
  const match = /^label_values\((?:([\s\S]+),\s*)?([a-zA-Z_]\w*)\s*\)\s*$/.exec(text);
  return match === null ? { label: "", stream: "" } : { label: match[2]!, stream: match[1]?.trim() ?? "" };
}

async function lokiOptions(
  source: DataSource,
  query: LokiVariableQuery,
  range: TimeRange,
  signal?: AbortSignal,
): Promise<VariableOption[]> {
  const params = new URLSearchParams({
    start: `${Math.floor(range.fromMs)}000000`,
    end: `${Math.ceil(range.toMs)}000000`,
    ...(query.stream === "" ? {} : { query: query.stream }),
  });
  const path =
    query.label === "" ? "/loki/api/v1/labels" : `/loki/api/v1/label/${encodeURIComponent(query.label)}/values`;
  const answer = await getJson<PrometheusAnswer<string[] | undefined>>(`${proxyUrl(source, path)}?${params}`, signal);
  return toOptions(answer.data ?? []);
}

async function tempoOptions(
  source: DataSource,
  query: unknown,
  range: TimeRange,
  interpolate: (text: string) => string,
  signal?: AbortSignal,
): Promise<VariableOption[]> {
  const { type, label } = (query ?? {}) as { type?: number; label?: string };
  if (type === 0) {
    const answer = await getJson<{ scopes?: { tags: string[] }[] }>(
      `${proxyUrl(source, "/api/v2/search/tags")}?${new URLSearchParams(window(range))}`,
      signal,
    );
    return toOptions((answer.scopes ?? []).flatMap((scope) => scope.tags));
  }
  const tag = encodeURIComponent(interpolate(label ?? queryText(query)));
  const answer = await getJson<{ tagValues?: { value: string }[] }>(
    `${proxyUrl(source, `/api/v2/search/tag/${tag}/values`)}?${new URLSearchParams(window(range))}`,
    signal,
  );
  return toOptions((answer.tagValues ?? []).map((entry) => entry.value));
}
