import type { FastifyInstance, FastifyRequest } from "fastify";
import { HttpError } from "../../runtime/http-error.ts";
import { BATCH_MODELS_MAX } from "../limits.ts";
import { isoTime } from "../rollup/model-json.ts";
import type { HealthService } from "../service.ts";
import { chosenModels } from "./model-choice.ts";
import { jsonBody, now, refuseStrangers } from "./request.ts";

/** Whether the service probes, and switching that; checks by hand. */
export function addMonitoringRoutes(app: FastifyInstance, service: HealthService): void {
  const { book, context } = service;
  const status = async (): Promise<object> => {
    const active = service.monitor?.active ?? false;
    return {
      status: active ? "active" : "inactive",
      monitoring_active: active,
      health_monitoring_active: active,
      availability_monitoring_active: active,
      paused: service.monitor?.paused ?? false,
      monitor_type: service.monitor === undefined ? "none" : service.monitorType(),
      last_check: isoTime(service.monitor?.lastRoundAtMs),
      due_models: book.due(Date.now(), Number.MAX_SAFE_INTEGER).length,
      tracked_models: service.caches.rollup().system.tracked_models,
      availability_cache_size: service.availability.cacheSize,
      timestamp: now(),
    };
  };
  const setPaused = (paused: boolean) => async (request: FastifyRequest) => {
    refuseStrangers(request, context);
    if (service.monitor === undefined) throw new HttpError(503, service.reason);
    service.monitor.paused = paused;
    context.logger.info(paused ? "monitoring stopped by request" : "monitoring started by request");
    return { status: "success", message: paused ? "Monitoring stopped" : "Monitoring started", timestamp: now() };
  };
  for (const group of ["/health/monitoring", "/availability/monitoring"]) {
    app.get(`${group}/status`, status);
    app.post(`${group}/stop`, setPaused(true));
    app.post(`${group}/start`, setPaused(false));
  }
  app.post("/health/check", async (request) => {
    refuseStrangers(request, context);
    if (service.monitor === undefined) throw new HttpError(503, service.reason);
    const checked = await service.monitor.checkDue(BATCH_MODELS_MAX);
    return { status: "success", message: `Checked ${checked} due models`, checked, timestamp: now() };
  });
  app.post("/health/check/now", async (request) => {
    refuseStrangers(request, context);
    if (service.monitor === undefined) throw new HttpError(503, service.reason);
    const chosen = chosenModels(book, jsonBody(request)).filter((state) => state.enabled);
    if (chosen.length === 0) throw new HttpError(404, "no such model is watched");
    const checked = await service.monitor.checkNow(chosen.slice(0, BATCH_MODELS_MAX));
    return { status: "success", message: `Checked ${checked} models`, checked, timestamp: now() };
  });
}
