import { compareLabels, compareNames, type Labels } from "../../series/labels.ts";
import type { Matcher, SelectHints } from "../../series/queryable.ts";
import type { MetricsStore } from "../store/store.ts";
import { ApiError } from "./api-error.ts";
import { encodeLabels } from "./encode.ts";
import { type Params, TIME_MAX_MS, TIME_MIN_MS } from "./params.ts";
import { type ApiResult, json } from "./respond.ts";

const TRUNCATED = "results truncated due to limit";

/** `/api/v1/series`. @throws ApiError */
export async function listSeries(store: MetricsStore, params: Params, signal: AbortSignal): Promise<ApiResult> {
  const sets = params.matcherSets();
  if (sets.length === 0) throw new ApiError("bad_data", "no match[] parameter provided");
  const limit = params.limit();
  const hints = { ...selectHints(params, signal), labelsOnly: true, limit: limit === 0 ? 0 : limit + 1 };
  const found = new Map<string, Labels>();
  for (const matchers of sets) {
    for (const { labels } of await store.queryable.select(matchers, hints)) found.set(labels.key, labels);
  }
  const series = [...found.values()].sort(compareLabels);
  const { kept, warnings } = cut(series, limit);
  return { data: encodeSeries(kept), warnings };
}

function* encodeSeries(series: readonly Labels[]): Generator<string> {
  yield "[";
  for (let index = 0; index < series.length; index++) yield (index === 0 ? "" : ",") + encodeLabels(series[index]!);
  yield "]";
}

/** `/api/v1/labels`. @throws ApiError */
export async function listLabelNames(store: MetricsStore, params: Params, signal: AbortSignal): Promise<ApiResult> {
  const names = await union(params, (matchers) => {
    return store.queryable.labelNames(matchers, selectHints(params, signal));
  });
  const { kept, warnings } = cut(names, params.limit());
  return json(kept, warnings);
}

/** `/api/v1/label/:name/values`. @throws ApiError */
export async function listLabelValues(
  store: MetricsStore,
  name: string,
  params: Params,
  signal: AbortSignal,
): Promise<ApiResult> {
  // `U__…` is the escaped spelling of a name outside the classic alphabet.
  const label = name.startsWith("U__") ? unescapeName(name) : name;
  if (label === "") throw new ApiError("bad_data", `invalid label name: ${JSON.stringify(label)}`);
  const values = await union(params, (matchers) => {
    return store.queryable.labelValues(label, matchers, selectHints(params, signal));
  });
  const { kept, warnings } = cut(values, params.limit());
  return json(kept, warnings);
}

async function union(
  params: Params,
  list: (matchers: readonly Matcher[]) => string[] | Promise<string[]>,
): Promise<string[]> {
  const sets = params.matcherSets();
  if (sets.length < 2) return list(sets[0] ?? []);
  const all = new Set<string>();
  for (const matchers of sets) for (const text of await list(matchers)) all.add(text);
  return [...all].sort(compareNames);
}

function selectHints(params: Params, signal: AbortSignal): SelectHints {
  const minTimeMs = params.timeMs("start", TIME_MIN_MS);
  const maxTimeMs = params.timeMs("end", TIME_MAX_MS);
  return { minTimeMs, maxTimeMs, signal };
}

function cut<Item>(items: readonly Item[], limit: number): { kept: readonly Item[]; warnings: string[] } {
  if (limit === 0 || items.length <= limit) return { kept: items, warnings: [] };
  return { kept: items.slice(0, limit), warnings: [TRUNCATED] };
}

/** `U__http_2e_status` → `http.status`; `__` is an underscore. Source: Prometheus "UTF-8" guide, values escaping. */
function unescapeName(name: string): string {
  return name.slice("U__".length).replace(/__|_([0-9a-fA-F]{1,6})_/g, (whole, hex: string | undefined) => {
    if (hex === undefined) return "_";
    const code = Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
