import type { PromqlEngine, QueryOptions } from "../../languages/promql/engine.ts";
import { ParseError, PromqlError } from "../../languages/promql/error.ts";
import { formatExpr } from "../../languages/promql/format.ts";
import { parsePromql } from "../../languages/promql/parse.ts";
import type { QueryResult } from "../../languages/promql/result.ts";
import { QUERY_POINTS_MAX, QUERY_TIMEOUT_MS } from "../limits.ts";
import type { MetricsStore } from "../store/store.ts";
import { ApiError } from "./api-error.ts";
import { encodeQueryResult } from "./encode.ts";
import { invalid, type Params } from "./params.ts";
import type { QueryGate } from "./query-gate.ts";
import { type ApiResult, json } from "./respond.ts";

export interface QueryDependencies {
  readonly store: MetricsStore;
  readonly engine: PromqlEngine;
  readonly gate: QueryGate;
}

/** `/api/v1/query`. @throws ApiError */
export async function queryInstant(
  { store, engine, gate }: QueryDependencies,
  params: Params,
  signal: AbortSignal,
): Promise<ApiResult> {
  const timeMs = params.timeMs("time", Date.now());
  const options = queryOptions(params, signal);
  const expression = params.text("query");
  return run(gate, params, signal, () => engine.instant(store.queryable, expression, timeMs, options));
}

/** `/api/v1/query_range`. @throws ApiError */
export async function queryRange(
  { store, engine, gate }: QueryDependencies,
  params: Params,
  signal: AbortSignal,
): Promise<ApiResult> {
  const startMs = params.requiredTimeMs("start");
  const endMs = params.requiredTimeMs("end");
  if (endMs < startMs) throw invalid("end", "end timestamp must not be before start time");
  const stepMs = params.requiredDurationMs("step");
  if (stepMs <= 0) {
    throw invalid("step", "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  // For safety, limit the number of returned points per timeseries; this is sufficient for 60 s resolution for a week.
  if ((endMs - startMs) / stepMs > QUERY_POINTS_MAX) {
    throw new ApiError(
      "bad_data",
      "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    );
  }
  const options = queryOptions(params, signal);
  const expression = params.text("query");
  // Time is kept in whole milliseconds; a finer step would stand still.
  const wholeStepMs = Math.max(1, Math.round(stepMs));
  return run(gate, params, signal, () =>
    engine.range(store.queryable, expression, startMs, endMs, wholeStepMs, options),
  );
}

function queryOptions(params: Params, signal: AbortSignal): QueryOptions {
  const timeoutMs = params.durationMs("timeout");
  const lookbackDeltaMs = params.durationMs("lookback_delta");
  const limit = params.limit();
  return {
    signal,
    timeoutMs: Math.min(timeoutMs === undefined || timeoutMs <= 0 ? QUERY_TIMEOUT_MS : timeoutMs, QUERY_TIMEOUT_MS),
    ...(lookbackDeltaMs === undefined ? {} : { lookbackDeltaMs }),
    ...(limit === 0 ? {} : { limit }),
  };
}

async function run(
  gate: QueryGate,
  params: Params,
  signal: AbortSignal,
  evaluate: () => Promise<QueryResult>,
): Promise<ApiResult> {
  return gate.run(signal, async (waitedSeconds) => {
    const startMs = performance.now();
    const result = await evaluate().catch((error: Error) => {
      throw translate(error);
    });
    const seconds = (performance.now() - startMs) / 1_000;
    const stats = params.text("stats") === "" ? undefined : statistics(result, seconds, waitedSeconds);
    return { data: encodeQueryResult(result, stats), warnings: result.warnings, infos: result.infos };
  });
}

/** A parse error is the parameter's fault and says so, as Prometheus does; the others keep their type. */
function translate(error: Error): Error {
  if (error instanceof ParseError) return invalid("query", error.message);
  if (error instanceof PromqlError) return new ApiError(error.type, error.message);
  return error;
}

function statistics({ statistics: counted }: QueryResult, seconds: number, waitedSeconds: number): object {
  return {
    timings: {
      evalTotalTime: seconds,
      resultSortTime: 0,
      queryPreparationTime: 0,
      innerEvalTime: seconds,
      execQueueTime: waitedSeconds,
      execTotalTime: seconds + waitedSeconds,
    },
    samples: {
      totalQueryableSamples: counted.totalQueryableSamples,
      peakSamples: counted.peakSamples,
    },
  };
}

/** `/api/v1/format_query`. @throws ApiError */
export function formatQuery(params: Params): ApiResult {
  try {
    return json(formatExpr(parsePromql(params.text("query"))));
  } catch (error) {
    throw translate(error as Error);
  }
}
