import type { FastifyInstance, FastifyRequest } from "fastify";
import { HttpError } from "../../runtime/http-error.ts";
import { AVAILABILITY_STATUSES, type Availability } from "../availability/availability.ts";
import { maintenanceJson } from "../availability/maintenance.ts";
import { MAINTENANCE_MS_MAX, MAINTENANCE_WINDOWS_MAX, NOTE_CHARS_MAX } from "../limits.ts";
import { isoTime } from "../rollup/model-json.ts";
import type { HealthService } from "../service.ts";
import { isId, jsonBody, notWatched, now, pageOf, queryOf, refuseStrangers, textAt, wordAt } from "./request.ts";

const ALTERNATIVES_MAX = 10;

/** `/availability/*` of contract section 6c, and what routing asks for. */
export function addAvailabilityRoutes(app: FastifyInstance, service: HealthService): void {
  const { availability, book } = service;
  app.get("/availability/models", async (request) => {
    const query = queryOf(request);
    const provider = textAt(query, "provider");
    const gateway = textAt(query, "gateway");
    const status = wordAt(query, "status", AVAILABILITY_STATUSES);
    const found = availability
      .list()
      .filter((entry) => provider === undefined || entry.provider === provider)
      .filter((entry) => gateway === undefined || entry.gateway === gateway)
      .filter((entry) => status === undefined || entry.status === status);
    const { limit, offset } = pageOf(request);
    return { models: found.slice(offset, offset + limit).map(availabilityJson), total: found.length, timestamp: now() };
  });
  app.get<{ Params: { "*": string } }>("/availability/model/*", async (request) => {
    const model = request.params["*"];
    const provider = providerOf(request);
    const found = entriesOf(service, model, provider);
    if (found.length === 0) throw notWatched("model", model);
    return {
      model_id: model,
      model,
      status: bestStatus(found),
      providers: found.map(availabilityJson),
      fallbacks: availability.alternatives(model, provider).slice(0, ALTERNATIVES_MAX).map(availabilityJson),
      timestamp: now(),
    };
  });
  addChoiceRoutes(app, service);
  const summary = async (): Promise<object> => {
    const counts = Object.fromEntries(AVAILABILITY_STATUSES.map((status) => [status, 0]));
    const entries = availability.list();
    for (const { status } of entries) counts[status] = counts[status]! + 1;
    const known = entries.length - counts["unknown"]!;
    const active = service.monitor?.active ?? false;
    return {
      status: active ? "active" : "inactive",
      monitoring_active: active,
      total_models: entries.length,
      ...counts,
      availability_percentage: known === 0 ? 100 : (100 * counts["available"]!) / known,
      cache_size: availability.cacheSize,
      timestamp: now(),
    };
  };
  app.get("/availability/summary", summary);
  app.get("/availability/status", summary);
  // For the gateway's routing: every watched model, in few words.
  app.get("/internal/routing", async () => {
    const models = book
      .models()
      .filter((state) => state.enabled && state.lastStatus !== undefined)
      .map((state) => {
        const { avoid, hidden, reason } = availability.advice(state);
        return {
          provider: state.provider,
          model: state.model,
          last_status: state.lastStatus,
          uptime_24h: state.uptime24h,
          average_response_time_ms: state.averageResponseTimeMs ?? null,
          avoid,
          hidden,
          reason: reason ?? null,
        };
      });
    return { models, timestamp: now() };
  });
  addMaintenanceRoutes(app, service);
}

/** Questions about one model: may it be asked, and what else could be. */
function addChoiceRoutes(app: FastifyInstance, service: HealthService): void {
  const { availability } = service;
  app.get<{ Params: { "*": string } }>("/availability/check/*", async (request) => {
    const model = request.params["*"];
    const provider = providerOf(request);
    const found = entriesOf(service, model, provider);
    // A model that is not known is assumed to work.
    const status = found.length === 0 ? "unknown" : bestStatus(found);
    const available = status !== "unavailable" && status !== "maintenance";
    return { model_id: model, model, provider: provider ?? null, available, status, timestamp: now() };
  });
  app.get<{ Params: { "*": string } }>("/availability/fallback/*", async (request) => {
    const model = request.params["*"];
    const found = availability
      .alternatives(model, providerOf(request))
      .slice(0, ALTERNATIVES_MAX)
      .map(availabilityJson);
    return { primary_model: model, fallback_models: found, best_available: found[0] ?? null, timestamp: now() };
  });
  app.get<{ Params: { "*": string } }>("/availability/best/*", async (request) => {
    const model = request.params["*"];
    const [best] = availability.alternatives(model, undefined);
    return {
      primary_model: model,
      best_available: best === undefined ? null : availabilityJson(best),
      availability: best?.status ?? bestStatus(entriesOf(service, model, undefined)),
      timestamp: now(),
    };
  });
}

