import { defineRoute, type Route } from "../../openapi/route.ts";

/** Prometheus' scrape targets. */
export const metricsRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/metrics",
    auth: "admin",
    tag: "Gateway",
    summary: "Every metric, for Prometheus",
    description: "OpenMetrics with exemplars when `Accept` asks for it, else the text format.",
    replyType: "text/plain; version=0.0.4",
    schemas: () => ({}),
  }).handle(async ({ gateway, request, reply }) => {
    const { contentType, body } = await gateway.telemetry.metrics(request.headers.accept);
    reply.header("content-type", contentType);
    return body;
  }),
  defineRoute({
    method: "GET",
    path: "/prometheus/data/metrics",
    auth: "admin",
    tag: "Gateway",
    summary: "Gauges per provider over the last hour, for Prometheus",
    replyType: "text/plain; version=0.0.4",
    schemas: () => ({}),
  }).handle(({ gateway, reply }) => {
    const { contentType, body } = gateway.telemetry.dataMetrics();
    reply.header("content-type", contentType);
    return body;
  }),
];
