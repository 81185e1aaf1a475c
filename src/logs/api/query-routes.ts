import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { formatQuery } from "../../languages/logql/format.ts";
import { parse } from "../../languages/logql/parse.ts";
import { evaluateMetric } from "../query/evaluate.ts";
import { runLogQuery } from "../query/log-query.ts";
import { QueryError } from "../query/query-error.ts";
import type { Grid } from "../query/result.ts";
import type { ApiContext } from "./context.ts";
import { encodeMatrix, encodeStreams, encodeVector, statistics } from "./encode.ts";
import { paramsOf, parseBackward, parseLimit, parseQueryText, parseRange, parseStepMs, parseTime } from "./params.ts";

/** `query`, `query_range` and `format_query`, by GET and by form POST. */
export function addQueryRoutes(app: FastifyInstance, context: ApiContext): void {
  const both = (path: string, handler: (request: FastifyRequest, reply: FastifyReply) => unknown): void => {
    app.route({ method: ["GET", "POST"], url: path, handler: async (request, reply) => handler(request, reply) });
  };
  both("/loki/api/v1/query_range", (request, reply) => queryRange(context, request, reply));
  both("/loki/api/v1/query", (request, reply) => queryInstant(context, request, reply));
  both("/loki/api/v1/format_query", (request) => ({
    status: "success",
    data: formatQuery(parse(parseQueryText(paramsOf(request)))),
  }));
}

async function queryRange(context: ApiContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const params = paramsOf(request);
  const expr = parse(parseQueryText(params));
  const { from, to } = parseRange(params);
  if (expr.kind === "log") {
    const query = {
      expr,
      from,
      to,
      backward: parseBackward(params),
      limit: parseLimit(params),
      categorize: categorizes(request),
    };
    return execute(context, request, reply, async (run) => {
      const streams = await runLogQuery(context.store, query, run);
      const entries = streams.reduce((sum, { hits }) => sum + hits.length, 0);
      return encodeStreams(streams, query.categorize, statistics(run, entries));
    });
  }
  const stepMs = parseStepMs(params, from.ms, to.ms);
  const startMs = from.ms + from.ns / 1e6;
  const grid: Grid = { startMs, stepMs, steps: Math.floor((to.ms + to.ns / 1e6 - startMs) / stepMs) + 1 };
  return execute(context, request, reply, async (run) => {
    const result = await evaluateMetric(context.store, expr, grid, run);
    return encodeMatrix(result, grid, statistics(run, result.kind === "scalar" ? 1 : result.series.length));
  });
}

async function queryInstant(context: ApiContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const params = paramsOf(request);
  const expr = parse(parseQueryText(params));
  parseLimit(params);
  const time = params.get("time");
  const at = time ? parseTime(time) : { ms: Date.now(), ns: 0 };
  if (expr.kind === "log")
    throw new QueryError(
      400,
      "log queries are not supported as an instant query type, please change your query to a range query type",
    );
  const grid: Grid = { startMs: at.ms + at.ns / 1e6, stepMs: 1, steps: 1 };
  return execute(context, request, reply, async (run) => {
    const result = await evaluateMetric(context.store, expr, grid, run);
    return encodeVector(result, grid, statistics(run, result.kind === "scalar" ? 1 : result.series.length));
  });
}

function categorizes(request: FastifyRequest): boolean {
  const flags = request.headers["x-loki-response-encoding-flags"];
  return typeof flags === "string" && flags.split(",").some((flag) => flag.trim() === "categorize-labels");
}

/** Runs a query in its turn; a client that goes away ends it. */
async function execute(
  { gate, metrics }: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  query: (run: Parameters<Parameters<ApiContext["gate"]["run"]>[1]>[0]) => Promise<string>,
): Promise<FastifyReply> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  request.raw.socket.once("close", onClose);
  try {
    const text = await gate.run(gone.signal, async (run) => {
      try {
        return await query(run);
      } finally {
        metrics.queryBytes.inc(run.bytes);
      }
    });
    return reply.type("application/json; charset=UTF-8").send(text);
  } finally {
    request.raw.socket.removeListener("close", onClose);
  }
}
