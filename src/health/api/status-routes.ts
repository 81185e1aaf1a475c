import type { FastifyInstance, FastifyRequest } from "fastify";
import { HttpError } from "../../runtime/http-error.ts";
import { AVAILABILITY_STATUSES, type Availability } from "../availability/availability.ts";
import { maintenanceJson } from "../availability/maintenance.ts";
import { INCIDENT_STATUSES, type Incident, SEVERITIES } from "../incidents/incidents.ts";
import { LIST_ROWS_MAX } from "../limits.ts";
import type { ModelState } from "../model-state.ts";
import { isoTime } from "../rollup/model-json.ts";
import { publicStatus } from "../rollup/public-status.ts";
import { mean } from "../rollup/rollup.ts";
import type { HealthService } from "../service.ts";
import { DAY_MS } from "../store/periods.ts";
import { chosenModels } from "./model-choice.ts";
import { statusWord, watched } from "./model-pages.ts";
import { notWatched, now, pageOf, queryOf, textAt, wordAt } from "./request.ts";
import { type StatusPageData, statusPage } from "./status-page.ts";

/** The page is public: however often it is asked for, it is made this often at most. */
const PAGE_FRESH_MS = 5_000;
const INCIDENTS_SHOWN_MAX = 20;
const INCIDENTS_SHOWN_MS = 7 * DAY_MS;
const DAYS_SHOWN = 30;
/** What `period` of one model's uptime is made of, and how many days it looks back. */
const UPTIME_PERIODS = { "24h": ["hour", 1], "7d": ["hour", 7], "30d": ["day", 30] } as const;

/** `/v1/status/*` and the status page: what everybody may know. No error texts of providers. */
export function addStatusRoutes(app: FastifyInstance, service: HealthService): void {
  const { book, caches } = service;
  app.get("/v1/status", async () => statusJson(service));
  app.get("/status-page.json", async () => statusJson(service));
  app.get("/v1/status/providers", async () => {
    const providers = caches.rollup().providers.map((health) => ({
      provider: health.provider,
      status: health.status,
      total_models: health.total_models,
      healthy_models: health.healthy_models,
      uptime_percentage: health.uptime_24h,
      avg_response_time_ms: health.avg_response_time_ms,
    }));
    return { providers, total: providers.length, last_updated: now() };
  });
  app.get("/v1/status/models", async (request) => modelsJson(service, request, ""));
  app.get<{ Params: { provider: string; "*": string } }>("/v1/status/models/:provider/*", async (request) => {
    const { provider, "*": model } = request.params;
    const [state] = watched(service, model, provider);
    if (state === undefined) throw notWatched("model", model);
    return {
      ...publicModel(service.availability.of(state)),
      tier: state.tier,
      ...uptimesOf(state),
      last_updated: now(),
    };
  });
  app.get("/v1/status/search", async (request) => {
    const words = textAt(queryOf(request), "q") ?? textAt(queryOf(request), "query");
    if (words === undefined) throw new HttpError(400, "q is missing");
    return modelsJson(service, request, words);
  });
  app.get("/v1/status/incidents", async (request) => {
    const query = queryOf(request);
    const { limit, offset } = pageOf(request, INCIDENTS_SHOWN_MAX);
    const filter = {
      status: wordAt(query, "status", INCIDENT_STATUSES),
      severity: wordAt(query, "severity", SEVERITIES),
      provider: textAt(query, "provider"),
    };
    const found = await service.stores().health.incidents(filter, limit, offset);
    const incidents = found.map((incident) => publicIncident(incident, Date.now()));
    return { incidents, total: found.length, limit, offset, last_updated: now() };
  });
  app.get<{ Params: { provider: string; "*": string } }>("/v1/status/uptime/:provider/*", async (request) => {
    const { provider, "*": model } = request.params;
    const [state] = watched(service, model, provider);
    if (state === undefined) throw notWatched("model", model);
    const days = wordAt(queryOf(request), "period", ["24h", "7d", "30d"]) ?? "24h";
    const [period, back] = UPTIME_PERIODS[days];
    const rows = await service
      .stores()
      .aggregates.list(period, Date.now() - back * DAY_MS, { provider, model }, LIST_ROWS_MAX);
    return {
      provider,
      model,
      period: days,
      ...uptimesOf(state),
      points: rows.map((row) => ({
        start: isoTime(row.period_start),
        checks: row.checks,
        uptime_percentage: row.checks === 0 ? 100 : (100 * row.successes) / row.checks,
        p95_response_time_ms: row.p95_ms,
      })),
      last_updated: now(),
    };
  });
  app.get("/v1/status/uptime", async () => {
    const states = book.models().filter(({ enabled, lastStatus }) => enabled && lastStatus !== undefined);
    const days = await service.stores().aggregates.days(Date.now() - DAYS_SHOWN * DAY_MS, Date.now());
    return {
      uptime_24h: mean(states.map(({ uptime24h }) => uptime24h)) ?? 100,
      uptime_7d: mean(states.map(({ uptime7d }) => uptime7d)) ?? 100,
      uptime_30d: mean(states.map(({ uptime30d }) => uptime30d)) ?? 100,
      days: days.map(({ startMs, checks, successes }) => ({
        day: new Date(startMs).toISOString().slice(0, 10),
        checks,
        uptime_percentage: checks === 0 ? 100 : (100 * successes) / checks,
      })),
      last_updated: now(),
    };
  });
  app.get("/v1/status/stats", async () => {
    const { rows } = { rows: await service.stores().health.counts() };
    const { statusDistribution } = caches.rollup();
    return {
      ...statusJson(service),
      status_distribution: statusDistribution,
      checks_kept: rows.history,
      last_updated: now(),
    };
  });
  addPage(app, service);
}

