import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Counter } from "prom-client";
import { createHttpServer } from "../runtime/http-server.ts";
import type { RoleContext } from "../runtime/role.ts";
import { errorTypeOf } from "./api/api-error.ts";
import { addManagementRoutes, OPEN_PATHS } from "./api/management.ts";
import { addPages } from "./api/pages.ts";
import { QueryGate } from "./api/query-gate.ts";
import { addRemoteWriteRoute } from "./api/remote-write-route.ts";
import { addApiRoutes } from "./api/routes.ts";
import type { ServerState } from "./server-state.ts";

const FORM_BYTES_MAX = 10 * 1024 * 1024; // 10 MiB, as Go's ParseForm

/** The whole HTTP side of the role; it answers before the store is open, with 503 where it needs the store. */
export function createHttpApi(context: RoleContext, state: ServerState): FastifyInstance {
  const app = createHttpServer(context, {
    auth: "engine",
    openPaths: OPEN_PATHS,
    bodyBytesMax: FORM_BYTES_MAX,
    onError: (error, status, _request, reply) => {
      return reply
        .type("application/json")
        .send(JSON.stringify({ status: "error", errorType: errorTypeOf(status), error: error.message }));
    },
  });
  countRequests(app, context);
  const gate = new QueryGate(context.registry);
  addApiRoutes(app, context, state, gate);
  addRemoteWriteRoute(app, state);
  addManagementRoutes(app, state);
  addPages(app, context, state, gate);
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type("text/plain; charset=utf-8").send("404 page not found\n"),
  );
  return app;
}

function countRequests(app: FastifyInstance, { registry }: RoleContext): void {
  const requests = new Counter({
    name: "prometheus_http_requests_total",
    help: "Counter of HTTP requests.",
    labelNames: ["handler", "code"],
    registers: [registry],
  });
  app.addHook("onResponse", async (request: FastifyRequest, reply: FastifyReply) => {
    // The route's pattern and not the path: a path has no bound.
    const handler = request.routeOptions.url ?? "none";
    requests.inc({ handler, code: String(reply.statusCode) });
  });
}