function providerOf(request: FastifyRequest): string | undefined {
  const query = queryOf(request);
  return textAt(query, "provider") ?? textAt(query, "gateway");
}

function entriesOf({ availability }: HealthService, model: string, provider: string | undefined): Availability[] {
  return availability
    .list()
    .filter((entry) => entry.model === model && (provider === undefined || entry.provider === provider));
}

function addMaintenanceRoutes(app: FastifyInstance, service: HealthService): void {
  const { availability, context } = service;
  const store = () => service.stores().maintenance;
  const reload = async (): Promise<void> => {
    availability.setWindows(await store().list(Date.now()));
    availability.refresh();
  };
  app.get("/availability/maintenance", async () => {
    const nowMs = Date.now();
    const windows = await store().list(nowMs);
    return { windows: windows.map((window) => maintenanceJson(window, nowMs)), timestamp: now() };
  });
  app.post("/availability/maintenance", async (request, reply) => {
    refuseStrangers(request, context);
    const body = jsonBody(request);
    const [provider, model, gateway] = ["provider", "model", "gateway"].map((name) => textAt(body, name));
    if (provider === undefined && model === undefined && gateway === undefined && body["all"] !== true) {
      throw new HttpError(400, "name a provider, model or gateway, or send all: true");
    }
    const nowMs = Date.now();
    const startsAtMs = timeAt(body, "starts_at") ?? nowMs;
    const endsAtMs = timeAt(body, "ends_at") ?? timeAt(body, "until") ?? startsAtMs + minutesAt(body);
    if (endsAtMs <= Math.max(startsAtMs, nowMs) || endsAtMs - startsAtMs > MAINTENANCE_MS_MAX) {
      throw new HttpError(
        400,
        `a maintenance window ends after it begins, and within ${MAINTENANCE_MS_MAX / 86_400_000} days`,
      );
    }
    if ((await store().list(nowMs)).length >= MAINTENANCE_WINDOWS_MAX) {
      throw new HttpError(409, `there are ${MAINTENANCE_WINDOWS_MAX} maintenance windows already; end some first`);
    }
    const reason = textAt(body, "reason", NOTE_CHARS_MAX) ?? "";
    const window = await store().add({ provider, model, gateway, startsAtMs, endsAtMs, reason });
    await reload();
    reply.code(201);
    return maintenanceJson(window, nowMs);
  });
  app.delete<{ Params: { id: string } }>("/availability/maintenance/:id", async (request) => {
    refuseStrangers(request, context);
    const { id } = request.params;
    if (!isId(id) || !(await store().remove(id))) throw new HttpError(404, "there is no such maintenance window");
    await reload();
    return { status: "success", timestamp: now() };
  });
}

function timeAt(body: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const text = textAt(body, name);
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new HttpError(400, `${name} must be a time in ISO 8601`);
  return ms;
}

function minutesAt(body: Readonly<Record<string, unknown>>): number {
  const minutes = body["duration_minutes"];
  if (typeof minutes !== "number" || !(minutes > 0)) {
    throw new HttpError(400, "ends_at or duration_minutes is missing");
  }
  return minutes * 60_000;
}

/** A model is as available as the best of those who serve it. */
function bestStatus(entries: readonly Availability[]): Availability["status"] {
  const order = ["available", "degraded", "unknown", "maintenance", "unavailable"] as const;
  return order.find((status) => entries.some((entry) => entry.status === status)) ?? "unknown";
}

function availabilityJson(entry: Availability): Record<string, unknown> {
  return {
    model: entry.model,
    provider: entry.provider,
    gateway: entry.gateway,
    status: entry.status,
    last_checked: isoTime(entry.lastCheckedAtMs),
    response_time_ms: entry.responseTimeMs ?? null,
    success_rate: entry.successRate,
    error_count: entry.errorCount,
    circuit_breaker_state: entry.circuitState,
    uptime_24h: entry.uptime24h,
  };
}
