import type { Config } from "../../config/schema.ts";
import type { RoleContext } from "../../runtime/role.ts";
import type { Telemetry } from "../request-record.ts";
import { measureEventLoopLag } from "./event-loop-lag.ts";
import { createEventHandlers } from "./event-metrics.ts";
import { Exporters } from "./exporters.ts";
import { OPENMETRICS_CONTENT_TYPE, renderMetrics, TEXT_CONTENT_TYPE, wantsOpenMetrics } from "./exposition.ts";
import { announceFirstRequest } from "./first-request.ts";
import { MetricSet } from "./metric-set.ts";
import { ProviderMetrics } from "./provider-metrics.ts";
import { APP_NAME, isScrape, RequestMetrics } from "./request-metrics.ts";
import { isSampled } from "./trace-sampling.ts";

export interface TelemetryOptions {
  /** Provider names known at the start, so that their breaker and availability gauges exist before anything fails. */
  readonly providers?: readonly string[];
}

/** Telemetry's doors, plus what the gateway's HTTP routes serve from it. */
export interface GatewayTelemetry extends Telemetry {
  /** `GET /metrics`: OpenMetrics with exemplars when `accept` asks for it, else the text format. */
  metrics(accept: string | undefined): Promise<{ contentType: string; body: string }>;
  /** `GET /prometheus/data/metrics`: per-provider gauges of the last hour, text format. */
  dataMetrics(): { contentType: string; body: string };
  /** Sends what is queued (bounded by the push timeout), then stops. */
  close(): Promise<void>;
}

/** The only place that knows metrics, log lines and spans. Nothing it does throws into, or waits for, the request. */
export function createTelemetry(context: RoleContext, options: TelemetryOptions = {}): GatewayTelemetry {
  const { config, logger, registry } = context;
  const set = new MetricSet();
  const requests = new RequestMetrics(set);
  const providers = new ProviderMetrics(set, options.providers ?? []);
  const handlers = createEventHandlers(set, providers);
  const announce = announceFirstRequest(logger);
  const exporters = new Exporters(context, set);
  const stopLag = measureEventLoopLag(set);
  exportConstants(set, config);

  /** A bug here must not become a failed request; it is logged instead. */
  const guarded = (what: string, work: () => void): void => {
    try {
      work();
    } catch (error) {
      logger.error({ error: (error as Error).stack }, `telemetry: ${what} failed`);
    }
  };
  return {
    requestStarted(record) {
      if (!isScrape(record)) guarded("request start", () => requests.started(record));
    },
    requestFinished(record) {
      if (isScrape(record)) return;
      const sampled = isSampled(record.traceId, config.gateway.traceSampleRatio);
      guarded("request metrics", () => {
        requests.finished(record, sampled);
        providers.finished(record);
        announce(record);
      });
      guarded("request export", () => exporters.requestFinished(record, sampled));
    },
    event(name, detail) {
      guarded(name, () => {
        handlers[name](detail);
        exporters.event(name, detail);
      });
    },
    observe: () => undefined,
    async metrics(accept) {
      const openMetrics = wantsOpenMetrics(accept);
      return {
        contentType: openMetrics ? OPENMETRICS_CONTENT_TYPE : TEXT_CONTENT_TYPE,
        body: await renderMetrics(set, registry, openMetrics),
      };
    },
    dataMetrics: () => ({ contentType: TEXT_CONTENT_TYPE, body: providers.dataText() }),
    async close() {
      stopLag();
      await exporters.close();
    },
  };
}

/** What is known before anything happens: configuration, and counters that begin at zero. */
function exportConstants(set: MetricSet, { gateway }: Config): void {
  set.gauge("fastapi_app_info").child(APP_NAME).set(1);
  // The admin key is one more than the configured ones.
  const keys = Object.keys(gateway.keys).length + 1;
  set.gauge("active_api_keys").child("active").set(keys);
  set.gauge("current_rate_limit").child("request_rate").set(gateway.limits.requestsPerMinute);
  set.gauge("current_rate_limit").child("daily_quota").set(gateway.limits.requestsPerDay);
  set.gauge("velocity_mode_active").child().set(0);
  set.gauge("concurrency_active_requests").child().set(0);
  set.gauge("concurrency_queued_requests").child().set(0);
  for (const reason of ["queue_full", "queue_timeout"]) set.counter("concurrency_rejected_total").child(reason);
  for (const limitType of ["request_rate", "daily_quota"]) {
    set.counter("rate_limited_requests_total").child(limitType);
    set.counter("rate_limit_rejections_total").child(limitType);
  }
}
