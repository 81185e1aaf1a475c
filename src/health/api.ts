import type { FastifyInstance, FastifyRequest } from "fastify";
import { isLoopbackHost, keyMatches, presentedKeys } from "../runtime/auth.ts";
import { decodeBody } from "../runtime/body.ts";
import { HttpError } from "../runtime/http-error.ts";
import type { RoleContext } from "../runtime/role.ts";
import { VERSION } from "../runtime/version.ts";
import type { HealthBook } from "./health-book.ts";
import type { HealthCaches } from "./health-caches.ts";
import { type Incident, incidentJson } from "./incidents.ts";
import { LIST_ROWS_MAX, RESULTS_BODY_BYTES_MAX, TRIGGER_CHECKS_MAX } from "./limits.ts";
import type { HealthMetrics } from "./metrics.ts";
import type { ModelState } from "./model-state.ts";
import type { Monitor } from "./monitor.ts";
import { readPassiveResults } from "./passive-results.ts";
import { isChecked } from "./rollup.ts";
import type { HealthStore } from "./store.ts";

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
  "/models",
  "/incidents",
  "/prometheus/metrics",
];

export interface ApiParts {
  readonly context: RoleContext;
  readonly book: HealthBook;
  readonly store: HealthStore;
  readonly caches: HealthCaches;
  readonly metrics: HealthMetrics;
  /** Undefined when nothing can be monitored; `reason` says why. */
  readonly monitor: Monitor | undefined;
  readonly reason: string;
  /** `simple` keeps everything in memory only. */
  readonly monitorType: "intelligent" | "simple";
}

/** The routes of contract section 2, and three more: lists of models and incidents, and where the gateway reports. */
export function addRoutes(app: FastifyInstance, parts: ApiParts): void {
  const { context, caches } = parts;
  app.get("/", async () => ({ service: SERVICE, status: "running", version: VERSION, endpoints: ENDPOINTS }));
  app.get("/health", async () => ({ status: "healthy", service: SERVICE, timestamp: now() }));
  app.get("/ready", async () => ({ status: "ready" }));
  app.get("/status", async (_request, reply) => {
    if (parts.monitor === undefined) reply.code(503);
    return statusJson(parts);
  });
  app.get("/metrics", async (_request, reply) => {
    if (parts.monitor === undefined) reply.code(503);
    return metricsJson(parts);
  });
  app.get("/cache/stats", async () => {
    const stats = caches.stats();
    return {
      cache_available: true,
      system_health_cached: stats.system,
      providers_health_cached: stats.providers,
      models_health_cached: stats.models,
      timestamp: now(),
    };
  });
  app.get("/models", async () => ({ models: parts.book.models().slice(0, LIST_ROWS_MAX).map(modelJson) }));
  app.get("/incidents", async (request) => ({ incidents: listIncidents(parts.store, request) }));
  app.get("/prometheus/metrics", async (_request, reply) => {
    reply.header("content-type", context.registry.contentType);
    return context.registry.metrics();
  });
  app.post("/check/trigger", async (request, reply) => {
    refuseStrangers(request, context);
    if (parts.monitor === undefined) {
      reply.code(503);
      return { status: "error", message: parts.reason, timestamp: now() };
    }
    const checked = await parts.monitor.checkDue(TRIGGER_CHECKS_MAX);
    return { status: "success", message: `Checked ${checked} due models`, timestamp: now() };
  });
  app.post("/internal/results", { bodyLimit: RESULTS_BODY_BYTES_MAX }, async (request, reply) => {
    requireAdminKey(request, context);
    const encoded = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const body = await decodeBody(request.headers["content-encoding"], encoded, RESULTS_BODY_BYTES_MAX);
    const { checks, rejected } = readPassiveResults(body.toString("utf8"), Date.now());
    parts.metrics.countRejected(rejected);
    try {
      if (parts.monitor !== undefined) parts.monitor.take(checks);
      else parts.book.applyChecks(checks);
    } catch (error) {
      context.logger.error({ error: (error as Error).message }, "reported results could not be stored");
      reply.code(503).header("retry-after", "5");
      return { error: "results could not be stored; send them again" };
    }
    return { accepted: checks.length, rejected };
  });
}

function now(): string {
  return new Date().toISOString();
}

