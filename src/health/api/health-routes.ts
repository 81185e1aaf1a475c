import type { FastifyInstance, FastifyRequest } from "fastify";
import { KNOWN_PROVIDERS } from "../../config/providers.ts";
import { HttpError } from "../../runtime/http-error.ts";
import { CHECK_STATUSES } from "../check.ts";
import { incidentJson } from "../incidents/incidents.ts";
import { BATCH_MODELS_MAX, LIST_ROWS_MAX } from "../limits.ts";
import type { ModelState } from "../model-state.ts";
import { TIER_NAMES } from "../probes/tiers.ts";
import { type ListedGateway, listGateways } from "../rollup/gateways.ts";
import { insightsOf } from "../rollup/insights.ts";
import { isoTime, modelJson } from "../rollup/model-json.ts";
import { isChecked, mean } from "../rollup/rollup.ts";
import type { HealthService } from "../service.ts";
import { DAY_MS, PERIODS, type Period } from "../store/periods.ts";
import type { AggregateRow } from "../store/tables.ts";
import { jsonBody, now, pageOf, queryOf, refuseStrangers, textAt, wordAt } from "./request.ts";

/** Checks of one model that its page shows. */
const HISTORY_ROWS_MAX = 50;
const AGGREGATE_ROWS_MAX = 1_000;
/** How far back each period is shown unless the query says otherwise, in days. */
const DAYS_SHOWN: Readonly<Record<Period, number>> = { hour: 2, day: 31, week: 90, month: 366 };

/** `/health/*` of contract section 6c. */
export function addHealthRoutes(app: FastifyInstance, service: HealthService): void {
  const { book, caches } = service;
  app.get("/health/system", async () => caches.rollup().system);
  app.get("/health/status", async () => caches.rollup().system);
  app.get("/health/providers", async (request) => {
    const gateway = textAt(queryOf(request), "gateway");
    const { providers } = caches.rollup();
    const shown = gateway === undefined ? providers : providers.filter(({ provider }) => provider === gateway);
    return { providers: shown, total: shown.length, timestamp: now() };
  });
  app.get("/health/models", async (request) => modelsPage(request, service));
  app.get("/models", async (request) => modelsPage(request, service));
  app.get("/health/gateways", async () => {
    const gateways = gatewaysOf(service);
    const healthy = gateways.filter(({ status }) => status === "healthy").length;
    return { gateways, total: gateways.length, healthy, timestamp: now() };
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
    models: book.models().filter(isChecked).slice(0, LIST_ROWS_MAX).map(modelJson),
    dashboard: await caches.dashboard(),
  }));
  app.get("/health/uptime", (request) => uptimeJson(request, service));
  app.get("/health/database", async (_request, reply) => {
    const error = await service.databaseError();
    if (error !== undefined) reply.code(503);
    const { pool, kind } = databaseNumbers(service);
    return {
      status: error === undefined ? "connected" : "unavailable",
      error: error ?? null,
      kind,
      pool,
      timestamp: now(),
    };
  });
  app.get<{ Params: { "*": string } }>("/health/model/*", (request) =>
    modelPage(request.params["*"], request, service),
  );
  app.get<{ Params: { provider: string } }>("/health/provider/:provider", (request) =>
    providerPage(request.params.provider, service),
  );
  addMonitoringRoutes(app, service);
}

