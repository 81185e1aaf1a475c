import type { FastifyInstance } from "fastify";
import { adminRoutes } from "../admin/index.ts";
import type { Gateway } from "../gateway.ts";
import { mediaDescriptions } from "../media/descriptions.ts";
import { availabilityRoutes } from "../routes/availability/index.ts";
import { catalogueRoutes } from "../routes/catalogue/index.ts";
import { demoRoutes } from "../routes/gateway/demo-control.ts";
import { livenessRoutes } from "../routes/gateway/liveness.ts";
import { metricsRoutes } from "../routes/gateway/metrics.ts";
import { healthRoutes } from "../routes/health/index.ts";
import { monitoringRoutes } from "../routes/monitoring/index.ts";
import { requestContentRoutes } from "../routes/monitoring/request-content.ts";
import { statusRoutes } from "../routes/status/index.ts";
import { userRoutes } from "../routes/user/index.ts";
import { inferenceDescriptions } from "./inference-descriptions.ts";
import { RouteRegistry } from "./registry.ts";
import { openApiRoutes } from "./routes.ts";

/**
 * Registers every route that has a definition, and makes the document known that describes all routes. Called before
 * any other route is registered, so that none escapes it.
 */
export function registerDefinedRoutes(app: FastifyInstance, gateway: Gateway): RouteRegistry {
  const registry = new RouteRegistry(app, gateway);
  registry.describe(inferenceDescriptions);
  registry.describe(mediaDescriptions);
  registry.add(openApiRoutes(registry));
  registry.add(livenessRoutes);
  registry.add(metricsRoutes);
  registry.add(demoRoutes);
  registry.add(catalogueRoutes);
  registry.add(healthRoutes);
  registry.add(availabilityRoutes);
  registry.add(statusRoutes);
  registry.add(monitoringRoutes);
  registry.add(requestContentRoutes);
  registry.add(userRoutes);
  registry.add(adminRoutes);
  return registry;
}