function statusJson(parts: ApiParts): Record<string, unknown> {
  const { caches, context, monitor } = parts;
  if (monitor === undefined) {
    return {
      status: "degraded",
      service: SERVICE,
      monitor_type: "none",
      health_monitoring_active: false,
      availability_monitoring_active: false,
      models_tracked: 0,
      providers_tracked: 0,
      message: parts.reason,
      timestamp: now(),
    };
  }
  const rollup = caches.rollup();
  return {
    status: "running",
    service: SERVICE,
    monitor_type: parts.monitorType,
    health_monitoring_active: monitor.gatewayReachable,
    availability_monitoring_active: monitor.gatewayReachable,
    models_tracked: rollup.system.tracked_models,
    providers_tracked: rollup.system.tracked_providers,
    gateways_tracked: rollup.system.total_gateways,
    availability_cache_size: caches.availabilitySize(),
    health_check_interval: context.config.health.checkInterval / 1_000,
    timestamp: now(),
  };
}

function metricsJson(parts: ApiParts): Record<string, unknown> {
  const { book, caches, monitor } = parts;
  if (monitor === undefined) {
    return { monitoring_active: false, monitor_type: "none", message: parts.reason, timestamp: now() };
  }
  const rollup = caches.rollup();
  const newest = book
    .models()
    .filter(isChecked)
    .sort((a, b) => b.lastCalledAtMs! - a.lastCalledAtMs!);
  return {
    monitoring_active: monitor.gatewayReachable,
    monitor_type: parts.monitorType,
    models_sample: newest.slice(0, MODELS_SAMPLE_MAX).map(sampleJson),
    total_models: rollup.system.total_models,
    total_providers: rollup.system.total_providers,
    total_gateways: rollup.system.total_gateways,
    tracked_models: Math.min(TRACKED_SAMPLE_MAX, rollup.system.tracked_models),
    status_distribution: rollup.statusDistribution,
    active_incidents: book.openIncidents().filter((incident) => incident.status === "active").length,
    last_check: monitor.lastRoundAtMs === undefined ? null : new Date(monitor.lastRoundAtMs).toISOString(),
  };
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

function modelJson(state: ModelState): Record<string, unknown> {
  const time = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
  return {
    model: state.model,
    provider: state.provider,
    gateway: state.gateway,
    enabled: state.enabled,
    tier: state.tier,
    last_status: state.lastStatus ?? null,
    last_called_at: time(state.lastCalledAtMs),
    last_response_time_ms: state.lastResponseTimeMs ?? null,
    average_response_time_ms: state.averageResponseTimeMs ?? null,
    call_count: state.callCount,
    success_count: state.successCount,
    error_count: state.errorCount,
    consecutive_failures: state.consecutiveFailures,
    consecutive_successes: state.consecutiveSuccesses,
    circuit_state: state.circuitState,
    last_error: state.lastError ?? null,
    next_check_at: time(state.nextCheckAtMs),
    uptime_24h: state.uptime24h,
    uptime_7d: state.uptime7d,
    uptime_30d: state.uptime30d,
  };
}

function listIncidents(store: HealthStore, request: FastifyRequest): Record<string, unknown>[] {
  const { status } = request.query as { status?: unknown };
  const known: readonly unknown[] = ["active", "resolved", "acknowledged"] satisfies Incident["status"][];
  if (status !== undefined && !known.includes(status)) {
    throw new HttpError(400, "status must be active, resolved or acknowledged");
  }
  const nowMs = Date.now();
  return store
    .incidents(status as Incident["status"] | undefined, LIST_ROWS_MAX)
    .map((incident) => incidentJson(incident, nowMs));
}

function requireAdminKey(request: FastifyRequest, { config }: RoleContext): void {
  const allowed = presentedKeys(request.headers).some((key) => keyMatches(key, config.adminApiKey));
  if (!allowed) throw new HttpError(401, "missing or wrong key: send ADMIN_API_KEY as bearer token");
}

/** A trigger costs provider calls: pages in a browser may not send it, nor anybody without the key beyond loopback. */
function refuseStrangers(request: FastifyRequest, context: RoleContext): void {
  const { origin, host } = request.headers;
  if (origin !== undefined && origin.replace(/^https?:\/\//, "") !== host) {
    throw new HttpError(403, "requests from pages of another origin are refused");
  }
  if (!isLoopbackHost(context.config.host)) requireAdminKey(request, context);
}
