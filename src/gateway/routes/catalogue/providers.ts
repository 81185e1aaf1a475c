import * as z from "zod";
import { GatewayError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import { moment, name } from "../../openapi/fields.ts";
import { rounded, usd } from "../../openapi/numbers.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";
import { groupRows, sumOf } from "../../statistics/fold.ts";
import { type ProviderHealth, providerHealth } from "../../statistics/provider-health.ts";

const RANGES = { "1h": 1, "24h": 24, "7d": 168 } as const;
const timeRange = () => z.object({ time_range: z.enum(["1h", "24h", "7d"]).default("24h") });
const params = () => z.object({ gateway: name("Name of a configured provider") });

const providerEntry = () =>
  z.object({
    id: z.string(),
    name: z.string(),
    type: z.string().describe("Wire format"),
    base_url: z.string().describe("Without credentials"),
    simulated: z.boolean(),
    models: z.number().nullable().describe("Null while the provider has not told"),
    status: z.enum(["healthy", "degraded", "down"]),
    health_score: z.number().describe("0 to 1"),
    circuit_breaker_state: z.enum(["closed", "open", "half_open"]),
  });

const statsEntry = () =>
  z.object({
    gateway: z.string(),
    time_range: z.string(),
    total_requests: z.number(),
    failed_requests: z.number(),
    error_rate: z.number(),
    total_tokens: z.number(),
    total_cost: z.number().describe("US dollars"),
    avg_latency_ms: z.number(),
    p95_latency_ms: z.number(),
    unique_models: z.number(),
    top_models: z.array(z.object({ model: z.string(), requests: z.number(), cost_usd: z.number() })),
  });

/** The contract has this list at two paths. */
function providerList(path: string, summary: string): Route {
  return defineRoute({
    method: "GET",
    path,
    auth: "client",
    tag: "Catalogue",
    summary,
    schemas: () => ({ reply: z.object({ total: z.number(), data: z.array(providerEntry()) }) }),
  }).handle(({ gateway }) => {
    const data = providerHealth(gateway).map((health) => providerJson(gateway, health));
    return { total: data.length, data };
  });
}

/** `/v1/provider`, `/v1/gateways`, `/v1/gateway/{g}/stats` and `/v1/routers` of contract 6c. */
export const providerRoutes: readonly Route[] = [
  providerList("/v1/provider", "The configured providers"),
  providerList("/v1/gateways", "The configured providers under the name that routing knows them by"),
  defineRoute({
    method: "GET",
    path: "/v1/gateways/status",
    auth: "client",
    tag: "Catalogue",
    summary: "Whether each provider can be asked now",
    schemas: () => ({
      reply: z.object({
        timestamp: moment(),
        gateways: z.record(
          z.string(),
          z.object({
            status: z.enum(["healthy", "degraded", "down"]),
            configured: z.literal(true),
            models: z.number().nullable(),
            error_rate: z.number(),
            avg_response_time_ms: z.number(),
          }),
        ),
      }),
    }),
  }).handle(({ gateway }) => ({
    timestamp: new Date().toISOString(),
    gateways: Object.fromEntries(
      providerHealth(gateway).map((health) => [
        health.name,
        {
          status: health.status,
          configured: true as const,
          models: gateway.catalog.models(health.name)?.size ?? null,
          error_rate: rounded(health.errorRate, 4),
          avg_response_time_ms: rounded(health.meanMs),
        },
      ]),
    ),
  })),
  defineRoute({
    method: "GET",
    path: "/v1/gateways/summary",
    auth: "client",
    tag: "Catalogue",
    summary: "Traffic of all providers",
    schemas: () => ({
      query: timeRange(),
      reply: z.object({
        time_range: z.string(),
        timestamp: moment(),
        totals: z.object({ requests: z.number(), tokens: z.number(), cost_usd: z.number(), error_rate: z.number() }),
        gateways: z.array(statsEntry()),
      }),
    }),
  }).handle(({ gateway, query: { time_range } }) => {
    const sum = sumOf(gateway.statistics.past(RANGES[time_range]));
    return {
      time_range,
      timestamp: new Date().toISOString(),
      totals: {
        requests: sum.requests,
        tokens: sum.tokens,
        cost_usd: usd(sum.costUsd),
        error_rate: rounded(sum.errorRate, 4),
      },
      gateways: [...gateway.providers.keys()].map((one) => statsOf(gateway, one, time_range)),
    };
  }),
  defineRoute({
    method: "GET",
    path: "/v1/gateway/{gateway}/stats",
    auth: "client",
    tag: "Catalogue",
    summary: "Traffic of one provider",
    schemas: () => ({ params: params(), query: timeRange(), reply: statsEntry() }),
  }).handle(({ gateway, params: { gateway: one }, query: { time_range } }) => {
    if (!gateway.providers.has(one)) throw new GatewayError("PROVIDER_NOT_FOUND", { provider: one });
    return statsOf(gateway, one, time_range);
  }),
  defineRoute({
    method: "GET",
    path: "/v1/routers",
    auth: "client",
    tag: "Catalogue",
    summary: "Names that stand for a choice of models: the smart router's policies and the configured aliases",
    schemas: () => ({
      reply: z.object({
        routers: z.array(
          z.object({
            id: z.string().describe("Send it as `model`"),
            kind: z.enum(["smart", "alias"]),
            description: z.string(),
            policy: z.string().nullable(),
            models: z.array(z.string()),
          }),
        ),
      }),
    }),
  }).handle(({ gateway }) => {
    const { aliases } = gateway.context.config.gateway;
    const policies = Object.entries(POLICIES).map(([policy, description]) => ({
      id: policy === "balanced" ? "auto" : `auto:${policy}`,
      kind: "smart" as const,
      description,
      policy,
      models: [],
    }));
    const configured = Object.entries(aliases).map(([id, { models, policy, fallback }]) => ({
      id,
      kind: "alias" as const,
      description: fallback.length === 0 ? "An alias" : `An alias with ${fallback.length} to fall back on`,
      policy: policy ?? null,
      models: [...models, ...fallback],
    }));
    return { routers: [...policies, ...configured] };
  }),
];

/** The smart router's policies (contract section 5). */
const POLICIES = {
  balanced: "Cost, latency and quality weighed 0.4, 0.3, 0.3",
  cost: "The cheapest",
  latency: "The fastest, as measured",
  quality: "The best, as configured",
} as const;

function providerJson(gateway: Gateway, health: ProviderHealth) {
  const provider = gateway.providers.get(health.name)!;
  return {
    id: health.name,
    name: health.name,
    type: provider.type,
    base_url: provider.displayUrl,
    simulated: provider.simulated,
    models: gateway.catalog.models(health.name)?.size ?? null,
    status: health.status,
    health_score: rounded(health.healthScore, 4),
    circuit_breaker_state: health.breaker,
  };
}

function statsOf(gateway: Gateway, provider: string, time_range: keyof typeof RANGES) {
  const rows = gateway.statistics.past(RANGES[time_range]).filter((row) => row.provider === provider);
  const sum = sumOf(rows);
  return {
    gateway: provider,
    time_range,
    total_requests: sum.requests,
    failed_requests: sum.errors,
    error_rate: rounded(sum.errorRate, 4),
    total_tokens: sum.tokens,
    total_cost: usd(sum.costUsd),
    avg_latency_ms: rounded(sum.latency.meanMs),
    p95_latency_ms: rounded(sum.latency.quantileMs(0.95)),
    unique_models: rows.length,
    top_models: groupRows(rows, "model")
      .slice(0, 10)
      .map(({ name: model, totals }) => ({ model, requests: totals.requests, cost_usd: usd(totals.costUsd) })),
  };
}
