import * as z from "zod";
import { proxied } from "../../health-service/proxied.ts";
import { name, paging } from "../../openapi/fields.ts";
import type { Route } from "../../openapi/route.ts";

const tag = "Status";
const modelParams = () => z.object({ provider: name("Provider"), model: name("Id of a model; may hold slashes") });

/** `/v1/status/*` (public) and `/v1/model-health*` of contract 6c. */
export const statusRoutes: readonly Route[] = [
  proxied({
    path: "/v1/status",
    auth: "open",
    tag,
    summary: "The status page in one object",
    schemas: () => ({ reply: z.looseObject({ status: z.string() }) }),
    away: (_gateway, message) => ({ status: "unknown", status_message: message }),
  }),
  proxied({
    path: "/v1/status/providers",
    auth: "open",
    tag,
    summary: "Providers with status and uptime",
    schemas: () => ({ reply: z.unknown() }),
  }),
  proxied({
    path: "/v1/status/models",
    auth: "open",
    tag,
    summary: "Models with status and uptime",
    schemas: () => ({
      query: z.object({
        provider: name("Only of this provider").optional(),
        gateway: name("Only of this gateway").optional(),
        status: z.enum(["available", "unavailable", "degraded", "maintenance", "unknown"]).optional(),
        tier: z.enum(["critical", "popular", "standard", "on_demand"]).optional(),
        ...paging(1_000, 1_000),
      }),
      reply: z.unknown(),
    }),
  }),
  proxied({
    path: "/v1/status/models/{provider}/{model*}",
    auth: "open",
    tag,
    summary: "One model with status and uptime",
    schemas: () => ({ params: modelParams(), reply: z.unknown() }),
  }),
  proxied({
    path: "/v1/status/incidents",
    auth: "open",
    tag,
    summary: "Incidents, the newest first",
    schemas: () => ({
      query: z.object({
        status: z.enum(["active", "resolved", "acknowledged"]).optional(),
        severity: z.enum(["low", "medium", "high", "critical"]).optional(),
        provider: name("Only of this provider").optional(),
        ...paging(1_000, 20),
      }),
      reply: z.unknown(),
    }),
  }),
  proxied({
    path: "/v1/status/uptime",
    auth: "open",
    tag,
    summary: "Uptime of everything, and day by day over 30 days",
    schemas: () => ({ reply: z.looseObject({}) }),
  }),
  proxied({
    path: "/v1/status/uptime/{provider}/{model*}",
    auth: "open",
    tag,
    summary: "One model's uptime over time",
    schemas: () => ({
      params: modelParams(),
      query: z.object({
        period: z.enum(["24h", "7d", "30d"]).optional().describe("How far back the points go; 24h without it"),
      }),
      reply: z.unknown(),
    }),
  }),
  proxied({
    path: "/v1/status/search",
    auth: "open",
    tag,
    summary: "Models and providers whose name holds a text",
    schemas: () => ({
      query: z.object({ q: z.string().min(1).max(200), ...paging(500, 500) }),
      reply: z.unknown(),
    }),
  }),
  proxied({
    path: "/v1/status/stats",
    auth: "open",
    tag,
    summary: "Numbers of models, incidents and checks",
    schemas: () => ({ reply: z.looseObject({}) }),
  }),
  proxied({
    path: "/v1/model-health",
    auth: "client",
    tag: "Health",
    summary: "What is recorded of every model's checks and calls",
    schemas: () => ({
      query: z.object({
        provider: name("Only of this provider").optional(),
        model: name("Only this model").optional(),
        ...paging(500, 500),
      }),
      reply: z.looseObject({}),
    }),
  }),
  proxied({
    path: "/v1/model-health/unhealthy",
    auth: "client",
    tag: "Health",
    summary: "Models whose last check or call failed, or too many of their calls",
    schemas: () => ({
      query: z.object({
        provider: name("Only of this provider").optional(),
        error_threshold: z.coerce
          .number()
          .min(0)
          .max(1)
          .optional()
          .describe("Share of failed calls from which on; 0.2"),
        min_calls: z.coerce
          .number()
          .min(0)
          .optional()
          .describe("Models with fewer calls are judged by the last one; 10"),
        ...paging(500, 500),
      }),
      reply: z.looseObject({}),
    }),
  }),
  proxied({
    path: "/v1/model-health/stats",
    auth: "client",
    tag: "Health",
    summary: "All models' calls added up",
    schemas: () => ({ reply: z.looseObject({}) }),
  }),
  proxied({
    path: "/v1/model-health/providers",
    auth: "client",
    tag: "Health",
    summary: "Models' calls added up by provider",
    schemas: () => ({ reply: z.looseObject({}) }),
  }),
  proxied({
    path: "/v1/model-health/provider/{provider}/summary",
    auth: "client",
    tag: "Health",
    summary: "One provider's models added up",
    schemas: () => ({ params: z.object({ provider: name("Provider") }), reply: z.looseObject({}) }),
  }),
  proxied({
    path: "/v1/model-health/{provider}/{model*}",
    auth: "client",
    tag: "Health",
    summary: "What is recorded of one model",
    schemas: () => ({ params: modelParams(), reply: z.looseObject({}) }),
  }),
];
