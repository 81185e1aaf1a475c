import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Counter, Histogram } from "prom-client";
import { HttpError } from "../runtime/http-error.ts";
import { createHttpServer } from "../runtime/http-server.ts";
import type { RoleContext } from "../runtime/role.ts";
import { errorTypeOf } from "./api/api-error.ts";
import { addManagementRoutes, OPEN_PATHS } from "./api/management.ts";
import { addPages } from "./api/pages.ts";
import { QueryGate } from "./api/query-gate.ts";
import { addRemoteWriteRoute } from "./api/remote-write-route.ts";
import { RequestSignals } from "./api/request-signals.ts";
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
  refuseBrowsers(app);
  countRequests(app, context);
  const gate = new QueryGate(context.registry);
  const signals = new RequestSignals(context.signal);
  addApiRoutes(app, context, state, gate, signals);
  addRemoteWriteRoute(app, state);
  addManagementRoutes(app, state, signals);
  addPages(app, context, state, gate, signals);
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type("text/plain; charset=utf-8").send("404 page not found\n"),
  );
  return app;
}

/** Paths that change something. */
const CHANGING_PATHS: ReadonlySet<string> = new Set(["/api/v1/write", "/-/reload", "/-/quit"]);

/**
 * On loopback nobody is asked for a key, and any page that is open in a browser can send requests there. No writer and
 * no script sends an `Origin`, every such page does.
 */
function refuseBrowsers(app: FastifyInstance): void {
  app.addHook("onRequest", async (request) => {
    if (request.headers.origin === undefined || !CHANGING_PATHS.has(request.url.split("?", 1)[0]!)) return;
    throw new HttpError(403, "requests from web pages are refused here");
  });
}

/** Seconds; Prometheus' own bounds for this metric. */
const DURATION_BUCKETS = [0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120];

function countRequests(app: FastifyInstance, { registry }: RoleContext): void {
  const registers = [registry];
  const requests = new Counter({
    name: "prometheus_http_requests_total",
    help: "Counter of HTTP requests.",
    labelNames: ["handler", "code"],
    registers,
  });
  const durations = new Histogram({
    name: "prometheus_http_request_duration_seconds",
    help: "Histogram of latencies for HTTP requests.",
    labelNames: ["handler"],
    buckets: DURATION_BUCKETS,
    registers,
  });
  app.addHook("onResponse", async (request: FastifyRequest, reply: FastifyReply) => {
    // The route's pattern and not the path: a path has no bound.
    const handler = request.routeOptions.url ?? "none";
    requests.inc({ handler, code: String(reply.statusCode) });
    durations.observe({ handler }, reply.elapsedTime / 1_000);
  });
}
