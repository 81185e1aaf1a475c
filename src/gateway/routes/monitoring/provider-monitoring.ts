import * as z from "zod";
import { isAdmin } from "../../access/keys.ts";
import { GatewayError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import { integer, moment, name } from "../../openapi/fields.ts";
import { rounded, usd } from "../../openapi/numbers.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";
import type { ClientIdentity } from "../../request-record.ts";
import { groupRows } from "../../statistics/fold.ts";
import { type ProviderHealth, providerHealth } from "../../statistics/provider-health.ts";
import { breakerView } from "./circuit-breakers.ts";

const providerParams = () => z.object({ provider: name("Name of a configured provider") });

const healthEntry = () =>
  z.object({
    provider: z.string(),
    health_score: z.number().describe("0 to 100"),
    status: z.enum(["healthy", "degraded", "unhealthy"]),
    last_updated: moment(),
  });

const failureEntry = () =>
  z.object({
    provider: z.string(),
    model: z.string(),
    error: z.string().describe("The message as the client saw it"),
    code: z.string().describe("`gateway_code` of the error"),
    status_code: z.number(),
    route: z.string(),
    request_id: z.string(),
    trace_id: z.string(),
    attempts: z.number(),
    timestamp: moment(),
  });

const errorQuery = () => z.object({ limit: integer(1, 500, 100, "Most errors of this reply, newest first") });

/** `/api/monitoring/*` about providers: health, errors, breakers, comparison. */
export const providerMonitoringRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/monitoring/health",
    auth: "client",
    tag: "Monitoring",
    summary: "Health score of every provider, from the gateway's own calls of the last hour",
    schemas: () => ({ reply: z.array(healthEntry()) }),
  }).handle(({ gateway }) => providerHealth(gateway).map(healthJson)),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/health/{provider}",
    auth: "client",
    tag: "Monitoring",
    summary: "Health score of one provider",
    schemas: () => ({ params: providerParams(), reply: healthEntry() }),
  }).handle(({ gateway, params: { provider } }) => {
    requireProvider(gateway, provider);
    return healthJson(providerHealth(gateway).find((entry) => entry.name === provider)!);
  }),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/errors",
    auth: "client",
    tag: "Monitoring",
    summary: "The newest failed requests",
    description:
      "Of the last 500 since the start; departed clients are no failures. A key sees its own requests, the admin key all.",
    schemas: () => ({ query: errorQuery(), reply: z.array(failureEntry()) }),
  }).handle(({ gateway, client, query: { limit } }) => failures(gateway, client, limit, () => true)),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/errors/{provider}",
    auth: "client",
    tag: "Monitoring",
    summary: "The newest failed requests of one provider",
    schemas: () => ({ params: providerParams(), query: errorQuery(), reply: z.array(failureEntry()) }),
  }).handle(({ gateway, client, params: { provider }, query: { limit } }) =>
    failures(gateway, client, limit, (one) => one === provider),
  ),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/circuit-breakers",
    auth: "client",
    tag: "Monitoring",
    summary: "State of every provider's breaker, as a list",
    schemas: () => ({ reply: z.array(breakerView()) }),
  }).handle(({ gateway }) => gateway.breakers.views()),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/circuit-breakers/{provider}",
    auth: "client",
    tag: "Monitoring",
    summary: "State of one provider's breaker, as a list of one",
    schemas: () => ({ params: providerParams(), reply: z.array(breakerView()) }),
  }).handle(({ gateway, params: { provider } }) => {
    requireProvider(gateway, provider);
    const breaker = gateway.breakers.of(provider);
    return breaker === undefined ? [] : [breaker.view()];
  }),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/providers/comparison",
    auth: "client",
    tag: "Monitoring",
    summary: "Providers side by side: requests, errors, latency, cost",
    schemas: () => ({
      query: z.object({ hours: integer(1, 168, 24, "Hours to look back") }),
      reply: z.object({
        timestamp: moment(),
        total_providers: z.number(),
        providers: z.array(
          z.object({
            provider: z.string(),
            total_requests: z.number(),
            successful_requests: z.number(),
            failed_requests: z.number(),
            success_rate: z.number().describe("0 to 1"),
            avg_error_rate: z.number().describe("0 to 1"),
            avg_latency_ms: z.number(),
            p95_latency_ms: z.number(),
            total_cost: z.number().describe("US dollars"),
            total_tokens: z.number(),
            unique_models: z.number(),
          }),
        ),
      }),
    }),
  }).handle(({ gateway, query: { hours } }) => {
    const rows = gateway.statistics.past(hours);
    const providers = groupRows(rows, "provider").map(({ name: provider, totals }) => ({
      provider,
      total_requests: totals.requests,
      successful_requests: totals.requests - totals.errors,
      failed_requests: totals.errors,
      success_rate: rounded(1 - totals.errorRate, 4),
      avg_error_rate: rounded(totals.errorRate, 4),
      avg_latency_ms: rounded(totals.latency.meanMs),
      p95_latency_ms: rounded(totals.latency.quantileMs(0.95)),
      total_cost: usd(totals.costUsd),
      total_tokens: totals.tokens,
      unique_models: rows.filter((row) => row.provider === provider).length,
    }));
    return { timestamp: new Date().toISOString(), providers, total_providers: providers.length };
  }),
];

/** @throws GatewayError PROVIDER_NOT_FOUND. */
export function requireProvider(gateway: Gateway, provider: string): void {
  if (!gateway.providers.has(provider)) throw new GatewayError("PROVIDER_NOT_FOUND", { provider });
}

function healthJson({ name: provider, healthScore, status }: ProviderHealth) {
  return {
    provider,
    health_score: rounded(healthScore * 100, 1),
    status: status === "down" ? ("unhealthy" as const) : status,
    last_updated: new Date().toISOString(),
  };
}

function failures(gateway: Gateway, client: ClientIdentity, limit: number, wanted: (provider: string) => boolean) {
  return gateway.statistics
    .failures()
    .filter(
      ({ provider, keyId }) => wanted(provider) && (isAdmin(client) || keyId === (client.keyId ?? client.keyName)),
    )
    .slice(0, limit)
    .map((failure) => ({
      provider: failure.provider,
      model: failure.model,
      error: failure.message,
      code: failure.code,
      status_code: failure.statusCode,
      route: failure.route,
      request_id: failure.requestId,
      trace_id: failure.traceId,
      attempts: failure.attempts,
      timestamp: new Date(failure.atMs).toISOString(),
    }));
}
