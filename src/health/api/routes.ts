import type { FastifyInstance } from "fastify";
import type { HealthService } from "../service.ts";
import { addAvailabilityRoutes } from "./availability-routes.ts";
import { addHealthRoutes } from "./health-routes.ts";
import { addIncidentRoutes } from "./incident-routes.ts";
import { addModelHealthRoutes } from "./model-health-routes.ts";
import { addMonitoringRoutes } from "./monitoring-routes.ts";
import { guardReads } from "./request.ts";
import { addServiceRoutes } from "./service-routes.ts";
import { addStatusRoutes } from "./status-routes.ts";

/** Everything that the service answers. */
export function addRoutes(app: FastifyInstance, service: HealthService): void {
  guardReads(app, service.context);
  addServiceRoutes(app, service);
  addHealthRoutes(app, service);
  addMonitoringRoutes(app, service);
  addAvailabilityRoutes(app, service);
  addModelHealthRoutes(app, service);
  addStatusRoutes(app, service);
  addIncidentRoutes(app, service);
}
