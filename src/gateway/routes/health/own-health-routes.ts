import * as z from "zod";
import type { Gateway } from "../../gateway.ts";
import { integer, moment, name } from "../../openapi/fields.ts";
import { rounded } from "../../openapi/numbers.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";
import { providerHealth } from "../../statistics/provider-health.ts";
import { GATEWAY_VERSION } from "../../version.ts";
import { type ModelFacts, modelFacts } from "../catalogue/model-facts.ts";
import { databaseState, pingDatabase } from "./database-state.ts";

const serviceState = () => z.enum(["reachable", "unavailable", "not_configured"]);

const databaseReply = () =>
  z.object({
    status: z.enum(["healthy", "unhealthy"]),
    database: z.enum(["sqlite", "postgres"]),
    connection: z.enum(["verified", "failed"]),
    latency_ms: z.number().nullable(),
    error: z.string().nullable(),
    pool: z.object({ size: z.number(), active: z.number(), idle: z.number(), waiting: z.number(), max: z.number() }),
    timestamp: moment(),
  });

const catalogModel = () =>
  z.object({
    model_id: z.string(),
    name: z.string(),
    provider: z.string(),
    gateway: z.string(),
    status: z.enum(["available", "unavailable"]),
    context_length: z.number().nullable(),
    kind: z.string(),
    error_rate: z.number().nullable().describe("0 to 1, of the last 24 h; null without traffic"),
    avg_response_time_ms: z.number().nullable(),
    total_requests: z.number(),
  });

/** `/health/*` of contract 6c that the gateway answers from what it knows itself. */
export const ownHealthRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/health/railway",
    auth: "open",
    tag: "Health",
    summary: "For a platform's health check: ready, database and health service in one reply",
    description:
      "503 while shutting down. A database or health service that is away does not stop requests, and so is no reason to be restarted.",
    schemas: () => ({
      reply: z.object({
        status: z.enum(["healthy", "degraded", "shutting_down"]),
        database: z.enum(["connected", "not_initialized", "unavailable"]),
        health_cache: serviceState(),
        gateways: z.object({ healthy: z.number(), total: z.number(), health_rate: z.number().describe("Percent") }),
        version: z.string(),
        timestamp: moment(),
      }),
    }),
  }).handle(async ({ gateway, reply }) => {
    const providers = providerHealth(gateway);
    const healthy = providers.filter(({ status }) => status !== "down").length;
    const database = databaseState(gateway);
    const { draining } = gateway.inFlight;
    if (draining) reply.code(503);
    const degraded = database === "unavailable" || (healthy === 0 && providers.length > 0);
    return {
      status: draining ? "shutting_down" : degraded ? "degraded" : "healthy",
      database,
      health_cache: await healthServiceState(gateway),
      gateways: {
        healthy,
        total: providers.length,
        health_rate: providers.length === 0 ? 0 : rounded((100 * healthy) / providers.length),
      },
      version: GATEWAY_VERSION,
      timestamp: new Date().toISOString(),
    };
  }),
  defineRoute({
    method: "GET",
    path: "/health/database",
    auth: "client",
    tag: "Health",
    summary: "Asks the gateway's database and says how long it took",
    schemas: () => ({ reply: databaseReply() }),
  }).handle(async ({ gateway }) => databaseHealth(gateway)),
  defineRoute({
    method: "GET",
    path: "/health/all",
    auth: "client",
    tag: "Health",
    summary: "Everything in one reply: gateway, providers, models, database, health service",
    schemas: () => ({
      reply: z.object({
        status: z.literal("success"),
        overall_status: z.enum(["healthy", "degraded", "unhealthy"]),
        timestamp: moment(),
        system: z.looseObject({}).describe("`/health/system`; `overall_status` is `unknown` without a health service"),
        providers: z.object({
          total: z.number(),
          healthy: z.number(),
          degraded: z.number(),
          unhealthy: z.number(),
          details: z.array(
            z.object({ provider: z.string(), status: z.string(), health_score: z.number(), error_rate: z.number() }),
          ),
        }),
        models: z.object({ total: z.number() }),
        database: databaseReply(),
        health_service: serviceState(),
      }),
    }),
  }).handle(async ({ gateway }) => {
    const providers = providerHealth(gateway);
    const count = (status: string): number => providers.filter((provider) => provider.status === status).length;
    const [database, system, state] = await Promise.all([
      databaseHealth(gateway),
      gateway.healthService.get("/health/system").then(
        ({ body }) => body as Record<string, unknown>,
        () => ({ overall_status: "unknown" }), // `health_service` below says that it could not be asked.
      ),
      healthServiceState(gateway),
    ]);
    const down = count("down");
    const troubled = down > 0 || count("degraded") > 0 || database.status !== "healthy";
    return {
      status: "success",
      overall_status: down > 0 && down === providers.length ? "unhealthy" : troubled ? "degraded" : "healthy",
      timestamp: new Date().toISOString(),
      system,
      providers: {
        total: providers.length,
        healthy: count("healthy"),
        degraded: count("degraded"),
        unhealthy: down,
        details: providers.map((provider) => ({
          provider: provider.name,
          status: provider.status,
          health_score: rounded(provider.healthScore, 4),
          error_rate: rounded(provider.errorRate, 4),
        })),
      },
      models: { total: (await modelFacts(gateway)).length },
      database,
      health_service: state,
    };
  }),
  defineRoute({
    method: "GET",
    path: "/health/catalog/models",
    auth: "client",
    tag: "Health",
    summary: "Every model of the catalogue with the gateway's own record of it",
    schemas: () => ({
      query: z.object({
        gateway: name("Only of this provider").optional(),
        provider: name("Only of this provider").optional(),
        limit: integer(1, 1_000, 100, "Most models of this reply"),
        offset: integer(0, 1_000_000, 0, "Models to skip"),
      }),
      reply: z.object({
        data: z.array(catalogModel()),
        total_models: z.number(),
        tracked_models: z.number(),
        timestamp: moment(),
      }),
    }),
  }).handle(async ({ gateway, query }) => {
    const wanted = query.provider ?? query.gateway;
    const models = (await modelFacts(gateway)).filter(
      ({ providers }) => wanted === undefined || providers.includes(wanted),
    );
    return {
      data: models.slice(query.offset, query.offset + query.limit).map((model) => catalogModelJson(gateway, model)),
      total_models: models.length,
      tracked_models: models.filter(({ totals }) => totals !== undefined).length,
      timestamp: new Date().toISOString(),
    };
  }),
  defineRoute({
    method: "GET",
    path: "/health/catalog/providers",
    auth: "client",
    tag: "Health",
    summary: "Every configured provider with its models and its state",
    schemas: () => ({
      reply: z.object({
        data: z.array(
          z.object({
            provider: z.string(),
            gateway: z.string(),
            status: z.enum(["online", "degraded", "offline"]),
            total_models: z.number(),
            avg_response_time_ms: z.number(),
            health_score: z.number(),
          }),
        ),
        total_providers: z.number(),
        tracked_providers: z.number(),
        timestamp: moment(),
      }),
    }),
  }).handle(({ gateway }) => {
    const data = providerHealth(gateway).map((provider) => ({
      provider: provider.name,
      gateway: provider.name,
      status: ({ healthy: "online", degraded: "degraded", down: "offline" } as const)[provider.status],
      total_models: gateway.catalog.models(provider.name)?.size ?? 0,
      avg_response_time_ms: rounded(provider.meanMs),
      health_score: rounded(provider.healthScore, 4),
    }));
    return {
      data,
      total_providers: data.length,
      tracked_providers: data.length,
      timestamp: new Date().toISOString(),
    };
  }),
  defineRoute({
    method: "GET",
    path: "/health/catalog/unpriced",
    auth: "client",
    tag: "Health",
    summary: "Models without a known price, which are billed at the default price",
    schemas: () => ({
      reply: z.object({
        count: z.number(),
        models: z.array(z.object({ model_id: z.string(), providers: z.array(z.string()), kind: z.string() })),
        timestamp: moment(),
      }),
    }),
  }).handle(async ({ gateway }) => {
    const models = (await modelFacts(gateway))
      .filter(({ price }) => price === undefined)
      .map(({ id, providers, kind }) => ({ model_id: id, providers: [...providers], kind }));
    return { count: models.length, models, timestamp: new Date().toISOString() };
  }),
];

