import type { FastifyInstance } from "fastify";
import { HttpError } from "../../runtime/http-error.ts";
import type { Availability } from "../availability/availability.ts";
import { maintenanceJson } from "../availability/maintenance.ts";
import { MAINTENANCE_MS_MAX, MAINTENANCE_WINDOWS_MAX, NOTE_CHARS_MAX } from "../limits.ts";
import { isoTime } from "../rollup/model-json.ts";
import type { HealthService } from "../service.ts";
import { jsonBody, now, pageOf, queryOf, refuseStrangers, textAt, wordAt } from "./request.ts";

const STATUSES = ["available", "unavailable", "degraded", "maintenance", "unknown"] as const;
const ALTERNATIVES_MAX = 10;

/** `/availability/*` of contract section 6c, and what routing asks for. */
export function addAvailabilityRoutes(app: FastifyInstance, service: HealthService): void {
  const { availability, book, context } = service;
  app.get("/availability/models", async (request) => {
    const query = queryOf(request);
    const provider = textAt(query, "provider");
    const gateway = textAt(query, "gateway");
    const status = wordAt(query, "status", STATUSES);
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
    const provider = textAt(queryOf(request), "provider");
    const found = availability
      .list()
      .filter((entry) => entry.model === model && (provider === undefined || entry.provider === provider));
    if (found.length === 0) throw new HttpError(404, `model ${JSON.stringify(model.slice(0, 100))} is not watched`);
    return {
      model,
      status: bestStatus(found),
      providers: found.map(availabilityJson),
      fallbacks: availability.alternatives(model, provider).slice(0, ALTERNATIVES_MAX).map(availabilityJson),
      timestamp: now(),
    };
  });
  app.get("/availability/check", async (request) => {
    const query = queryOf(request);
    const model = textAt(query, "model");
    if (model === undefined) throw new HttpError(400, "model is missing");
    const provider = textAt(query, "provider") ?? textAt(query, "gateway");
    const found = availability
      .list()
      .filter((entry) => entry.model === model && (provider === undefined || entry.provider === provider));
    // A model that is not known is assumed to work.
    const status = found.length === 0 ? "unknown" : bestStatus(found);
    const available = status !== "unavailable" && status !== "maintenance";
    return { model, provider: provider ?? null, available, status, timestamp: now() };
  });
  app.get("/availability/fallback", async (request) => {
    const query = queryOf(request);
    const model = textAt(query, "model");
    if (model === undefined) throw new HttpError(400, "model is missing");
    const fallbacks = availability.alternatives(model, textAt(query, "provider")).slice(0, ALTERNATIVES_MAX);
    return { model, fallbacks: fallbacks.map(availabilityJson), timestamp: now() };
  });
  app.get("/availability/best", async (request) => {
    const models = (textAt(queryOf(request), "models", 4_096) ?? textAt(queryOf(request), "model") ?? "")
      .split(",")
      .filter((name) => name !== "");
    const best = availability.best(models).slice(0, ALTERNATIVES_MAX);
    return {
      best: best[0] === undefined ? null : availabilityJson(best[0]),
      candidates: best.map(availabilityJson),
      timestamp: now(),
    };
  });
  const summary = async (): Promise<object> => {
    const counts = Object.fromEntries(STATUSES.map((status) => [status, 0]));
    const entries = availability.list();
    for (const { status } of entries) counts[status] = counts[status]! + 1;
    const known = entries.length - counts["unknown"]!;
    return {
      total_models: entries.length,
      ...counts,
      availability_percentage: known === 0 ? 100 : (100 * counts["available"]!) / known,
      cache_size: availability.cacheSize,
      timestamp: now(),
    };
  };
  app.get("/availability/summary", summary);
  app.get("/availability/status", summary);
  app.get("/availability/monitoring/status", async () => ({
    active: service.monitor?.active ?? false,
    cache_size: availability.cacheSize,
    timestamp: now(),
  }));
  app.get("/internal/routing", async () => {
    const targets = book
      .models()
      .filter((state) => state.enabled)
      .map((state) => ({ state, advice: availability.advice(state) }))
      .filter(({ advice }) => advice.avoid || advice.hidden)
      .map(({ state, advice }) => ({
        provider: state.provider,
        model: state.model,
        avoid: advice.avoid,
        hidden: advice.hidden,
        reason: advice.reason ?? null,
      }));
    return { targets, timestamp: now() };
  });
  addMaintenanceRoutes(app, service);
  app.post("/availability/check", async (request) => {
    refuseStrangers(request, context);
    if (service.monitor === undefined) throw new HttpError(503, service.reason);
    const model = textAt(jsonBody(request), "model");
    const targets = book.models().filter((state) => state.enabled && state.model === model);
    if (targets.length === 0) throw new HttpError(404, "no such model is watched");
    await service.monitor.checkNow(targets);
    return { providers: targets.map((target) => availabilityJson(availability.of(target))), timestamp: now() };
  });
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
    if (!(await store().remove(request.params.id))) throw new HttpError(404, "there is no such maintenance window");
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
