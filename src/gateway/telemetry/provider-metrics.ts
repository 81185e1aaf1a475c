import type { AttemptRecord, BreakerState, GatewayEvents, RequestRecord } from "../request-record.ts";
import { answeredBy } from "./answered-by.ts";
import { boundedLabel } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";
import { ProviderStats, weightedHealthScore } from "./provider-stats.ts";
import { formatLabels, formatNumber } from "./text-format.ts";

const BREAKER_STATES: readonly BreakerState[] = ["closed", "open", "half_open"];
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

interface ProviderEntry {
  readonly name: string;
  readonly stats: ProviderStats;
  breaker: BreakerState;
}

/** Everything that is known per provider: calls, breaker, last hour, scores, cost estimates. */
export class ProviderMetrics {
  readonly #set: MetricSet;
  readonly #now: () => number;
  readonly #providers = new Map<string, ProviderEntry>();

  constructor(set: MetricSet, names: readonly string[], now: () => number = Date.now) {
    this.#set = set;
    this.#now = now;
    for (const name of names) this.#entry(name);
    set.onCollect(() => this.#refresh());
  }

  #entry(name: string): ProviderEntry | undefined {
    const label = boundedLabel(name);
    const existing = this.#providers.get(label);
    if (existing !== undefined) return existing;
    if (this.#providers.size >= PROVIDERS_MAX) return undefined;
    const entry: ProviderEntry = { name: label, stats: new ProviderStats(this.#now()), breaker: "closed" };
    this.#providers.set(label, entry);
    this.#exportBreaker(entry);
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
    if (record.cost === undefined || record.probe) return;
    this.#entry(answeredBy(record).provider)?.stats.recordCost(this.#now(), record.cost.totalUsd);
  }

  #attempt(attempt: AttemptRecord): void {
    // A cancelled call says nothing about the provider, a skipped one was never made.
    if (attempt.result !== "success" && attempt.result !== "error") return;
    const set = this.#set;
    const provider = boundedLabel(attempt.provider);
    const model = boundedLabel(attempt.model);
    const seconds = attempt.durationMs / 1_000;
    set.histogram("provider_response_time_seconds").child(provider).observe(seconds);
    set.histogram("provider_response_duration_seconds").child(provider, model, attempt.result).observe(seconds);
    if (attempt.durationMs >= SLOW_MS) {
      const severity = attempt.durationMs > VERY_SLOW_MS ? "very_slow" : "slow";
      set.counter("provider_slow_requests_total").child(provider, model, severity).inc();
    }
    this.#entry(provider)?.stats.recordCall(this.#now(), attempt.result === "success", attempt.durationMs);
  }

  breakerMoved({ provider, from, to }: GatewayEvents["breakerMoved"]): void {
    const name = boundedLabel(provider);
    this.#set.counter("circuit_breaker_state_transitions_total").child(name, from, to).inc();
    if (to === "closed") this.#set.counter("gateway_recovery_events_total").child(name).inc();
    const entry = this.#entry(provider);
    if (entry === undefined) return;
    entry.breaker = to;
    this.#exportBreaker(entry);
  }

  #exportBreaker({ name, breaker }: ProviderEntry): void {
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

  /**
   * `GET /prometheus/data/metrics` of contract section 1, text format. `provider_availability` is a percentage here and
   * 0 or 1 on `/metrics`, as it always was; scrape the two under different jobs.
   */
  dataText(): string {
    const nowMs = this.#now();
    const rows = [...this.#providers.values()].map((entry) => ({ ...entry, hour: entry.stats.lastHour(nowMs) }));
    const lines: string[] = [];
    const write = (name: string, help: string, read: (row: (typeof rows)[number]) => number): void => {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`);
      for (const row of rows)
        lines.push(`${name}{${formatLabels(["provider"], [row.name])}} ${formatNumber(read(row))}`);
    };
    write("health_score", "Health score of a provider, 0 to 100.", (row) => row.stats.healthScore);
    lines.push("# HELP circuit_breaker_state 1 for the breaker's state.", "# TYPE circuit_breaker_state gauge");
    for (const row of rows) {
      for (const state of BREAKER_STATES) {
        const text = formatLabels(["provider", "state"], [row.name, state]);
        lines.push(`circuit_breaker_state{${text}} ${row.breaker === state ? 1 : 0}`);
      }
    }
    write("error_rate", "Share of failed calls in the last hour, 0 to 1.", (row) => row.hour.errorRate);
    write("provider_availability", "Calls of the last hour that succeeded, percent.", (row) =>
      row.breaker === "open" ? 0 : 100 * (1 - row.hour.errorRate),
    );
    write("total_requests", "Calls of the last hour.", (row) => row.hour.requests);
    write("avg_latency_ms", "Mean response time of the last hour.", (row) => row.hour.latencyMeanMs);
    lines.push(
      "# HELP gatewayz_data_scrape_success 1 when this page could be written.",
      "# TYPE gatewayz_data_scrape_success gauge",
      "gatewayz_data_scrape_success 1",
    );
    return `${lines.join("\n")}\n`;
  }
}
