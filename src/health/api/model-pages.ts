import { incidentJson } from "../incidents/incidents.ts";
import { LIST_ROWS_MAX } from "../limits.ts";
import type { ModelState } from "../model-state.ts";
import { isoTime, modelJson } from "../rollup/model-json.ts";
import type { HealthService } from "../service.ts";
import { DAY_MS } from "../store/periods.ts";
import { notWatched, now } from "./request.ts";
import { aggregateJson } from "./uptime-json.ts";

/** Checks, hours and incidents of one model that its page shows. */
const ROWS_MAX = 50;

/** One model in full: its state at every provider, its newest checks, its last day and its incidents. */
export async function modelPage(service: HealthService, model: string, provider: string | undefined): Promise<object> {
  const states = watched(service, model, provider);
  const [first] = states;
  if (first === undefined) throw notWatched("model", model);
  const { health, aggregates } = service.stores();
  const nowMs = Date.now();
  const [history, hours, incidents] = await Promise.all([
    health.history(first, ROWS_MAX),
    aggregates.list("hour", nowMs - DAY_MS, first, ROWS_MAX),
    health.incidents({ model, provider: first.provider }, ROWS_MAX),
  ]);
  return {
    model_id: first.model,
    status: statusWord(first),
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

/** One provider with its models. */
export async function providerPage(service: HealthService, provider: string): Promise<object> {
  const models = service.book.models().filter((state) => state.provider === provider && state.enabled);
  if (models.length === 0) throw notWatched("provider", provider);
  const health = service.caches.rollup().providers.find((entry) => entry.provider === provider);
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

/** The states of a model, at all providers or one; enabled ones first. */
export function watched({ book }: HealthService, model: string, provider: string | undefined): ModelState[] {
  return book
    .models()
    .filter((state) => state.model === model && (provider === undefined || state.provider === provider))
    .sort((a, b) => Number(b.enabled) - Number(a.enabled));
}

export function statusWord({ lastStatus }: ModelState): "healthy" | "unhealthy" | "unknown" {
  if (lastStatus === undefined) return "unknown";
  return lastStatus === "success" ? "healthy" : "unhealthy";
}
