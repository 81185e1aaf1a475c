import type { FastifyInstance } from "fastify";
import { ParseError } from "../../languages/logql/parse-error.ts";
import { HttpError } from "../../runtime/http-error.ts";
import { createHttpServer } from "../../runtime/http-server.ts";
import type { RoleContext } from "../../runtime/role.ts";
import { PUSH_BYTES_MAX } from "../limits.ts";
import { QueryError } from "../query/query-error.ts";
import type { ApiContext } from "./context.ts";
import { addIndexRoutes } from "./index-routes.ts";
import { addLabelRoutes } from "./label-routes.ts";
import { addPushRoutes } from "./push-routes.ts";
import { addQueryRoutes } from "./query-routes.ts";
import { addRuleRoutes } from "./rule-routes.ts";
import { addStatusRoutes, OPEN_PATHS } from "./status-routes.ts";

/** Loki's HTTP API. Errors are plain text, as Loki's are. */
export function createApi(role: RoleContext, context: ApiContext): FastifyInstance {
  const app = createHttpServer(role, {
    bodyBytesMax: PUSH_BYTES_MAX,
    auth: "engine",
    openPaths: OPEN_PATHS,
    onError: (error, _status, _request, reply) => reply.type("text/plain; charset=utf-8").send(`${error.message}\n`),
  });
  app.addHook("onResponse", async (request, reply) => {
    const route = (request.routeOptions.url ?? "unknown").replace(/^\//, "").replaceAll("/", "_").replaceAll(":", "");
    const labels = { method: request.method, route, status_code: String(reply.statusCode), ws: "false" };
    context.metrics.requestSeconds.observe(labels, reply.elapsedTime / 1_000);
  });
  // Queries fail in classes of their own, below HTTP; here they get their status.
  app.addHook("onRoute", (route) => {
    const { handler } = route;
    route.handler = async function handle(request, reply) {
      try {
        return await handler.call(this, request, reply);
      } catch (error) {
        throw asHttpError(error, context);
      }
    };
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type("text/plain; charset=utf-8").send("404 page not found\n"),
  );
  addStatusRoutes(app);
  addPushRoutes(app, context);
  addQueryRoutes(app, context);
  addLabelRoutes(app, context);
  addIndexRoutes(app, context);
  addRuleRoutes(app, context.ruler);
  return app;
}

function asHttpError(error: unknown, { metrics }: ApiContext): unknown {
  if (error instanceof ParseError) return new HttpError(400, error.message);
  if (!(error instanceof QueryError)) return error;
  if (error.limit !== undefined) metrics.queriesRefused.inc({ limit: error.limit });
  return new HttpError(error.status, error.message);
}
