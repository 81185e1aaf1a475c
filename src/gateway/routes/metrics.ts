import type { FastifyInstance } from "fastify";
import type { Gateway } from "../gateway.ts";

/** Prometheus' scrape targets; the admin key is asked for by the server's hook. */
export function registerMetrics(app: FastifyInstance, gateway: Gateway): void {
  app.get("/metrics", async (request, reply) => {
    const { contentType, body } = await gateway.telemetry.metrics(request.headers.accept);
    return reply.header("content-type", contentType).send(body);
  });
  app.get("/prometheus/data/metrics", async (_request, reply) => {
    const { contentType, body } = gateway.telemetry.dataMetrics();
    return reply.header("content-type", contentType).send(body);
  });
}
