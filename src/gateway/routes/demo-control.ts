import type { FastifyInstance } from "fastify";
import { requireAdmin } from "../access/keys.ts";
import type { Gateway } from "../gateway.ts";

/** Switches the demo traffic on and off, for the UI. In live mode there is none, and it cannot be started. */
export function registerDemoControl(app: FastifyInstance, gateway: Gateway): void {
  const state = (): object => ({
    available: gateway.demo() !== undefined,
    running: gateway.demo()?.running() ?? false,
    requests_per_second: gateway.context.config.demo.requestsPerSecond,
  });
  app.get("/demo", async (request) => {
    requireAdmin(request.record!.client!, "The demo's state");
    return state();
  });
  app.post("/demo/start", async (request, reply) => {
    requireAdmin(request.record!.client!, "Starting the demo");
    gateway.demo()?.start();
    if (gateway.demo() === undefined) reply.code(409);
    return state();
  });
  app.post("/demo/stop", async (request) => {
    requireAdmin(request.record!.client!, "Stopping the demo");
    gateway.demo()?.stop();
    return state();
  });
}
