import { groupRows } from "./fold.ts";
import type { Period, RequestStatistics } from "./request-statistics.ts";
import type { Totals } from "./totals.ts";

/** How many hours before the last one say what is usual. */
const BASELINE_HOURS = 24;
/** Fewer hours with traffic say nothing. */
const BASELINE_HOURS_MIN = 3;
/** Fewer requests in an hour are chance. */
const REQUESTS_MIN = 10;
/** So many times the usual is a spike. */
const SPIKE_FACTOR = 2;
/** Usual is less than 5 % errors; contract 6c's dashboards warn from 10 % on. */
const ERROR_RATE_USUAL = 0.05;
const ERROR_RATE_WARNING = 0.1;
const ERROR_RATE_CRITICAL = 0.25;

export interface Anomaly {
  readonly type: "cost_spike" | "latency_spike" | "high_error_rate";
  readonly provider: string;
  /** Start of the hour. */
  readonly hour: string;
  /** US dollars, ms, or a share of 0 to 1. */
  readonly value: number;
  readonly expected: number;
  readonly severity: "warning" | "critical";
}

/** What is out of the ordinary in the running hour, per provider, against the day before it. */
export function detectAnomalies(statistics: RequestStatistics, nowMs: number): Anomaly[] {
  const hourMs = 3_600_000;
  const thisHourMs = Math.floor(nowMs / hourMs) * hourMs;
  const byHour = statistics.byHour(BASELINE_HOURS + 1);
  const before = byProvider(byHour.filter(({ startMs }) => startMs < thisHourMs));
  const running = byProvider(byHour.filter(({ startMs }) => startMs === thisHourMs));
  const hour = new Date(thisHourMs).toISOString();
  return [...running].flatMap(([provider, [now]]) =>
    now === undefined || now.requests < REQUESTS_MIN ? [] : judge(provider, hour, now, before.get(provider) ?? []),
  );
}

function judge(provider: string, hour: string, now: Totals, before: readonly Totals[]): Anomaly[] {
  const found: Anomaly[] = [];
  if (now.errorRate > ERROR_RATE_WARNING) {
    const severity = now.errorRate > ERROR_RATE_CRITICAL ? "critical" : "warning";
    found.push({ type: "high_error_rate", provider, hour, value: now.errorRate, expected: ERROR_RATE_USUAL, severity });
  }
  if (before.length < BASELINE_HOURS_MIN) return found;
  const spike = (type: "cost_spike" | "latency_spike", value: number, expected: number): void => {
    if (expected > 0 && value > expected * SPIKE_FACTOR) {
      found.push({ type, provider, hour, value, expected, severity: "warning" });
    }
  };
  spike("cost_spike", now.costUsd, mean(before.map(({ costUsd }) => costUsd)));
  spike("latency_spike", now.latency.meanMs, mean(before.map(({ latency }) => latency.meanMs)));
  return found;
}

/** Provider → one entry per hour with traffic. */
function byProvider(periods: readonly Period[]): Map<string, Totals[]> {
  const hours = new Map<string, Totals[]>();
  for (const { rows } of periods) {
    for (const { name, totals } of groupRows(rows, "provider")) hours.set(name, [...(hours.get(name) ?? []), totals]);
  }
  return hours;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
