import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Query } from "../../languages/traceql/ast.ts";
import { parseTraceql } from "../../languages/traceql/parse.ts";
import { TraceqlError } from "../../languages/traceql/traceql-error.ts";
import { HttpError } from "../../runtime/http-error.ts";
import { searchTraces } from "../query/search.ts";
import { Parameters } from "./parameters.ts";
import { tagsToTraceql } from "./search-tags.ts";
import type { ApiContext } from "./server.ts";

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 10_000;
const SPANS_PER_SPANSET_DEFAULT = 3;
const SPANS_PER_SPANSET_MAX = 1_000;

/** `/api/search`. */
export function addSearchRoutes(app: FastifyInstance, api: ApiContext): void {
  app.get("/api/search", async (request) => {
    const parameters = new Parameters(request.query);
    const text = parameters.text("q") ?? tagsToTraceql(parameters.text("tags"));
    const query = parseQuery(text);
    if (query.metrics !== undefined) throw new HttpError(400, "metrics queries belong to /api/metrics/query_range");
    const [startMs, endMs] = timeRange(parameters);
    const end = api.metrics.querySeconds.startTimer({ op: "search" });
    const result = await searchTraces(api.store, {
      query,
      startMs,
      endMs,
      limit: parameters.positiveInteger("limit", LIMIT_DEFAULT, LIMIT_MAX),
      spansPerSpanset: parameters.positiveInteger("spss", SPANS_PER_SPANSET_DEFAULT, SPANS_PER_SPANSET_MAX),
      minDurationNs: parameters.durationNs("minDuration") ?? 0,
      maxDurationNs: parameters.durationNs("maxDuration") ?? Number.POSITIVE_INFINITY,
      signal: abortSignal(request),
    });
    end();
    api.metrics.inspectedSpans.inc(result.inspectedSpans);
    return {
      traces: result.traces.map((trace) => trace.toJson()),
      metrics: {
        inspectedTraces: result.inspectedTraces,
        inspectedSpans: String(result.inspectedSpans),
        completedJobs: result.inspectedBlocks,
        totalJobs: result.inspectedBlocks,
        totalBlocks: result.inspectedBlocks,
      },
    };
  });
}

/** @throws HttpError 400 with Tempo's text. */
export function parseQuery(text: string): Query {
  try {
    return parseTraceql(text);
  } catch (error) {
    if (error instanceof TraceqlError) throw new HttpError(400, `invalid TraceQL query: ${error.message}`);
    throw error;
  }
}

/** The range from `start` and `end`, Unix ms; everything where they are absent. @throws HttpError 400 */
export function timeRange(parameters: Parameters): [number, number] {
  const startMs = parameters.timeMs("start") ?? 0;
  const endMs = parameters.timeMs("end") ?? Number.POSITIVE_INFINITY;
  if (endMs < startMs || (endMs === startMs && startMs !== 0)) {
    throw new HttpError(
      400,
      `http parameter start must be before end. received start=${startMs / 1e3} end=${endMs / 1e3}`,
    );
  }
  return [startMs, endMs];
}

/** Aborted when the client goes away before the answer. */
export function abortSignal(request: FastifyRequest): AbortSignal {
  const controller = new AbortController();
  request.raw.once("close", () => {
    if (request.raw.socket?.destroyed === true) controller.abort();
  });
  return controller.signal;
}
