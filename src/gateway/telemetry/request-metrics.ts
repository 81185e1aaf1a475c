import type { RequestRecord } from "../request-record.ts";
import { answeredBy, succeeded } from "./answered-by.ts";
import type { Exemplar } from "./family.ts";
import { boundedLabel, pathLabel, statusClass } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";

/** Value of the label `app_name`. */
export const APP_NAME = "gatewayz";
/** Scrapes of our own pages are neither counted nor logged nor traced. */
const SCRAPE_ROUTES = new Set(["/metrics", "/prometheus/data/metrics"]);

export function isScrape(record: RequestRecord): boolean {
  return SCRAPE_ROUTES.has(record.route);
}

/** Routes and models whose error counters were begun; far more than there are. */
const BEGUN_MAX = 5_000;

/** Stages that happen before a provider is asked. */
const FRONTEND_STAGES = ["request_parsing", "auth_validation", "request_preparation"] as const;

/** Feeds the HTTP, inference, token, cost and latency metrics from a request's record. */
export class RequestMetrics {
  readonly #set: MetricSet;
  readonly #begun = new Set<string>();
  readonly #tokensByModel = new Map<string, { input: number; output: number }>();

  constructor(set: MetricSet) {
    this.#set = set;
  }

  started(record: RequestRecord): void {
    this.#inProgress(record).add(1);
  }

  /** `traced` is false where the request's trace was not sampled, so that no exemplar leads nowhere. */
  finished(record: RequestRecord, traced: boolean): void {
    this.#inProgress(record).add(-1);
    const { outcome } = record;
    if (outcome === undefined) return;
    const durationSeconds = Math.max(0, (outcome.finishedAtMs - record.startedAtMs) / 1_000);
    const rank = record.probe ? 2 : record.client?.keyName === "demo" ? 1 : 0;
    const exemplarOf = (value: number): Exemplar | undefined =>
      traced ? { traceId: record.traceId, value, timestampMs: outcome.finishedAtMs, rank } : undefined;
    this.#http(record, durationSeconds, exemplarOf);
    this.#stages(record);
    if (record.inference === undefined) return;
    if (record.probe) this.#probe(record, durationSeconds);
    else this.#customer(record, durationSeconds, exemplarOf);
  }