async function databaseHealth(gateway: Gateway) {
  const { kind } = gateway.database;
  const measured = await pingDatabase(gateway).then(
    (latencyMs) => ({ latencyMs, error: null }),
    (error: Error) => ({ latencyMs: undefined, error: error.message }),
  );
  const healthy = measured.error === null;
  return {
    status: healthy ? ("healthy" as const) : ("unhealthy" as const),
    database: kind,
    connection: healthy ? ("verified" as const) : ("failed" as const),
    latency_ms: measured.latencyMs === undefined ? null : rounded(measured.latencyMs),
    error: measured.error,
    pool: gateway.database.pool(),
    timestamp: new Date().toISOString(),
  };
}

async function healthServiceState(gateway: Gateway): Promise<"reachable" | "unavailable" | "not_configured"> {
  if (!gateway.healthService.configured) return "not_configured";
  return gateway.healthService.get("/health").then(
    () => "reachable" as const,
    () => "unavailable" as const, // Why is what `/health/system` answers.
  );
}

function catalogModelJson(gateway: Gateway, { id, owner, kind, contextTokens, totals }: ModelFacts) {
  const open = gateway.breakers.of(owner)?.state === "open";
  return {
    model_id: id,
    name: id,
    provider: owner,
    gateway: owner,
    status: open ? ("unavailable" as const) : ("available" as const),
    context_length: contextTokens ?? null,
    kind,
    error_rate: totals === undefined ? null : rounded(totals.errorRate, 4),
    avg_response_time_ms: totals === undefined ? null : rounded(totals.latency.meanMs),
    total_requests: totals?.requests ?? 0,
  };
}
