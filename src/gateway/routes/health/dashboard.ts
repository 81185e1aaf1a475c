import * as z from "zod";
import { moment } from "../../openapi/fields.ts";
import { rounded } from "../../openapi/numbers.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";
import { providerHealth } from "../../statistics/provider-health.ts";

/** `GET /health/dashboard`, exactly as contract 6c has it, from the gateway's own calls and breakers. */
export const dashboardRoute: Route = defineRoute({
  method: "GET",
  path: "/health/dashboard",
  auth: "client",
  tag: "Health",
  summary: "Every provider's last hour and health score",
  description:
    "Score = 0.4 · availability + 0.3 · (1 − error rate) + 0.3 · latency score, 0 to 1; the latency score is 1 up to a p95 of 2 s and falls in a straight line to 0 at 10 s.",
  schemas: () => ({
    reply: z.object({
      timestamp: moment(),
      providers: z.array(
        z.object({
          name: z.string(),
          status: z.enum(["healthy", "degraded", "down"]),
          availability: z.number().describe("1, or 0 while the breaker is open"),
          error_rate: z.number().describe("0 to 1, of the last hour's calls"),
          avg_response_time_ms: z.number(),
          health_score: z.number().describe("0 to 1"),
          requests_last_hour: z.number(),
          errors_last_hour: z.number(),
          circuit_breaker_state: z.enum(["closed", "open", "half_open"]),
        }),
      ),
      summary: z.object({
        total_providers: z.number(),
        healthy: z.number(),
        degraded: z.number(),
        down: z.number(),
        overall_health_score: z.number().describe("Mean over the providers, 0 to 1; 0 without any"),
      }),
    }),
  }),
}).handle(({ gateway }) => {
  const health = providerHealth(gateway);
  const count = (status: string): number => health.filter((provider) => provider.status === status).length;
  const scores = health.reduce((sum, { healthScore }) => sum + healthScore, 0);
  return {
    timestamp: new Date().toISOString(),
    providers: health.map((provider) => ({
      name: provider.name,
      status: provider.status,
      availability: rounded(provider.availability, 4),
      error_rate: rounded(provider.errorRate, 4),
      avg_response_time_ms: rounded(provider.meanMs),
      health_score: rounded(provider.healthScore, 4),
      requests_last_hour: provider.calls,
      errors_last_hour: provider.failures,
      circuit_breaker_state: provider.breaker,
    })),
    summary: {
      total_providers: health.length,
      healthy: count("healthy"),
      degraded: count("degraded"),
      down: count("down"),
      overall_health_score: health.length === 0 ? 0 : rounded(scores / health.length, 4),
    },
  };
});
