import type { FastifyInstance } from "fastify";
import { requireAdmin } from "../access/keys.ts";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import type { Breaker } from "../routing/breaker.ts";

/** State views and resets of the provider breakers (contract section 4). */
export function registerCircuitBreakers(app: FastifyInstance, gateway: Gateway): void {
  const { breakers } = gateway;
  const find = (provider: string): Breaker => {
    const breaker = breakers.of(provider);
    if (breaker === undefined) throw new GatewayError("PROVIDER_NOT_FOUND", { provider });
    return breaker;
  };
  app.get("/circuit-breakers", async () => {
    const circuit_breakers = breakers.views();
    return { circuit_breakers, total: circuit_breakers.length, timestamp: new Date().toISOString() };
  });
  app.get<{ Params: { provider: string } }>("/circuit-breakers/:provider", async (request) => {
    return find(request.params.provider).view();
  });
  app.post<{ Params: { provider: string } }>("/circuit-breakers/:provider/reset", async (request) => {
    requireAdmin(request.record!.client!, "Resetting a circuit breaker");
    const breaker = find(request.params.provider);
    breaker.reset();
    return {
      status: "success",
      message: `Circuit breaker of ${request.params.provider} reset`,
      circuit_breaker: breaker.view(),
    };
  });
  app.post("/circuit-breakers/reset-all", async (request) => {
    requireAdmin(request.record!.client!, "Resetting circuit breakers");
    breakers.resetAll();
    return { status: "success", message: "All circuit breakers reset", circuit_breakers: breakers.views() };
  });
}
