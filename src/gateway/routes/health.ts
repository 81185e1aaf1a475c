import type { FastifyInstance } from "fastify";
import type { Gateway } from "../gateway.ts";
import { GATEWAY_VERSION } from "../version.ts";

/** Liveness and readiness, without a key. `/health` always answers 200 (contract 3d). */
export function registerHealth(app: FastifyInstance, gateway: Gateway): void {
  const { mode } = gateway.context.config;
  const status = (): string => (gateway.inFlight.draining ? "shutting_down" : "healthy");
  app.get("/", async () => ({
    name: "GatewayZ",
    version: GATEWAY_VERSION,
    status: "running",
    mode,
    endpoints: [
      "/v1/chat/completions",
      "/v1/messages",
      "/v1/responses",
      "/v1/embeddings",
      "/v1/completions",
      "/v1/moderations",
      "/v1/rerank",
      "/v1/models",
      "/health",
      "/metrics",
      "/circuit-breakers",
    ],
  }));
  app.get("/health", async () => ({
    status: status(),
    timestamp: new Date().toISOString(),
    version: GATEWAY_VERSION,
    database: "not_initialized",
    mode,
    providers: gateway.providers.size,
  }));
  app.get("/health/quick", async () => ({ status: status(), timestamp: new Date().toISOString() }));
  app.get("/ready", async (_request, reply) => {
    if (gateway.inFlight.draining) reply.code(503);
    return { status: gateway.inFlight.draining ? "shutting_down" : "ready" };
  });
}
