import type { FastifyInstance } from "fastify";
import { createHttpServer } from "../../runtime/http-server.ts";
import type { RoleContext } from "../../runtime/role.ts";
import type { TraceMetrics } from "../metrics.ts";
import type { TraceStore } from "../store/trace-store.ts";
import { addMetricsRoutes } from "./metrics-routes.ts";
import { addSearchRoutes } from "./search-routes.ts";
import { addStatusRoutes, READINESS_PATHS } from "./status-routes.ts";
import { addTagRoutes } from "./tag-routes.ts";
import { addTraceRoutes } from "./trace-routes.ts";

/** What the routes of the query API need. */
export interface ApiContext {
  readonly store: TraceStore;
  readonly metrics: TraceMetrics;
  /** True once spans are accepted and the log is replayed. */
  isReady(): boolean;
}

/** Tempo's HTTP API. Errors are plain text, as Tempo's are. */
export function createApiServer(context: RoleContext, api: ApiContext): FastifyInstance {
  const app = createHttpServer(context, {
    auth: "engine",
    openPaths: READINESS_PATHS,
    onError: (error, _status, _request, reply) => reply.type("text/plain; charset=utf-8").send(error.message),
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type("text/plain; charset=utf-8").send("404 page not found\n"),
  );
  addStatusRoutes(app, context, api);
  addTraceRoutes(app, api);
  addSearchRoutes(app, api);
  addMetricsRoutes(app, api);
  addTagRoutes(app, api);
  return app;
}
