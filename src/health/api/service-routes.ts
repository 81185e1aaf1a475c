import type { FastifyInstance } from "fastify";
import { decodeBody } from "../../runtime/body.ts";
import { VERSION } from "../../runtime/version.ts";
import { RESULTS_BODY_BYTES_MAX, TRIGGER_CHECKS_MAX } from "../limits.ts";
import type { ModelState } from "../model-state.ts";
import { readPassiveResults } from "../probes/passive-results.ts";
import { isChecked } from "../rollup/rollup.ts";
import type { HealthService } from "../service.ts";
import { now, refuseStrangers, requireAdminKey } from "./request.ts";

const SERVICE = "health-monitor";
const MODELS_SAMPLE_MAX = 20;
const TRACKED_SAMPLE_MAX = 100;

const ENDPOINTS = [
  "/",
  "/health",
  "/ready",
  "/status",
  "/metrics",
  "/cache/stats",
  "/check/trigger",
  "/status-page",
  "/v1/status",
  "/health/system",
  "/health/dashboard",
  "/availability/models",
  "/model-health",
  "/models",
  "/incidents",
  "/alerts",
  "/prometheus/metrics",
];

/** The routes of contract section 2, and where the gateway reports its customers' calls. */
export function addServiceRoutes(app: FastifyInstance, service: HealthService): void {
  const { context, caches, metrics } = service;
  app.get("/", async () => ({ service: SERVICE, status: "running", version: VERSION, endpoints: ENDPOINTS }));
  app.get("/health", () => healthJson(service));
  app.get("/health/quick", async () => ({ status: "healthy", timestamp: now() }));
  app.get("/ready", async () => ({ status: "ready" }));
  app.get("/status", async (_request, reply) => {
    if (service.monitor === undefined) reply.code(503);
    return statusJson(service);
  });
  app.get("/metrics", async (_request, reply) => {
    if (service.monitor === undefined) reply.code(503);
    try {
      return await metricsJson(service);
    } catch (error) {
      context.logger.error({ error: (error as Error).message }, "health metrics could not be read");
      return { monitoring_active: false, error: "the health data could not be read", last_check: lastCheck(service) };
    }
  });
  app.get("/cache/stats", async () => {
    const stats = await caches.stats();
    return {
      cache_available: stats.available,
      system_health_cached: stats.system,
      providers_health_cached: stats.providers,
      models_health_cached: stats.models,
      timestamp: now(),
    };
  });
  app.get("/prometheus/metrics", async (_request, reply) => {
    reply.header("content-type", context.registry.contentType);
    return context.registry.metrics();
  });
  app.post("/check/trigger", async (request, reply) => {
    refuseStrangers(request, context);
    if (service.monitor === undefined) {
      reply.code(503);
      return { status: "error", message: service.reason, timestamp: now() };
    }
    const checked = await service.monitor.checkDue(TRIGGER_CHECKS_MAX);
    return { status: "success", message: `Checked ${checked} due models`, timestamp: now() };
  });
  app.post("/internal/results", { bodyLimit: RESULTS_BODY_BYTES_MAX }, async (request, reply) => {
    requireAdminKey(request, context);
    const encoded = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const body = await decodeBody(request.headers["content-encoding"], encoded, RESULTS_BODY_BYTES_MAX);
    const { checks, rejected } = readPassiveResults(body.toString("utf8"), Date.now());
    metrics.countRejected(rejected);
    try {
      if (service.monitor !== undefined) await service.monitor.take(checks);
      else await service.book.applyChecks(checks);
    } catch (error) {
      context.logger.error({ error: (error as Error).message }, "reported results could not be stored");
      reply.code(503).header("retry-after", "5");
      return { error: "results could not be stored; send them again" };
    }
    return { accepted: checks.length, rejected };
  });
}

/** Always 200: the service answers with what it knows, whatever the database does. */
async function healthJson(service: HealthService): Promise<Record<string, unknown>> {
  const body = { status: "healthy", service: SERVICE, timestamp: now(), version: VERSION };
  const error = await service.databaseError();
  if (error !== undefined) return { ...body, database: "unavailable", mode: "degraded", database_error: error };
  return { ...body, database: service.monitorType() === "simple" ? "not_initialized" : "connected" };
}

function statusJson(service: HealthService): Record<string, unknown> {
  const { availability, caches, context, monitor } = service;
  if (monitor === undefined) {
    return {
      status: "degraded",
      service: SERVICE,
      monitor_type: "none",
      health_monitoring_active: false,
      availability_monitoring_active: false,
      models_tracked: 0,
      providers_tracked: 0,
      message: service.reason,
      timestamp: now(),
    };
  }
  const { system } = caches.rollup();
  return {
    status: "running",
    service: SERVICE,
    monitor_type: service.monitorType(),
    health_monitoring_active: monitor.active,
    availability_monitoring_active: monitor.active,
    models_tracked: system.tracked_models,
    providers_tracked: system.tracked_providers,
    gateways_tracked: system.total_gateways,
    availability_cache_size: availability.cacheSize,
    health_check_interval: context.config.health.checkInterval / 1_000,
    timestamp: now(),
  };
}

async function metricsJson(service: HealthService): Promise<Record<string, unknown>> {
  const { book, caches, monitor } = service;
  if (monitor === undefined) {
    return { monitoring_active: false, monitor_type: "none", message: service.reason, timestamp: now() };
  }
  const rollup = caches.rollup();
  const newest = book
    .models()
    .filter(isChecked)
    .sort((a, b) => b.lastCalledAtMs! - a.lastCalledAtMs!);
  // Counted where they are stored: another service may have opened one.
  const active = await service.stores().health.countIncidents("active");
  return {
    monitoring_active: monitor.active,
    monitor_type: service.monitorType(),
    models_sample: newest.slice(0, MODELS_SAMPLE_MAX).map(sampleJson),
    total_models: rollup.system.total_models,
    total_providers: rollup.system.total_providers,
    total_gateways: rollup.system.total_gateways,
    tracked_models: Math.min(TRACKED_SAMPLE_MAX, rollup.system.tracked_models),
    status_distribution: rollup.statusDistribution,
    active_incidents: active,
    last_check: lastCheck(service),
  };
}

function lastCheck({ monitor }: HealthService): string | null {
  return monitor?.lastRoundAtMs === undefined ? null : new Date(monitor.lastRoundAtMs).toISOString();
}

function sampleJson(state: ModelState): Record<string, unknown> {
  return {
    model: state.model,
    provider: state.provider,
    gateway: state.gateway,
    last_status: state.lastStatus,
    last_called_at: new Date(state.lastCalledAtMs!).toISOString(),
    last_response_time_ms: state.lastResponseTimeMs,
  };
}
