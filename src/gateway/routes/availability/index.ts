import * as z from "zod";
import { proxied } from "../../health-service/proxied.ts";
import { name } from "../../openapi/fields.ts";
import type { Route } from "../../openapi/route.ts";

const tag = "Availability";
const filters = () =>
  z.object({
    gateway: name("Only of this gateway").optional(),
    provider: name("Only of this provider").optional(),
    status: z.enum(["available", "unavailable", "degraded", "maintenance", "unknown"]).optional(),
  });
const modelParams = () => z.object({ model: name("Id of a model; may hold slashes") });
const anyObject = () => z.looseObject({});
const maintenance = () =>
  z.strictObject({
    model: name("Model; all of the provider's without it").optional(),
    provider: name("Provider; all without it").optional(),
    gateway: name("Gateway; all without it").optional(),
    all: z.boolean().optional().describe("Instead of a model, provider or gateway: everything"),
    starts_at: z.string().optional().describe("ISO 8601; now without it"),
    ends_at: z.string().optional().describe("ISO 8601"),
    duration_minutes: z.number().positive().optional().describe("Instead of `ends_at`"),
    reason: z.string().max(1_000).optional(),
  });

/** `/availability/*` of contract 6c. What is not known is assumed to work, so that a silent health service stops nobody. */
export const availabilityRoutes: readonly Route[] = [
  proxied({
    path: "/availability/models",
    auth: "client",
    tag,
    summary: "Whether each watched model can be asked now",
    schemas: () => ({ query: filters(), reply: z.unknown() }),
  }),
  proxied({
    path: "/availability/model/{model*}",
    auth: "client",
    tag,
    summary: "Whether one model can be asked now",
    schemas: () => ({ params: modelParams(), query: filters(), reply: anyObject() }),
    away: (_gateway, message, { model }) => ({ model_id: model, status: "unknown", message }),
  }),
  proxied({
    path: "/availability/check/{model*}",
    auth: "client",
    tag,
    summary: "Yes or no: can this model be asked",
    schemas: () => ({ params: modelParams(), query: filters(), reply: anyObject() }),
    away: (_gateway, message, { model }) => ({ model_id: model, available: true, status: "unknown", message }),
  }),
  proxied({
    path: "/availability/fallback/{model*}",
    auth: "client",
    tag,
    summary: "What to ask instead of a model: healthy, with at least 70 % uptime, the most reliable first",
    schemas: () => ({ params: modelParams(), query: filters(), reply: anyObject() }),
    away: (_gateway, message, { model }) => ({
      primary_model: model,
      fallback_models: [],
      best_available: null,
      message,
    }),
  }),
  proxied({
    path: "/availability/best/{model*}",
    auth: "client",
    tag,
    summary: "The best of those who serve a model",
    schemas: () => ({ params: modelParams(), query: filters(), reply: anyObject() }),
    away: (_gateway, message, { model }) => ({
      primary_model: model,
      best_available: null,
      availability: "unknown",
      message,
    }),
  }),
  proxied({
    path: "/availability/summary",
    auth: "client",
    tag,
    summary: "How many models can be asked now",
    schemas: () => ({ reply: anyObject() }),
  }),
  proxied({
    path: "/availability/status",
    auth: "client",
    tag,
    summary: "Availability in a few fields",
    schemas: () => ({ reply: anyObject() }),
    away: (_gateway, message) => ({ status: "unknown", monitoring_active: false, message }),
  }),
  proxied({
    path: "/availability/maintenance",
    auth: "client",
    tag,
    summary: "Times in which something is expected not to answer",
    schemas: () => ({ reply: z.unknown() }),
  }),
  proxied({
    method: "POST",
    path: "/availability/maintenance",
    status: 201,
    auth: "admin",
    tag,
    summary: "Announce maintenance: no alerts, no incidents, and routing goes elsewhere",
    schemas: () => ({ body: maintenance(), reply: anyObject() }),
  }),
  proxied({
    method: "DELETE",
    path: "/availability/maintenance/{id}",
    auth: "admin",
    tag,
    summary: "End maintenance",
    schemas: () => ({ params: z.object({ id: name("Of the announcement") }), reply: anyObject() }),
  }),
  proxied({
    path: "/availability/monitoring/status",
    auth: "client",
    tag,
    summary: "Whether availability is watched",
    schemas: () => ({ reply: anyObject() }),
    away: (_gateway, message) => ({ monitoring_active: false, message }),
  }),
  ...(["start", "stop"] as const).map((action) =>
    proxied({
      method: "POST",
      path: `/availability/monitoring/${action}`,
      upstream: `/health/monitoring/${action}`,
      auth: "admin",
      tag,
      summary: action === "start" ? "Start watching availability" : "Stop watching availability",
      schemas: () => ({ reply: anyObject() }),
    }),
  ),
];