function addMonitoringRoutes(app: FastifyInstance, service: HealthService): void {
  const { book, context } = service;
  app.get("/health/monitoring/status", async () => ({
    active: service.monitor?.active ?? false,
    paused: service.monitor?.paused ?? false,
    monitor_type: service.monitor === undefined ? "none" : service.monitorType(),
    last_check: isoTime(service.monitor?.lastRoundAtMs),
    due_models: book.due(Date.now(), Number.MAX_SAFE_INTEGER).length,
    tracked_models: service.caches.rollup().system.tracked_models,
    timestamp: now(),
  }));
  const setPaused = (paused: boolean) => async (request: FastifyRequest) => {
    refuseStrangers(request, context);
    if (service.monitor === undefined) throw new HttpError(503, service.reason);
    service.monitor.paused = paused;
    context.logger.info({ paused }, paused ? "monitoring stopped by request" : "monitoring started by request");
    return { status: "success", message: paused ? "Monitoring stopped" : "Monitoring started", timestamp: now() };
  };
  app.post("/health/monitoring/stop", setPaused(true));
  app.post("/health/monitoring/start", setPaused(false));
  const check = async (request: FastifyRequest) => {
    refuseStrangers(request, context);
    if (service.monitor === undefined) throw new HttpError(503, service.reason);
    const body = jsonBody(request);
    const [model, provider] = [textAt(body, "model"), textAt(body, "provider")];
    const chosen = book
      .models()
      .filter((state) => state.enabled)
      .filter((state) => model === undefined || state.model === model)
      .filter((state) => provider === undefined || state.provider === provider);
    if (chosen.length === 0) throw new HttpError(404, "no such model is watched");
    const checked = await service.monitor.checkNow(chosen.slice(0, BATCH_MODELS_MAX));
    return { status: "success", message: `Checked ${checked} models`, checked, timestamp: now() };
  };
  app.post("/health/check", check);
  app.post("/health/check/now", check);
}

function databaseNumbers(service: HealthService): { kind: string; pool: object } {
  const { database } = service.stores();
  return { kind: database.kind, pool: database.pool() };
}

function summaryJson({ book, caches }: HealthService): Record<string, unknown> {
  const { system, providers, statusDistribution } = caches.rollup();
  return {
    system,
    providers,
    status_distribution: statusDistribution,
    active_incidents: book.openIncidents().filter(({ status }) => status === "active").length,
    timestamp: now(),
  };
}

/** Watched gateways, and those of the configuration and the list of known providers. */
export function gatewaysOf({ caches, context, monitor }: HealthService): ListedGateway[] {
  return listGateways(
    caches.rollup().gateways,
    KNOWN_PROVIDERS.map(({ name }) => name),
    new Set(Object.keys(context.config.gateway.providers)),
    monitor?.listedProviders ?? new Set(),
  );
}

function modelsPage(request: FastifyRequest, { book }: HealthService): Record<string, unknown> {
  const query = queryOf(request);
  const provider = textAt(query, "provider");
  const gateway = textAt(query, "gateway");
  const tier = wordAt(query, "tier", TIER_NAMES);
  const status = wordAt(query, "status", [...CHECK_STATUSES, "healthy", "unhealthy", "unknown"]);
  const found = book
    .models()
    .filter((state) => provider === undefined || state.provider === provider)
    .filter((state) => gateway === undefined || state.gateway === gateway)
    .filter((state) => tier === undefined || state.tier === tier)
    .filter((state) => status === undefined || hasStatus(state, status));
  const { limit, offset } = pageOf(request);
  return {
    models: found.slice(offset, offset + limit).map(modelJson),
    total: found.length,
    limit,
    offset,
    timestamp: now(),
  };
}

function hasStatus({ lastStatus }: ModelState, status: string): boolean {
  switch (status) {
    case "healthy":
      return lastStatus === "success";
    case "unhealthy":
      return lastStatus !== undefined && lastStatus !== "success";
    case "unknown":
      return lastStatus === undefined;
    default:
      return lastStatus === status;
  }
}

async function modelPage(model: string, request: FastifyRequest, service: HealthService): Promise<object> {
  const provider = textAt(queryOf(request), "provider");
  const states = service.book
    .models()
    .filter((state) => state.model === model && (provider === undefined || state.provider === provider));
  const [first] = states;
  if (first === undefined) throw new HttpError(404, `model ${JSON.stringify(model.slice(0, 100))} is not watched`);
  const { health, aggregates } = service.stores();
  const nowMs = Date.now();
  const history = await health.history(first, HISTORY_ROWS_MAX);
  const hours = await aggregates.list("hour", nowMs - DAY_MS, first, AGGREGATE_ROWS_MAX);
  const incidents = await health.incidents({ model, provider: first.provider }, HISTORY_ROWS_MAX);
  return {
    ...modelJson(first),
    providers: states.map(modelJson),
    recent_checks: history.map((check) => ({
      kind: check.kind,
      status: check.status,
      response_time_ms: check.responseTimeMs,
      error: check.error ?? null,
      tokens: check.tokens,
      checked_at: isoTime(check.atMs),
    })),
    aggregates: hours.map(aggregateJson),
    incidents: incidents.map((incident) => incidentJson(incident, nowMs)),
    timestamp: now(),
  };
}

