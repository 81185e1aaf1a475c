import type { RequestRecord } from "../request-record.ts";
import { pathLabel, statusClass } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";
import type { CounterChild, Exemplar, GaugeChild, HistogramChild } from "./samples.ts";

/** Value of the label `app_name`. */
export const APP_NAME = "gatewayz";
/** Statuses whose counters begin at zero with a route's first request: the first error is an increase then. */
const BEGUN_STATUSES = [400, 500];
/** Stages that happen before a provider is asked. */
const FRONTEND_STAGES = ["request_parsing", "auth_validation", "request_preparation"] as const;

/** The series of one method and route, looked up once and kept: what a request costs here is counted in lookups. */
export class RouteSeries {
  readonly path: string;
  readonly inProgress: GaugeChild;
  readonly #set: MetricSet;
  readonly #method: string;
  readonly #statuses = new Map<number, readonly [CounterChild, CounterChild]>();
  readonly #stages = new Map<string, HistogramChild>();
  readonly #fastapiDuration: HistogramChild;
  readonly #httpDuration: HistogramChild;
  readonly #requestSize: HistogramChild;
  readonly #responseSize: HistogramChild;
  #frontend: HistogramChild | undefined;
  #shares: readonly [GaugeChild, GaugeChild, GaugeChild] | undefined;

  constructor(set: MetricSet, method: string, route: string) {
    const path = pathLabel(route);
    this.#set = set;
    this.#method = method;
    this.path = path;
    this.inProgress = set.gauge("fastapi_requests_in_progress").child(APP_NAME, method, path);
    this.#fastapiDuration = set.histogram("fastapi_requests_duration_seconds").child(APP_NAME, method, path);
    this.#httpDuration = set.histogram("http_request_duration_seconds").child(method, path);
    this.#requestSize = set.histogram("fastapi_request_size_bytes").child(APP_NAME, method, path);
    this.#responseSize = set.histogram("fastapi_response_size_bytes").child(APP_NAME, method, path);
  }

  finished(record: RequestRecord, seconds: number, exemplar: Exemplar | undefined): void {
    const outcome = record.outcome!;
    const [fastapi, http] = this.#status(outcome.statusCode);
    fastapi.inc();
    http.inc();
    this.#fastapiDuration.observe(seconds, exemplar);
    this.#httpDuration.observe(seconds, exemplar);
    this.#requestSize.observe(record.requestBodyBytes);
    this.#responseSize.observe(outcome.responseBodyBytes);
    this.#countStages(record);
  }

  #status(code: number): readonly [CounterChild, CounterChild] {
    return this.#statuses.get(code) ?? this.#addStatus(code);
  }

  #addStatus(code: number): readonly [CounterChild, CounterChild] {
    const labels = [this.#method, this.path, String(code), statusClass(code)] as const;
    const pair = [
      this.#set.counter("fastapi_requests_total").child(APP_NAME, ...labels),
      this.#set.counter("http_requests_total").child(...labels),
    ] as const;
    this.#statuses.set(code, pair);
    return pair;
  }

  /** Called with the first model request of the route. */
  beginErrors(): void {
    for (const status of BEGUN_STATUSES) this.#status(status);
  }

  #countStages({ stages }: RequestRecord): void {
    for (const stage in stages) {
      const ms = stages[stage as keyof typeof stages];
      if (ms === undefined) continue;
      let child = this.#stages.get(stage);
      if (child === undefined) {
        child = this.#set.histogram("request_stage_duration_seconds").child(stage, this.path);
        this.#stages.set(stage, child);
      }
      child.observe(ms / 1_000);
    }
    if (stages.backend_fetch === undefined) return;
    let frontendMs = 0;
    for (const stage of FRONTEND_STAGES) frontendMs += stages[stage] ?? 0;
    this.#frontend ??= this.#set.histogram("frontend_processing_seconds").child(this.path);
    this.#frontend.observe(frontendMs / 1_000);
    const streamMs = stages.stream_processing ?? 0;
    const totalMs = frontendMs + stages.backend_fetch + streamMs;
    if (totalMs <= 0) return;
    const [frontend, backend, stream] = this.#stageShares();
    frontend.set((100 * frontendMs) / totalMs);
    backend.set((100 * stages.backend_fetch) / totalMs);
    stream.set((100 * streamMs) / totalMs);
  }

  #stageShares(): readonly [GaugeChild, GaugeChild, GaugeChild] {
    if (this.#shares !== undefined) return this.#shares;
    const gauge = this.#set.gauge("stage_percentage");
    this.#shares = [
      gauge.child("frontend_processing", this.path),
      gauge.child("backend_response", this.path),
      gauge.child("stream_processing", this.path),
    ];
    return this.#shares;
  }
}
