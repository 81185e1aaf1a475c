import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { RoleContext } from "../../runtime/role.ts";
import { printConfig } from "../config/print-config.ts";
import type { RunningServer, ServerState } from "../server-state.ts";
import { ApiError } from "./api-error.ts";
import { queryExemplars } from "./exemplars.ts";
import { Params } from "./params.ts";
import { formatQuery, queryInstant, queryRange } from "./query.ts";
import type { QueryGate } from "./query-gate.ts";
import type { RequestSignals } from "./request-signals.ts";
import { type ApiResult, json, sendError, sendSuccess } from "./respond.ts";
import { listAlerts, listRules } from "./rules.ts";
import { listLabelNames, listLabelValues, listSeries } from "./series.ts";
import { buildInfo, flags, runtimeInfo, tsdbStatus } from "./status.ts";
import { listMetadata, listScrapePools, listTargetMetadata, listTargets } from "./targets.ts";

/** What one endpoint gets. */
interface Call {
  readonly server: RunningServer;
  readonly params: Params;
  readonly signal: AbortSignal;
  readonly request: FastifyRequest;
}

type Endpoint = (call: Call) => ApiResult | Promise<ApiResult>;

/** Prometheus' HTTP API under `/api/v1`. Source: Prometheus documentation, "HTTP API". */
export function addApiRoutes(
  app: FastifyInstance,
  context: RoleContext,
  state: ServerState,
  gate: QueryGate,
  signals: RequestSignals,
): void {
  const add = (methods: ("GET" | "POST")[], path: string, endpoint: Endpoint): void => {
    app.route({
      method: methods,
      url: `/api/v1${path}`,
      handler: async (request, reply) => answer(state, signals, request, reply, endpoint),
    });
  };
  const get = (path: string, endpoint: Endpoint): void => add(["GET"], path, endpoint);
  const both = (path: string, endpoint: Endpoint): void => add(["GET", "POST"], path, endpoint);

  both("/query", ({ server, params, signal }) => queryInstant({ ...server, gate }, params, signal));
  both("/query_range", ({ server, params, signal }) => queryRange({ ...server, gate }, params, signal));
  both("/format_query", ({ params }) => formatQuery(params));
  both("/query_exemplars", ({ server, params }) => queryExemplars(server.store, params));
  both("/series", ({ server, params, signal }) => listSeries(server.store, params, signal));
  both("/labels", ({ server, params, signal }) => listLabelNames(server.store, params, signal));
  get("/label/:name/values", ({ server, params, signal, request }) => {
    return listLabelValues(server.store, (request.params as { name: string }).name, params, signal);
  });
  get("/metadata", ({ server, params }) => listMetadata(server, params));
  get("/targets", ({ server, params }) => listTargets(server.scrape, params));
  get("/targets/metadata", ({ server, params }) => listTargetMetadata(server.scrape, params));
  get("/scrape_pools", ({ server }) => listScrapePools(server.scrape));
  get("/rules", ({ server, params }) => listRules(server.rules.groups, params));
  get("/alerts", ({ server }) => listAlerts(server.rules.groups));
  get("/alertmanagers", () => json({ activeAlertmanagers: [], droppedAlertmanagers: [] }));
  get("/status/config", () => json({ yaml: state.config === undefined ? "" : printConfig(state.config) }));
  get("/status/flags", () => {
    return flags(context.config, context.dataDir, `${context.config.host}:${context.config.ports.metrics}`);
  });
  get("/status/runtimeinfo", () => json(runtimeInfo({ ...state, retentionMs: context.config.metrics.retention })));
  get("/status/buildinfo", buildInfo);
  get("/status/tsdb", ({ server, params }) => tsdbStatus(server.store, params));
  get("/status/walreplay", () => json({ min: 0, max: 0, current: 0 }));
  app.post("/api/v1/admin/*", (_request, reply) =>
    sendError(reply, new ApiError("unavailable", "admin APIs disabled")),
  );
}

async function answer(
  state: ServerState,
  signals: RequestSignals,
  request: FastifyRequest,
  reply: FastifyReply,
  endpoint: Endpoint,
): Promise<unknown> {
  if (state.running === undefined) return reply.code(503).type("text/plain; charset=utf-8").send("Service Unavailable");
  const signal = signals.of(reply);
  try {
    const call = { server: state.running, params: new Params(request), signal, request };
    return await sendSuccess(request, reply, await endpoint(call));
  } catch (error) {
    if (error instanceof ApiError) return sendError(reply, error);
    throw error;
  }
}
