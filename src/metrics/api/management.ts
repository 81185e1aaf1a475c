import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import type { ServerState } from "../server-state.ts";
import { ApiError } from "./api-error.ts";
import { federate } from "./federate.ts";
import { Params } from "./params.ts";
import type { RequestSignals } from "./request-signals.ts";

/** Paths that answer without a key. */
export const OPEN_PATHS = ["/-/ready", "/-/healthy", "/ready"];

/** Readiness, liveness, reload and federation. Source: Prometheus documentation, "Management API". */
export function addManagementRoutes(app: FastifyInstance, state: ServerState, signals: RequestSignals): void {
  app.get("/-/healthy", (_request, reply) =>
    reply.type("text/plain; charset=utf-8").send("Prometheus Server is Healthy.\n"),
  );
  for (const path of ["/-/ready", "/ready"]) {
    app.get(path, (_request, reply) => {
      if (state.running === undefined)
        return reply.code(503).type("text/plain; charset=utf-8").send("Service Unavailable");
      return reply.type("text/plain; charset=utf-8").send("Prometheus Server is Ready.\n");
    });
  }
  for (const method of ["POST", "PUT"] as const) {
    app.route({
      method,
      url: "/-/reload",
      handler: async (_request, reply) => {
        try {
          await state.reload();
        } catch (error) {
          return reply
            .code(500)
            .type("text/plain; charset=utf-8")
            .send(`failed to reload config: ${(error as Error).message}\n`);
        }
        return reply.type("text/plain; charset=utf-8").send("");
      },
    });
    app.route({
      method,
      url: "/-/quit",
      handler: (_request, reply) =>
        reply.code(403).type("text/plain; charset=utf-8").send("Lifecycle API is not enabled."),
    });
  }
  for (const path of ["/-/reload", "/-/quit"]) {
    app.get(path, (_request, reply) => {
      return reply.code(405).type("text/plain; charset=utf-8").send("Only POST or PUT requests allowed");
    });
  }
  app.get("/federate", async (request, reply) => {
    if (state.running === undefined)
      return reply.code(503).type("text/plain; charset=utf-8").send("Service Unavailable");
    const params = new Params(request);
    try {
      params.matcherSets();
    } catch (error) {
      if (error instanceof ApiError)
        return reply.code(error.status).type("text/plain; charset=utf-8").send(`${error.message}\n`);
      throw error;
    }
    reply.type("text/plain; version=0.0.4; charset=utf-8");
    const signal = signals.of(reply);
    return reply.send(Readable.from(federate(state.running.store, state.externalLabels(), params, signal)));
  });
}