async function providerPage(provider: string, service: HealthService): Promise<object> {
  const health = service.caches.rollup().providers.find((entry) => entry.provider === provider);
  const models = service.book.models().filter((state) => state.provider === provider && state.enabled);
  if (models.length === 0)
    throw new HttpError(404, `provider ${JSON.stringify(provider.slice(0, 100))} is not watched`);
  const nowMs = Date.now();
  const open = service.book.openIncidents().filter((incident) => incident.provider === provider);
  const hour = (await service.caches.lastHour()).get(provider);
  return {
    provider,
    status: health?.status ?? "unknown",
    total_models: models.length,
    healthy_models: health?.healthy_models ?? 0,
    unhealthy_models: health?.unhealthy_models ?? 0,
    avg_response_time_ms: health?.avg_response_time_ms ?? null,
    uptime_24h: health?.uptime_24h ?? 100,
    requests_last_hour: hour?.requests ?? 0,
    errors_last_hour: hour?.errors ?? 0,
    models: models.slice(0, LIST_ROWS_MAX).map(modelJson),
    active_incidents: open.map((incident) => incidentJson(incident, nowMs)),
    timestamp: now(),
  };
}

/** Means over the watched models, and with `?period=` the sums of each hour, day, week or month. */
async function uptimeJson(request: FastifyRequest, service: HealthService): Promise<object> {
  const query = queryOf(request);
  const period = wordAt(query, "period", PERIODS);
  const provider = textAt(query, "provider");
  const model = textAt(query, "model");
  const states = service.book
    .models()
    .filter(isChecked)
    .filter((state) => provider === undefined || state.provider === provider)
    .filter((state) => model === undefined || state.model === model);
  const average = (pick: (state: ModelState) => number): number => mean(states.map(pick)) ?? 100;
  const nowMs = Date.now();
  const rows =
    period === undefined
      ? undefined
      : await service
          .stores()
          .aggregates.list(period, nowMs - DAYS_SHOWN[period] * DAY_MS, { provider, model }, AGGREGATE_ROWS_MAX);
  return {
    uptime_24h: average(({ uptime24h }) => uptime24h),
    uptime_7d: average(({ uptime7d }) => uptime7d),
    uptime_30d: average(({ uptime30d }) => uptime30d),
    models: states.slice(0, LIST_ROWS_MAX).map((state) => ({
      provider: state.provider,
      model: state.model,
      uptime_24h: state.uptime24h,
      uptime_7d: state.uptime7d,
      uptime_30d: state.uptime30d,
    })),
    ...(rows !== undefined && { period, aggregates: rows.map(aggregateJson) }),
    timestamp: now(),
  };
}

function aggregateJson(row: AggregateRow): Record<string, unknown> {
  return {
    provider: row.provider,
    model: row.model,
    gateway: row.gateway,
    period: row.period,
    period_start: isoTime(row.period_start),
    total_checks: row.checks,
    successful_checks: row.successes,
    passive_calls: row.passive_calls,
    tokens: row.tokens,
    uptime_percentage: row.checks === 0 ? 100 : (100 * row.successes) / row.checks,
    avg_response_time_ms: row.checks === 0 ? null : row.response_time_sum_ms / row.checks,
    p50_response_time_ms: row.p50_ms,
    p95_response_time_ms: row.p95_ms,
    p99_response_time_ms: row.p99_ms,
  };
}
