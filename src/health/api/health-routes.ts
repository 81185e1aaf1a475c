import type { FastifyInstance } from "fastify";
import { KNOWN_PROVIDERS } from "../../config/providers.ts";
import { LIST_ROWS_MAX } from "../limits.ts";
import { type ListedGateway, listGateways } from "../rollup/gateways.ts";
import { insightsOf } from "../rollup/insights.ts";
import { isoTime, modelJson } from "../rollup/model-json.ts";
import { isChecked } from "../rollup/rollup.ts";
import type { HealthService } from "../service.ts";
import { chosenModels } from "./model-choice.ts";
import { modelPage, providerPage } from "./model-pages.ts";
import { notWatched, now, pageOf, queryOf, textAt } from "./request.ts";
import { uptimeJson } from "./uptime-json.ts";

/** The reads of `/health/*` of contract section 6c. */
export function addHealthRoutes(app: FastifyInstance, service: HealthService): void {
  const { book, caches } = service;
  app.get("/health/system", async () => caches.rollup().system);
  app.get("/health/status", async () => {
    const { system } = caches.rollup();
    return {
      status: system.overall_status,
      message: `${system.healthy_models} of ${system.total_models} models answered when they were asked last`,
      monitoring_active: service.monitor?.active ?? false,
      data_source: service.monitorType() === "intelligent" ? "database" : "memory",
      ...system,
    };
  });
  app.get("/health/providers", async (request) => {
    const query = queryOf(request);
    const wanted = textAt(query, "provider") ?? textAt(query, "gateway");
    const status = textAt(query, "status");
    const { providers, system } = caches.rollup();
    const shown = providers
      .filter(({ provider }) => wanted === undefined || provider === wanted)
      .filter((health) => status === undefined || health.status === status);
    return {
      data: shown,
      providers: shown,
      total: shown.length,
      total_providers: system.total_providers,
      tracked_providers: system.tracked_providers,
      timestamp: now(),
    };
  });
  for (const path of ["/health/models", "/models"]) {
    app.get(path, async (request) => {
      const found = chosenModels(book, queryOf(request));
      const { limit, offset } = pageOf(request);
      const shown = found.slice(offset, offset + limit).map(modelJson);
      const { system } = caches.rollup();
      const counts = { total_models: system.total_models, tracked_models: system.tracked_models };
      // The path of the contract has its rows under `data`, the short one under `models`.
      const rows = path === "/models" ? { models: shown } : { data: shown, models: shown };
      return { ...rows, total: found.length, ...counts, limit, offset, timestamp: now() };
    });
  }
  app.get("/health/gateways", async () => {
    const gateways = gatewaysOf(service);
    const healthy = gateways.filter(({ status }) => status === "healthy").length;
    return { gateways, total: gateways.length, healthy, timestamp: now() };
  });
  app.get<{ Params: { gateway: string } }>("/health/:gateway", async (request) => {
    const { gateway } = request.params;
    const found = gatewaysOf(service).find((entry) => entry.gateway === gateway);
    if (found === undefined) throw notWatched("gateway", gateway);
    const models = book.models().filter((state) => state.gateway === gateway && state.enabled);
    return { ...found, models: models.slice(0, LIST_ROWS_MAX).map(modelJson), timestamp: now() };
  });
  app.get("/health/summary", async () => summaryJson(service));
  app.get("/health/dashboard", () => caches.dashboard());
  app.get("/health/insights", async () => {
    const insights = insightsOf(book.models(), await caches.lastHour());
    return { insights, total: insights.length, timestamp: now() };
  });
  app.get("/health/all", async () => ({
    ...summaryJson(service),
    gateways: gatewaysOf(service),
    dashboard: await caches.dashboard(),
  }));
  app.get("/health/uptime", (request) => uptimeJson(service, chosenModels(book, queryOf(request)), queryOf(request)));
  app.get("/health/database", async (_request, reply) => {
    const error = await service.databaseError();
    if (error !== undefined) reply.code(503);
    const { database } = service.stores();
    const status = error === undefined ? "connected" : "unavailable";
    return { status, error: error ?? null, kind: database.kind, pool: database.pool(), timestamp: now() };
  });
  app.get<{ Params: { "*": string } }>("/health/model/*", (request) => {
    const query = queryOf(request);
    return modelPage(service, request.params["*"], textAt(query, "provider") ?? textAt(query, "gateway"));
  });
  app.get<{ Params: { provider: string } }>("/health/provider/:provider", (request) =>
    providerPage(service, request.params.provider),
  );
}

function summaryJson(service: HealthService): Record<string, unknown> {
  const { book, caches, monitor } = service;
  const { system, providers, statusDistribution } = caches.rollup();
  return {
    system,
    providers,
    models: book.models().filter(isChecked).slice(0, LIST_ROWS_MAX).map(modelJson),
    status_distribution: statusDistribution,
    active_incidents: book.openIncidents().filter(({ status }) => status === "active").length,
    monitoring_active: monitor?.active ?? false,
    last_check: isoTime(monitor?.lastRoundAtMs),
    timestamp: now(),
  };
}

/** Watched gateways, and those of the configuration and the list of known providers. */
function gatewaysOf({ caches, context, monitor }: HealthService): ListedGateway[] {
  return listGateways(
    caches.rollup().gateways,
    KNOWN_PROVIDERS.map(({ name }) => name),
    new Set(Object.keys(context.config.gateway.providers)),
    monitor?.listedProviders ?? new Set(),
  );
}
