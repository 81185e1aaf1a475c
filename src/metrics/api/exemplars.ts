import { ParseError } from "../../languages/promql/error.ts";
import { parsePromql } from "../../languages/promql/parse.ts";
import { formatSampleValue } from "../../series/format-value.ts";
import type { Matcher } from "../../series/queryable.ts";
import type { MetricsStore } from "../store/store.ts";
import type { ExemplarSeries } from "../store/store-queryable.ts";
import { encodeLabels, encodeTime } from "./encode.ts";
import { invalid, type Params } from "./params.ts";
import type { ApiResult } from "./respond.ts";

/** Nodes of one expression that are looked at; the parser bounds depth, this bounds breadth. */
const NODES_MAX = 100_000;

/** `/api/v1/query_exemplars`. @throws ApiError */
export function queryExemplars(store: MetricsStore, params: Params): ApiResult {
  const startMs = params.requiredTimeMs("start");
  const endMs = params.requiredTimeMs("end");
  if (endMs < startMs) throw invalid("end", "end timestamp must not be before start timestamp");
  let matcherSets: Matcher[][];
  try {
    matcherSets = selectorsOf(parsePromql(params.text("query")));
  } catch (error) {
    if (error instanceof ParseError) throw invalid("query", error.message);
    throw error;
  }
  if (matcherSets.length === 0) return { data: ["[]"] };
  return { data: encode(store.queryable.exemplars(matcherSets, startMs, endMs)) };
}

function* encode(series: readonly ExemplarSeries[]): Generator<string> {
  yield "[";
  for (const [index, { seriesLabels, exemplars }] of series.entries()) {
    const list = exemplars.map(({ labels, value, timestampMs }) => {
      return `{"labels":${encodeLabels(labels)},"value":"${formatSampleValue(value)}","timestamp":${encodeTime(timestampMs)}}`;
    });
    yield `${index === 0 ? "" : ","}{"seriesLabels":${encodeLabels(seriesLabels)},"exemplars":[${list.join(",")}]}`;
  }
  yield "]";
}

/** The matchers of every vector selector in an expression. */
function selectorsOf(expression: unknown): Matcher[][] {
  const found: Matcher[][] = [];
  const open: unknown[] = [expression];
  for (let seen = 0; open.length > 0 && seen < NODES_MAX; seen++) {
    const node = open.pop();
    if (Array.isArray(node)) open.push(...node);
    else if (typeof node === "object" && node !== null) {
      if ("kind" in node && node.kind === "selector")
        found.push([...(node as unknown as { matchers: Matcher[] }).matchers]);
      else open.push(...Object.values(node));
    }
  }
  return found;
}
