import type { AttemptRecord, BreakerState, GatewayEvents, RequestRecord } from "../request-record.ts";
import { answeredBy } from "./answered-by.ts";
import { boundedLabel } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";
import type { ModelLabels } from "./model-labels.ts";
import { BREAKER_STATES, providerDataPage } from "./provider-data-page.ts";
import { ProviderStats, weightedHealthScore } from "./provider-stats.ts";
import type { HistogramChild } from "./samples.ts";

const BREAKER_MOVES: readonly (readonly [BreakerState, BreakerState])[] = [
  ["closed", "open"],
  ["open", "half_open"],
  ["half_open", "closed"],
  ["half_open", "open"],
];
/** Providers whose last hour is kept; configuration names far fewer. */
const PROVIDERS_MAX = 200;
const SLOW_MS = 30_000;
const VERY_SLOW_MS = 45_000;
const DAYS_PER_MONTH = 30;
/** Calls and moves that wait to be sent to the process that owns the page; about a second of a busy worker. */
const WAITING_MAX = 20_000;
/** Series of calls by model and result that are held at hand. */
const SERIES_HELD_MAX = 5_000;

interface ProviderEntry {
  readonly name: string;
  readonly stats: ProviderStats;
  readonly responseTime: HistogramChild;
  breaker: BreakerState;
}

/** What a worker tells the process that keeps the providers' last hour, as plain JSON. */
export interface ProviderNews {
  readonly calls: readonly (readonly [provider: string, success: boolean, durationMs: number])[];
  readonly costs: readonly (readonly [provider: string, usd: number])[];
  readonly breakers: readonly (readonly [provider: string, state: BreakerState])[];
}

/** Everything that is known per provider: calls, breaker, last hour, scores, cost estimates. */
export class ProviderMetrics {
  readonly #set: MetricSet;
  readonly #labels: ModelLabels;
  readonly #now: () => number;
  readonly #providers = new Map<string, ProviderEntry>();
  readonly #durations = new Map<string, HistogramChild>();
  #news: { calls: [string, boolean, number][]; costs: [string, number][]; breakers: [string, BreakerState][] };
  readonly #worker: boolean;

