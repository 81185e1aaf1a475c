import * as z from "zod";
import { moment } from "../../openapi/fields.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";

/** What routing knows at this moment beside the provider breakers: the keys of providers, and the breakers of models. */
export const routingRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/monitoring/routing",
    auth: "admin",
    tag: "Monitoring",
    summary: "States of the providers' keys, and of the breakers of single models",
    schemas: () => ({
      reply: z.object({
        providers: z.array(
          z.object({
            provider: z.string(),
            keys: z.array(
              z.object({
                name: z.string(),
                weight: z.number(),
                state: z
                  .enum(["ready", "cooling", "refused"])
                  .describe("cooling: limited (429); refused: 401, 402 or 403"),
                in_flight: z.number(),
                latency_ms: z.number().describe("Moving average to the answer's head; 0 before the first"),
                seconds_until_ready: z.number(),
              }),
            ),
          }),
        ),
        model_breakers: z
          .array(
            z.object({
              gateway: z.string(),
              model: z.string(),
              state: z.enum(["closed", "open", "half_open"]),
              failure_count: z.number(),
              slow_responses: z.number(),
              seconds_until_retry: z.number(),
            }),
          )
          .describe("Only models that failed or were slow lately"),
        timestamp: moment(),
      }),
    }),
  }).handle(({ gateway: { providers, routing } }) => ({
    providers: [...providers.values()].map((provider) => ({
      provider: provider.name,
      keys: routing.keysOf(provider).views(),
    })),
    model_breakers: routing.availability.views(),
    timestamp: new Date().toISOString(),
  })),
];
