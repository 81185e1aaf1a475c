import type { Config } from "../../config/schema.ts";
import type { RoleContext } from "../../runtime/role.ts";
import type { RequestRecord, Telemetry } from "../request-record.ts";
import { botReason } from "./bot-traces.ts";
import { measureEventLoopLag } from "./event-loop-lag.ts";
import { createEventHandlers } from "./event-metrics.ts";
import { Exporters } from "./exporters.ts";
import { OPENMETRICS_CONTENT_TYPE, renderMetrics, TEXT_CONTENT_TYPE, wantsOpenMetrics } from "./exposition.ts";
import { FactMetrics } from "./fact-metrics.ts";
import { announceFirstRequest } from "./first-request.ts";
import { applyDeltas, drainDeltas, forgetProcess, type MetricDeltas } from "./metric-deltas.ts";
import { MetricSet } from "./metric-set.ts";
import { ModelLabels } from "./model-labels.ts";
import { ProviderMetrics, type ProviderNews } from "./provider-metrics.ts";
import { isScrape, RequestMetrics } from "./request-metrics.ts";
import { APP_NAME } from "./route-series.ts";
import { sampleTrace } from "./trace-sampling.ts";

export interface TelemetryOptions {
  /** Provider names known at the start, so that their breaker and availability gauges exist before anything fails. */
  readonly providers?: readonly string[];
  /** True in a worker: another process of this gateway owns the page and is told by `drain`. */
  readonly worker?: boolean;
  /** Asked before each exposition: takes over what other processes of this gateway have counted. Never rejects. */
  readonly gather?: () => Promise<void>;
}

/** What happened in one process since it was last asked, as plain JSON, for the process that owns the page. */
export interface TelemetryDelta {
  readonly metrics: MetricDeltas;
  readonly providers: ProviderNews;
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

/** A telemetry that can hand what it counted to, and take it from, another process of the same gateway. */
export interface SharedTelemetry extends GatewayTelemetry {
  /** Everything that moved since the last call; counters begin at zero again. For workers. */
  drain(): TelemetryDelta;
  /** Adds what the process called `name` drained. */
  apply(name: string, delta: TelemetryDelta): void;
  /** Forgets the gauges of a process that has gone; what it counted stays. */
  forget(name: string): void;
}

/** The only place that knows metrics, log lines and spans. Nothing it does throws into, or waits for, the request. */
export function createTelemetry(context: RoleContext, options: TelemetryOptions = {}): SharedTelemetry {
  const { config, logger, registry } = context;
  const set = new MetricSet((metric) =>
    logger.warn({ metric }, "metric has its most series; further label values are counted under other"),
  );
  const labels = new ModelLabels(set, (model) =>
    logger.warn(
      { model },
      "model is in no provider's list, or too many are named; it is counted under the label value other",
    ),
  );
  const facts = new FactMetrics(set);
  labels.knows = (provider, model) => facts.knowsModel(provider, model);
  const requests = new RequestMetrics(set, labels, generationsOf(config));
  const providers = new ProviderMetrics(set, labels, options.providers ?? [], options.worker);
  const handlers = createEventHandlers(set, labels, providers);
  const announce = announceFirstRequest(logger);
  const exporters = new Exporters(context, set);
  const stopLag = measureEventLoopLag(set);
  const keepTrace = traceKeeper(set, config);
  beginAtZero(set);

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
      let traced = false;
      guarded("request metrics", () => {
        traced = keepTrace(record);
        requests.finished(record, traced);
        providers.finished(record);
        announce(record);
      });
      guarded("request export", () => exporters.requestFinished(record, traced));
    },
    event(name, detail) {
      guarded(name, () => {
        handlers[name](detail);
        exporters.event(name, detail);
      });
    },
    observe: (name, read) => facts.observe(name, read),
    async metrics(accept) {
      await options.gather?.();
      const openMetrics = wantsOpenMetrics(accept);
      return {
        contentType: openMetrics ? OPENMETRICS_CONTENT_TYPE : TEXT_CONTENT_TYPE,
        body: await renderMetrics(set, registry, openMetrics),
      };
    },
    dataMetrics: () => ({ contentType: TEXT_CONTENT_TYPE, body: providers.dataText() }),
    drain: () => ({ metrics: drainDeltas(set), providers: providers.drain() }),
    apply(name, delta) {
      guarded("deltas", () => {
        applyDeltas(set, name, delta.metrics);
        providers.apply(delta.providers);
      });
    },
    forget: (name) => forgetProcess(set, name),
    async close() {
      stopLag();
      await exporters.close();
    },
  };
}

function generationsOf({ gateway }: Config) {
  const { genAi } = gateway.telemetry;
  return { newest: genAi.includes("latest"), older: genAi.includes("v1.41") || genAi.includes("v1.36") };
}

/** Decides whether a finished request's trace is exported, and counts the decision. */
function traceKeeper(set: MetricSet, { gateway }: Config): (record: RequestRecord) => boolean {
  const { tailSampling, dropBotTraces } = gateway.telemetry;
  const sampling = { headRatio: gateway.traceSampleRatio, tail: tailSampling };
  const decisions = set.counter("gatewayz_traces_sampled_total");
  return (record) => {
    const bot = dropBotTraces ? botReason(record) : undefined;
    if (bot !== undefined) {
      set.counter("bot_traces_dropped_total").child(bot).inc();
      return false;
    }
    const decision = sampleTrace(record, sampling);
    decisions.child(decision).inc();
    return decision !== "dropped";
  };
}

/** Counters and gauges that begin at zero, so that the first event is an increase. */
function beginAtZero(set: MetricSet): void {
  set.gauge("fastapi_app_info").child(APP_NAME).set(1);
  set.gauge("velocity_mode_active").child().set(0);
  set.gauge("concurrency_active_requests").child().set(0);
  set.gauge("concurrency_queued_requests").child().set(0);
  for (const reason of ["queue_full", "queue_timeout"]) set.counter("concurrency_rejected_total").child(reason);
  for (const limitType of ["request_rate", "daily_quota"]) {
    set.counter("rate_limited_requests_total").child(limitType);
    set.counter("rate_limit_rejections_total").child(limitType);
  }
}