  /** @param worker True where another process keeps the last hour and is told by `drain`. */
  constructor(
    set: MetricSet,
    labels: ModelLabels,
    names: readonly string[],
    worker = false,
    now: () => number = Date.now,
  ) {
    this.#set = set;
    this.#labels = labels;
    this.#now = now;
    this.#worker = worker;
    this.#news = { calls: [], costs: [], breakers: [] };
    for (const name of names) this.#entry(name);
    if (!worker) set.onDerive(() => this.#refresh());
  }

  #entry(name: string): ProviderEntry | undefined {
    const label = boundedLabel(name);
    const existing = this.#providers.get(label);
    if (existing !== undefined) return existing;
    if (this.#providers.size >= PROVIDERS_MAX) return undefined;
    const responseTime = this.#set.histogram("provider_response_time_seconds").child(label);
    const stats = new ProviderStats(this.#now());
    const entry: ProviderEntry = { name: label, stats, responseTime, breaker: "closed" };
    this.#providers.set(label, entry);
    if (!this.#worker) this.#showBreaker(entry);
    this.#beginCounters(label);
    return entry;
  }

  /** Counters begin at zero, so that the first event is an increase and not a series that appears with 1. */
  #beginCounters(name: string): void {
    const transitions = this.#set.counter("circuit_breaker_state_transitions_total");
    for (const [from, to] of BREAKER_MOVES) transitions.child(name, from, to);
    this.#set.counter("circuit_breaker_rejected_requests_total").child(name);
  }

  /** Counts the calls that a finished request made. Probes count too: they are calls like any other. */
  finished(record: RequestRecord): void {
    for (const attempt of record.attempts) this.#attempt(attempt);
    if (record.cost === undefined || record.probe || record.attempts.length === 0) return;
    const { provider } = answeredBy(record);
    if (!this.#worker) this.#recordCost(provider, record.cost.totalUsd);
    else if (this.#news.costs.length < WAITING_MAX) this.#news.costs.push([provider, record.cost.totalUsd]);
  }

  #attempt(attempt: AttemptRecord): void {
    const { result, durationMs } = attempt;
    if (result === "skipped") this.#countSkipped(attempt);
    // A cancelled call says nothing about the provider, a skipped one was never made.
    if (result !== "success" && result !== "error") return;
    const entry = this.#entry(attempt.provider);
    const provider = entry?.name ?? boundedLabel(attempt.provider);
    const model = this.#labels.of(provider, boundedLabel(attempt.model), result === "success");
    const seconds = durationMs / 1_000;
    (entry?.responseTime ?? this.#set.histogram("provider_response_time_seconds").child(provider)).observe(seconds);
    this.#duration(provider, model, result).observe(seconds);
    if (durationMs >= SLOW_MS) {
      const severity = durationMs > VERY_SLOW_MS ? "very_slow" : "slow";
      this.#set.counter("provider_slow_requests_total").child(provider, model, severity).inc();
    }
    if (!this.#worker) entry?.stats.recordCall(this.#now(), result === "success", durationMs);
    else if (this.#news.calls.length < WAITING_MAX) this.#news.calls.push([provider, result === "success", durationMs]);
  }

  #countSkipped({ provider, errorType }: AttemptRecord): void {
    const reason = boundedLabel((errorType ?? "unknown").toLowerCase());
    this.#set.counter("gatewayz_attempts_skipped_total").child(boundedLabel(provider), reason).inc();
  }

  #duration(provider: string, model: string, result: string): HistogramChild {
    const key = `${provider}\u0000${model}\u0000${result}`;
    let child = this.#durations.get(key);
    if (child === undefined) {
      child = this.#set.histogram("provider_response_duration_seconds").child(provider, model, result);
      if (this.#durations.size < SERIES_HELD_MAX) this.#durations.set(key, child);
    }
    return child;
  }

  #recordCost(provider: string, usd: number): void {
    this.#entry(provider)?.stats.recordCost(this.#now(), usd);
  }

  breakerMoved({ provider, from, to }: GatewayEvents["breakerMoved"]): void {
    this.#set.counter("circuit_breaker_state_transitions_total").child(boundedLabel(provider), from, to).inc();
    if (!this.#worker) this.#setBreaker(provider, to);
    else if (this.#news.breakers.length < WAITING_MAX) this.#news.breakers.push([provider, to]);
  }

  #setBreaker(provider: string, state: BreakerState): void {
    const entry = this.#entry(provider);
    if (entry === undefined) return;
    entry.breaker = state;
    this.#showBreaker(entry);
  }

  #showBreaker({ name, breaker }: ProviderEntry): void {
    for (const state of BREAKER_STATES) {
      const value = state === breaker ? 1 : 0;
      this.#set.gauge("circuit_breaker_current_state").child(name, state).set(value);
      this.#set.gauge("gatewayz_circuit_breaker_state").child(name, state).set(value);
    }
    this.#set
      .gauge("provider_availability")
      .child(name)
      .set(breaker === "open" ? 0 : 1);
  }

  #refresh(): void {
    const set = this.#set;
    const nowMs = this.#now();
    for (const { name, stats, breaker } of this.#providers.values()) {
      const hour = stats.lastHour(nowMs);
      const dailyUsd = stats.dailyCostEstimateUsd(nowMs);
      set.gauge("provider_error_rate").child(name).set(hour.errorRate);
      set.gauge("provider_health_score").child(name).set(stats.healthScore);
      set
        .gauge("gatewayz_provider_health_score")
        .child(name)
        .set(weightedHealthScore(breaker !== "open", hour));
      set.gauge("gatewayz_daily_cost_estimate_usd").child(name).set(dailyUsd);
      set
        .gauge("gatewayz_monthly_cost_estimate_usd")
        .child(name)
        .set(dailyUsd * DAYS_PER_MONTH);
    }
  }

  /** What happened since the last call; for workers. */
  drain(): ProviderNews {
    const news = this.#news;
    this.#news = { calls: [], costs: [], breakers: [] };
    return news;
  }

  /** Takes what a worker drained. */
  apply({ calls, costs, breakers }: ProviderNews): void {
    for (const [provider, success, durationMs] of calls) {
      this.#entry(provider)?.stats.recordCall(this.#now(), success, durationMs);
    }
    for (const [provider, usd] of costs) this.#recordCost(provider, usd);
    for (const [provider, state] of breakers) this.#setBreaker(provider, state);
  }

  /** `GET /prometheus/data/metrics`. */
  dataText(): string {
    const nowMs = this.#now();
    return providerDataPage(
      [...this.#providers.values()].map(({ name, breaker, stats }) => ({
        name,
        breaker,
        healthScore: stats.healthScore,
        hour: stats.lastHour(nowMs),
      })),
    );
  }
}