  #customer(record: RequestRecord, durationSeconds: number, exemplarOf: (value: number) => Exemplar | undefined): void {
    this.#keyTracking(record);
    if (record.attempts.length === 0) return;
    this.#inference(record, durationSeconds, exemplarOf);
    this.#latency(record, durationSeconds);
    this.#tokensAndCost(record, exemplarOf);
  }

  #inProgress(record: RequestRecord) {
    return this.#set.gauge("fastapi_requests_in_progress").child(APP_NAME, record.method, pathLabel(record.route));
  }

  #http(record: RequestRecord, durationSeconds: number, exemplarOf: (value: number) => Exemplar | undefined): void {
    const set = this.#set;
    const outcome = record.outcome!;
    const { method } = record;
    const path = pathLabel(record.route);
    const status = String(outcome.statusCode);
    const klass = statusClass(outcome.statusCode);
    const exemplar = exemplarOf(durationSeconds);
    if (record.inference !== undefined) this.#beginHttpErrors(method, path);
    set.counter("fastapi_requests_total").child(APP_NAME, method, path, status, klass).inc();
    set.counter("http_requests_total").child(method, path, status, klass).inc();
    set.histogram("fastapi_requests_duration_seconds").child(APP_NAME, method, path).observe(durationSeconds, exemplar);
    set.histogram("http_request_duration_seconds").child(method, path).observe(durationSeconds, exemplar);
    set.histogram("fastapi_request_size_bytes").child(APP_NAME, method, path).observe(record.requestBodyBytes);
    set.histogram("fastapi_response_size_bytes").child(APP_NAME, method, path).observe(outcome.responseBodyBytes);
  }

  /**
   * Error counters begin at zero with the first request: the first error is an increase then, and an error rate without
   * errors is 0 instead of unknown.
   */
  #beginHttpErrors(method: string, path: string): void {
    if (!this.#isNew(`${method} ${path}`)) return;
    for (const status of [400, 500]) {
      const labels = [method, path, String(status), statusClass(status)] as const;
      this.#set.counter("fastapi_requests_total").child(APP_NAME, ...labels);
      this.#set.counter("http_requests_total").child(...labels);
    }
  }

  #isNew(key: string): boolean {
    if (this.#begun.has(key) || this.#begun.size >= BEGUN_MAX) return false;
    this.#begun.add(key);
    return true;
  }

  #stages(record: RequestRecord): void {
    const set = this.#set;
    const { stages } = record;
    const endpoint = pathLabel(record.route);
    for (const [stage, durationMs] of Object.entries(stages)) {
      set
        .histogram("request_stage_duration_seconds")
        .child(stage, endpoint)
        .observe(durationMs / 1_000);
    }
    if (stages.backend_fetch === undefined) return;
    const frontendMs = FRONTEND_STAGES.reduce((sum, stage) => sum + (stages[stage] ?? 0), 0);
    set
      .histogram("frontend_processing_seconds")
      .child(endpoint)
      .observe(frontendMs / 1_000);
    const streamMs = stages.stream_processing ?? 0;
    const totalMs = frontendMs + stages.backend_fetch + streamMs;
    if (totalMs <= 0) return;
    const percentages = set.gauge("stage_percentage");
    percentages.child("frontend_processing", endpoint).set((100 * frontendMs) / totalMs);
    percentages.child("backend_response", endpoint).set((100 * stages.backend_fetch) / totalMs);
    percentages.child("stream_processing", endpoint).set((100 * streamMs) / totalMs);
  }

  #probe(record: RequestRecord, durationSeconds: number): void {
    const { provider, model } = answeredBy(record);
    const ok = succeeded(record);
    const timedOut = record.outcome!.statusCode === 504;
    const status = ok ? "healthy" : timedOut ? "timeout" : "unhealthy";
    this.#set.histogram("gateway_health_check_duration_seconds").child(provider, status).observe(durationSeconds);
    this.#set
      .counter("gatewayz_probe_requests_total")
      .child(provider, model, ok ? "success" : "error")
      .inc();
  }

  #keyTracking(record: RequestRecord): void {
    const set = this.#set;
    if (record.client === undefined) {
      set.counter("api_key_tracking_failures_total").child("no_valid_key").inc();
      return;
    }
    set.counter("api_key_tracking_success_total").child(boundedLabel(record.inference!.requestType)).inc();
    set
      .counter("api_key_usage_total")
      .child(succeeded(record) ? "success" : "error")
      .inc();
  }

  #inference(
    record: RequestRecord,
    durationSeconds: number,
    exemplarOf: (value: number) => Exemplar | undefined,
  ): void {
    const set = this.#set;
    const { provider, model } = answeredBy(record);
    const status = succeeded(record) ? "success" : "error";
    if (this.#isNew(`${provider} ${model}`)) {
      for (const each of ["success", "error"])
        set.counter("model_inference_requests_total").child(provider, model, each);
    }
    set.counter("model_inference_requests_total").child(provider, model, status).inc(1, exemplarOf(1));
    set
      .histogram("model_inference_duration_seconds")
      .child(provider, model)
      .observe(durationSeconds, exemplarOf(durationSeconds));
  }

  #latency(record: RequestRecord, durationSeconds: number): void {
    const set = this.#set;
    const outcome = record.outcome!;
    const { provider, model } = answeredBy(record);
    const endpoint = pathLabel(record.route);
    const firstByteMs = outcome.timeToFirstByteMs;
    if (firstByteMs !== undefined) {
      set
        .histogram("backend_ttfb_seconds")
        .child(provider, model, endpoint)
        .observe(firstByteMs / 1_000);
    }
    if (!record.inference!.stream) return;
    const firstChunkMs = outcome.timeToFirstChunkMs;
    if (firstChunkMs !== undefined) {
      set
        .histogram("time_to_first_chunk_seconds")
        .child(provider, model)
        .observe(firstChunkMs / 1_000);
    }
    const streamBeganMs = firstByteMs ?? firstChunkMs;
    if (streamBeganMs === undefined) return;
    const streamSeconds = Math.max(0, durationSeconds - streamBeganMs / 1_000);
    set.histogram("streaming_duration_seconds").child(provider, model, endpoint).observe(streamSeconds);
  }

  #tokensAndCost(record: RequestRecord, exemplarOf: (value: number) => Exemplar | undefined): void {
    const set = this.#set;
    const { usage, cost } = record;
    const { provider, model } = answeredBy(record);
    if (usage !== undefined) {
      const tokens = set.counter("tokens_used_total");
      tokens.child(provider, model, "input").inc(usage.inputTokens, exemplarOf(usage.inputTokens));
      tokens.child(provider, model, "output").inc(usage.outputTokens, exemplarOf(usage.outputTokens));
      set.counter("gatewayz_token_count_source_total").child(provider, model, usage.source).inc();
      this.#efficiency(model, usage.inputTokens, usage.outputTokens);
    }
    if (cost === undefined) return;
    set.counter("credits_used_total").child(provider, model).inc(cost.totalUsd);
    set.counter("gatewayz_api_cost_usd_total").child(provider, model).inc(cost.totalUsd);
    set.histogram("gatewayz_api_cost_per_request_usd").child(provider, model).observe(cost.totalUsd);
    set.counter("api_cost_total").child(provider).inc(cost.totalUsd);
    set.gauge("gatewayz_cost_by_provider").child(provider).add(cost.totalUsd);
    const tier = boundedLabel(record.client?.tier ?? "anonymous");
    set.counter("gatewayz_user_cost_by_plan_usd_total").child(tier).inc(cost.totalUsd);
    if (usage !== undefined && usage.inputTokens > 0) {
      const usd = (1_000 * cost.inputUsd) / usage.inputTokens;
      set.histogram("gatewayz_cost_per_1k_tokens_usd").child(provider, model, "input").observe(usd);
    }
    if (usage !== undefined && usage.outputTokens > 0) {
      const usd = (1_000 * cost.outputUsd) / usage.outputTokens;
      set.histogram("gatewayz_cost_per_1k_tokens_usd").child(provider, model, "output").observe(usd);
    }
    if (cost.totalUsd === 0 && !cost.defaultPricing && succeeded(record)) {
      set.counter("free_model_usage_total").child(tier, model).inc();
    }
  }

  #efficiency(model: string, input: number, output: number): void {
    const child = this.#set.gauge("gatewayz_token_efficiency").child(model);
    // Keyed by label text: past the series limit all models share one entry, as they share one series.
    const sums = this.#tokensByModel.get(child.labelText) ?? { input: 0, output: 0 };
    sums.input += input;
    sums.output += output;
    this.#tokensByModel.set(child.labelText, sums);
    if (sums.input > 0) child.set(sums.output / sums.input);
  }
}
