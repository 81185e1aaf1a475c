import * as z from "zod";
import { proxied } from "../../health-service/proxied.ts";
import { moment, name } from "../../openapi/fields.ts";
import type { Route } from "../../openapi/route.ts";
import { knownModels } from "../catalogue/listing.ts";

const systemHealth = () =>
  z.looseObject({
    overall_status: z.enum(["healthy", "degraded", "unhealthy", "unknown"]),
    total_providers: z.number(),
    healthy_providers: z.number(),
    degraded_providers: z.number(),
    unhealthy_providers: z.number(),
    total_models: z.number(),
    healthy_models: z.number(),
    degraded_models: z.number(),
    unhealthy_models: z.number(),
    total_gateways: z.number(),
    healthy_gateways: z.number(),
    tracked_models: z.number(),
    tracked_providers: z.number(),
    system_uptime: z.number().nullable().describe("Percent over 24 h; null when nothing is known"),
    last_updated: moment().nullable(),
  });

/** What the gateway knows by itself: how much there is, and nothing about how it does. */
const unknownSystem = (gateway: Parameters<typeof knownModels>[0]) => ({
  overall_status: "unknown" as const,
  total_providers: gateway.providers.size,
  healthy_providers: 0,
  degraded_providers: 0,
  unhealthy_providers: 0,
  total_models: knownModels(gateway).length,
  healthy_models: 0,
  degraded_models: 0,
  unhealthy_models: 0,
  total_gateways: gateway.providers.size,
  healthy_gateways: 0,
  tracked_models: 0,
  tracked_providers: 0,
  system_uptime: null,
  last_updated: null,
});

const filters = () =>
  z.object({
    gateway: name("Only of this gateway").optional(),
    provider: name("Only of this provider").optional(),
    status: name("Only with this status").optional(),
  });

const chosenModels = () => z.strictObject({ model: name("Model").optional(), provider: name("Provider").optional() });
const anyObject = () => z.looseObject({});

/** `/health/*` of contract 6c that only the health service can answer. */
export const healthServiceRoutes: readonly Route[] = [
  proxied({
    path: "/health/system",
    auth: "client",
    tag: "Health",
    summary: "How many providers, models and gateways are healthy",
    schemas: () => ({ reply: systemHealth() }),
    away: unknownSystem,
  }),
  proxied({
    path: "/health/providers",
    auth: "client",
    tag: "Health",
    summary: "Health of every watched provider",
    schemas: () => ({ query: filters(), reply: anyObject() }),
    away: (gateway, message) => ({
      data: [],
      providers: [],
      total_providers: gateway.providers.size,
      tracked_providers: 0,
      message,
    }),
  }),
  proxied({
    path: "/health/models",
    auth: "client",
    tag: "Health",
    summary: "Health of every watched model",
    schemas: () => ({ query: filters(), reply: anyObject() }),
    away: (gateway, message) => ({
      data: [],
      total_models: knownModels(gateway).length,
      tracked_models: 0,
      message,
    }),
  }),
  proxied({
    path: "/health/model/{model*}",
    auth: "client",
    tag: "Health",
    summary: "Health of one model",
    schemas: () => ({
      params: z.object({ model: name("Id of a model; may hold slashes") }),
      query: filters(),
      reply: anyObject(),
    }),
    away: (_gateway, message, { model }) => ({ model_id: model, status: "unknown", message }),
  }),
  proxied({
    path: "/health/provider/{provider}",
    auth: "client",
    tag: "Health",
    summary: "Health of one provider",
    schemas: () => ({
      params: z.object({ provider: name("Name of a provider") }),
      query: filters(),
      reply: anyObject(),
    }),
    away: (_gateway, message, { provider }) => ({ provider, status: "unknown", message }),
  }),
  proxied({
    path: "/health/summary",
    auth: "client",
    tag: "Health",
    summary: "System, providers and models in one reply",
    schemas: () => ({ reply: anyObject() }),
    away: (gateway, message) => ({
      system: unknownSystem(gateway),
      providers: [],
      models: [],
      monitoring_active: false,
      last_check: null,
      message,
    }),
  }),
  proxied({
    path: "/health/status",
    auth: "client",
    tag: "Health",
    summary: "Overall status in a few fields",
    schemas: () => ({ reply: anyObject() }),
    away: (_gateway, message) => ({ status: "unknown", message, monitoring_active: false, data_source: "none" }),
  }),
  proxied({
    path: "/health/uptime",
    auth: "client",
    tag: "Health",
    summary: "Uptime over 24 hours, 7 and 30 days",
    schemas: () => ({ reply: anyObject() }),
    away: (_gateway, message) => ({ status: "unknown", uptime_percentage: null, message }),
  }),
  proxied({
    path: "/health/insights",
    auth: "client",
    tag: "Health",
    summary: "What stands out: models and providers that need a look",
    schemas: () => ({ reply: anyObject() }),
  }),
  proxied({
    path: "/health/gateways",
    auth: "open",
    tag: "Health",
    summary: "Health of every gateway: watched, pending or not configured",
    schemas: () => ({ reply: anyObject() }),
    away: (gateway, message) => ({
      gateways: [...gateway.providers.keys()].map((one) => ({ gateway: one, status: "unknown" })),
      total: gateway.providers.size,
      healthy: 0,
      message,
    }),
  }),
  proxied({
    path: "/health/{gateway}",
    auth: "client",
    tag: "Health",
    summary: "Health of one gateway",
    schemas: () => ({ params: z.object({ gateway: name("Name of a gateway") }), reply: anyObject() }),
    away: (_gateway, message, { gateway }) => ({ gateway, status: "unknown", message }),
  }),
  proxied({
    method: "POST",
    path: "/health/check",
    auth: "admin",
    tag: "Health",
    summary: "Check watched models now: all (at most 50), of one provider, or one",
    schemas: () => ({ body: chosenModels(), reply: anyObject() }),
  }),
  proxied({
    method: "POST",
    path: "/health/check/now",
    auth: "admin",
    tag: "Health",
    summary: "The same as `/health/check`",
    schemas: () => ({ body: chosenModels(), reply: anyObject() }),
  }),
  proxied({
    path: "/health/monitoring/status",
    auth: "client",
    tag: "Health",
    summary: "Whether the health service checks models",
    schemas: () => ({ reply: anyObject() }),
    away: (_gateway, message) => ({ health_monitoring_active: false, availability_monitoring_active: false, message }),
  }),
  ...(["start", "stop"] as const).map((action) =>
    proxied({
      method: "POST",
      path: `/health/monitoring/${action}`,
      auth: "admin",
      tag: "Health",
      summary: action === "start" ? "Start checking models" : "Stop checking models",
      schemas: () => ({ reply: anyObject() }),
    }),
  ),
];
