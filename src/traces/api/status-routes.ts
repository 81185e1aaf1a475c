import type { FastifyInstance } from "fastify";
import type { RoleContext } from "../../runtime/role.ts";
import { VERSION } from "../../runtime/version.ts";
import type { ApiContext } from "./server.ts";

/** Paths answered without a key: the real Tempo's, and the one that the deployment guide asks for. */
export const READINESS_PATHS = ["/ready", "/status/ready"];

/** Readiness, version and what Grafana asks a Tempo data source for. */
export function addStatusRoutes(app: FastifyInstance, context: RoleContext, api: ApiContext): void {
  for (const path of READINESS_PATHS) {
    app.get(path, (_request, reply) => {
      reply.type("text/plain; charset=utf-8");
      return api.isReady() ? reply.send("ready\n") : reply.code(503).send("Starting\n");
    });
  }
  app.get("/api/echo", (_request, reply) => reply.type("text/plain; charset=utf-8").send("echo"));
  const buildinfo = {
    version: VERSION,
    revision: "",
    branch: "",
    buildUser: "",
    buildDate: "",
    goVersion: "",
  };
  app.get("/api/status/buildinfo", async () => buildinfo);
  app.get("/status/version", (_request, reply) => {
    return reply.type("text/plain; charset=utf-8").send(`tempo, version ${VERSION} (gatewayz)\n`);
  });
  app.get("/status/services", (_request, reply) => reply.type("text/plain; charset=utf-8").send(servicesText(api)));
  app.get("/status/endpoints", (_request, reply) =>
    reply.type("text/plain; charset=utf-8").send(`${app.printRoutes()}\n`),
  );
  app.get("/status", (_request, reply) => {
    const { store } = api;
    const lines = [
      `tempo, version ${VERSION} (gatewayz)`,
      "",
      servicesText(api),
      `live traces: ${store.liveTraces}`,
      `live spans: ${store.liveSpans}`,
      `head bytes: ${store.headBytes}`,
      `write-ahead log bytes: ${store.walBytes}`,
      `retention: ${context.config.traces.retention / 1_000} s`,
      "",
    ];
    return reply.type("text/plain; charset=utf-8").send(lines.join("\n"));
  });
}

function servicesText(api: ApiContext): string {
  const state = api.isReady() ? "Running" : "Starting";
  return ["distributor", "ingester", "querier", "query-frontend", "compactor", "metrics-generator"]
    .map((service) => `${service}: ${state}\n`)
    .join("");
}
