import type { Route } from "../../openapi/route.ts";
import { dashboardRoute } from "./dashboard.ts";
import { healthServiceRoutes } from "./health-service-routes.ts";
import { ownHealthRoutes } from "./own-health-routes.ts";

/** The health group of contract 6c. */
export const healthRoutes: readonly Route[] = [...ownHealthRoutes, dashboardRoute, ...healthServiceRoutes];