function addPage(app: FastifyInstance, service: HealthService): void {
  let made: { html: string; csp: string } | undefined;
  let madeAtMs = 0;
  app.get("/status-page", async (_request, reply) => {
    if (made === undefined || Date.now() - madeAtMs >= PAGE_FRESH_MS) {
      madeAtMs = Date.now();
      made = statusPage(await pageData(service));
    }
    reply.header("content-type", "text/html; charset=utf-8");
    reply.header("content-security-policy", made.csp);
    reply.header("x-content-type-options", "nosniff");
    reply.header("referrer-policy", "no-referrer");
    reply.header("cache-control", `public, max-age=${PAGE_FRESH_MS / 1_000}`);
    return made.html;
  });
}

function statusJson({ book, caches }: HealthService): ReturnType<typeof publicStatus> {
  const nowMs = Date.now();
  const active = book.openIncidents().filter(({ status }) => status === "active").length;
  return publicStatus(caches.rollup(nowMs), book.models(), active, nowMs);
}

async function pageData(service: HealthService): Promise<StatusPageData> {
  const nowMs = Date.now();
  const stores = service.stores();
  const [incidents, days, windows] = await Promise.all([
    stores.health.incidents({ sinceMs: nowMs - INCIDENTS_SHOWN_MS }, INCIDENTS_SHOWN_MAX),
    stores.aggregates.days(nowMs - (DAYS_SHOWN - 1) * DAY_MS, nowMs),
    stores.maintenance.list(nowMs),
  ]);
  const open = service.book.openIncidents().filter(({ startedAtMs }) => startedAtMs < nowMs - INCIDENTS_SHOWN_MS);
  return {
    title: service.context.config.health.statusPageTitle,
    status: statusJson(service),
    providers: service.caches.rollup(nowMs).providers,
    incidents: [...open, ...incidents],
    days,
    daysShown: DAYS_SHOWN,
    maintenance: windows.map((window) => maintenanceJson(window, nowMs)),
    nowMs,
  };
}

function modelsJson(service: HealthService, request: FastifyRequest, words: string): Record<string, unknown> {
  const { availability, book } = service;
  const { limit, offset } = pageOf(request);
  const query = queryOf(request);
  const status = wordAt(query, "status", [...AVAILABILITY_STATUSES, "healthy", "unhealthy"]);
  const text = words.toLowerCase();
  const found = chosenModels(book, { ...query, status: undefined })
    .filter((state) => state.enabled && `${state.provider}/${state.model}`.toLowerCase().includes(text))
    .map((state) => ({ state, entry: availability.of(state) }))
    .filter(({ state, entry }) => status === undefined || entry.status === status || statusWord(state) === status)
    .map(({ entry }) => entry);
  return {
    models: found.slice(offset, offset + limit).map(publicModel),
    total: found.length,
    limit,
    offset,
    last_updated: now(),
  };
}

function publicModel(entry: Availability): Record<string, unknown> {
  return {
    model: entry.model,
    provider: entry.provider,
    gateway: entry.gateway,
    status: entry.status,
    uptime_percentage: entry.uptime24h,
    response_time_ms: entry.responseTimeMs ?? null,
    last_checked: isoTime(entry.lastCheckedAtMs),
  };
}

function uptimesOf({ uptime24h, uptime7d, uptime30d }: ModelState): Record<string, number> {
  return { uptime_24h: uptime24h, uptime_7d: uptime7d, uptime_30d: uptime30d };
}

function publicIncident(incident: Incident, nowMs: number): Record<string, unknown> {
  return {
    id: incident.id,
    provider: incident.provider,
    model: incident.model,
    incident_type: incident.incidentType,
    severity: incident.severity,
    status: incident.status,
    started_at: isoTime(incident.startedAtMs),
    resolved_at: isoTime(incident.resolvedAtMs),
    duration_seconds: Math.round(((incident.resolvedAtMs ?? nowMs) - incident.startedAtMs) / 1_000),
  };
}
