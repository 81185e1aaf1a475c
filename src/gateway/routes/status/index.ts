import * as z from "zod";
import { proxied } from "../../health-service/proxied.ts";
import { integer, name, paging } from "../../openapi/fields.ts";
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
      query: z.object(paging(500, 500)),
      reply: z.unknown(),
    }),
  }),
  proxied({
    path: "/v1/status/models/{provider}/{model*}",
    upstream: "/v1/status/search?q={provider}%2F{model}",
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
      query: z.object({ limit: integer(0, 500, 20, "Most incidents of this reply") }),
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
    upstream: "/health/uptime?provider={provider}&model={model}",
    auth: "open",
    tag,
    summary: "One model's uptime over time",
    schemas: () => ({
      params: modelParams(),
      query: z.object({
        period: z
          .enum(["hour", "day", "week", "month"])
          .optional()
          .describe("Shows the aggregates of this length, too"),
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
    summary: "Models whose last check or call failed",
    schemas: () => ({
      query: z.object({ provider: name("Only of this provider").optional(), ...paging(500, 500) }),
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
    upstream: "/health/provider/{provider}",
    auth: "client",
    tag: "Health",
    summary: "One provider's models added up",
    schemas: () => ({ params: z.object({ provider: name("Provider") }), reply: z.looseObject({}) }),
  }),
  proxied({
    path: "/v1/model-health/{provider}/{model*}",
    upstream: "/health/model/{model}?provider={provider}",
    auth: "client",
    tag: "Health",
    summary: "What is recorded of one model",
    schemas: () => ({ params: modelParams(), reply: z.looseObject({}) }),
  }),
];
