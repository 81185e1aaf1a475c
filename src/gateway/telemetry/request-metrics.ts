import type { RequestRecord } from "../request-record.ts";
import { answeredBy, succeeded } from "./answered-by.ts";
import { countEstimate } from "./estimate-metrics.ts";
import { labelsOfKey } from "./family.ts";
import { type GenAiGenerations, GenAiMetrics } from "./gen-ai-metrics.ts";
import { boundedLabel } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";
import type { ModelLabels } from "./model-labels.ts";
import { type ExemplarOf, ModelSeries } from "./model-series.ts";
import { RouteSeries } from "./route-series.ts";
import type { Exemplar } from "./samples.ts";

/** Scrapes of our own pages are neither counted nor logged nor traced. */
const SCRAPE_ROUTES = new Set(["/metrics", "/prometheus/data/metrics"]);
/** Combinations whose series are held at hand; past it they are looked up anew. */
const SERIES_HELD_MAX = 5_000;
/** Models without a known price that are remembered, to count them once each. */
const UNPRICED_MODELS_MAX = 2_000;

export function isScrape(record: RequestRecord): boolean {
  return SCRAPE_ROUTES.has(record.route);
}

/** Feeds the HTTP, inference, token, cost and latency metrics from a request's record. */
export class RequestMetrics {
  readonly #set: MetricSet;
  readonly #labels: ModelLabels;
  readonly #genAi: GenAiMetrics;
  readonly #routes = new Map<string, Map<string, RouteSeries>>();
  readonly #models = new Map<string, ModelSeries>();
  readonly #begun = new Set<RouteSeries>();
  readonly #unpriced = new Set<string>();

  constructor(set: MetricSet, labels: ModelLabels, generations: GenAiGenerations) {
    this.#set = set;
    this.#labels = labels;
    this.#genAi = new GenAiMetrics(set, generations);
    set.onDerive(() => this.#refreshEfficiency());
  }

  started(record: RequestRecord): void {
    this.#route(record).inProgress.add(1);
  }

  /** `traced` is false where the request's trace is not exported, so that no exemplar leads nowhere. */
  finished(record: RequestRecord, traced: boolean): void {
    const route = this.#route(record);
    route.inProgress.add(-1);
    const { outcome } = record;
    if (outcome === undefined) return;
    const seconds = Math.max(0, (outcome.finishedAtMs - record.startedAtMs) / 1_000);
    const rank = record.probe ? 2 : record.client?.keyName === "demo" ? 1 : 0;
    const exemplarOf = (value: number): Exemplar | undefined =>
      traced ? { traceId: record.traceId, value, timestampMs: outcome.finishedAtMs, rank } : undefined;
    if (record.inference !== undefined && !this.#begun.has(route)) {
      this.#begun.add(route);
      route.beginErrors();
    }
    route.finished(record, seconds, exemplarOf(seconds));
    if (outcome.statusCode === 401) this.#unattributed(outcome.error?.code);
    if (record.inference === undefined) return;
    if (record.probe) this.#probe(record, seconds);
    else this.#customer(record, route.path, seconds, exemplarOf);
  }

  #route({ method, route }: RequestRecord): RouteSeries {
    let routes = this.#routes.get(method);
    if (routes === undefined) {
      routes = new Map();
      this.#routes.set(method, routes);
    }
    let series = routes.get(route);
    if (series === undefined) {
      series = new RouteSeries(this.#set, method, route);
      if (routes.size < SERIES_HELD_MAX) routes.set(route, series);
    }
    return series;
  }

  #customer(record: RequestRecord, path: string, seconds: number, exemplarOf: ExemplarOf): void {
    this.#keyTracking(record);
    // Where no provider was asked there was no inference: refused, or answered from the response cache.
    if (record.attempts.length === 0) return;
    const { provider, model } = this.#labels.ofRequest(record);
    this.#model(provider, model, path).finished(record, seconds, exemplarOf);
    this.#genAi.finished(record, provider, model, seconds);
    countEstimate(this.#set, provider, record);
    if (record.cost?.defaultPricing === true) this.#countUnpriced(model);
  }

  #model(provider: string, model: string, path: string): ModelSeries {
    const key = `${provider}\u0000${model}\u0000${path}`;
    let series = this.#models.get(key);
    if (series === undefined) {
      series = new ModelSeries(this.#set, provider, model, path);
      if (this.#models.size < SERIES_HELD_MAX) this.#models.set(key, series);
    }
    return series;
  }

  #countUnpriced(model: string): void {
    if (this.#unpriced.size < UNPRICED_MODELS_MAX) this.#unpriced.add(model);
    this.#set.gauge("models_using_default_pricing").child().set(this.#unpriced.size);
  }

  #probe(record: RequestRecord, seconds: number): void {
    const { provider, model } = answeredBy(record);
    const ok = succeeded(record);
    const timedOut = record.outcome!.statusCode === 504;
    const status = ok ? "healthy" : timedOut ? "timeout" : "unhealthy";
    this.#set.histogram("gateway_health_check_duration_seconds").child(provider, status).observe(seconds);
    this.#set
      .counter("gatewayz_probe_requests_total")
      .child(provider, this.#labels.of(provider, model, ok), ok ? "success" : "error")
      .inc();
  }

  /** Requests without a valid key are refused before anything else is known of them. */
  #unattributed(code: string | undefined): void {
    const reason = boundedLabel((code ?? "no_valid_key").toLowerCase());
    this.#set.counter("api_key_tracking_failures_total").child(reason).inc();
  }

  #keyTracking(record: RequestRecord): void {
    const set = this.#set;
    if (record.client === undefined) return;
    set.counter("api_key_tracking_success_total").child(boundedLabel(record.inference!.requestType)).inc();
    set
      .counter("api_key_usage_total")
      .child(succeeded(record) ? "success" : "error")
      .inc();
  }

  /** Worked out from the token counters, so that it is right for all processes together. */
  #refreshEfficiency(): void {
    const byModel = new Map<string, { input: number; output: number }>();
    for (const [key, { value }] of this.#set.counter("tokens_used_total").entries()) {
      const [, model, type] = labelsOfKey(key);
      const sums = byModel.get(model!) ?? { input: 0, output: 0 };
      if (type === "input") sums.input += value;
      else sums.output += value;
      byModel.set(model!, sums);
    }
    const gauge = this.#set.gauge("gatewayz_token_efficiency");
    for (const [model, { input, output }] of byModel) if (input > 0) gauge.child(model).set(output / input);
  }
}
