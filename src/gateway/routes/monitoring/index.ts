import type { Route } from "../../openapi/route.ts";
import { chatRequestRoutes } from "./chat-requests.ts";
import { circuitBreakerRoutes } from "./circuit-breakers.ts";
import { parsedMetricsRoutes } from "./parsed-metrics.ts";
import { providerMonitoringRoutes } from "./provider-monitoring.ts";
import { recentRequestRoutes } from "./recent-requests.ts";
import { routingRoutes } from "./routing.ts";
import { trafficMonitoringRoutes } from "./traffic-monitoring.ts";
import { velocityModeRoutes } from "./velocity-mode.ts";

/** The monitoring group of contract 6c, answered from the gateway's own statistics. */
export const monitoringRoutes: readonly Route[] = [
  ...providerMonitoringRoutes,
  ...trafficMonitoringRoutes,
  ...chatRequestRoutes,
  ...circuitBreakerRoutes,
  ...velocityModeRoutes,
  ...recentRequestRoutes,
  ...routingRoutes,
  ...parsedMetricsRoutes,
];
