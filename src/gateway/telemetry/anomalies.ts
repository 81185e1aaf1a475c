import type { ProviderStats } from "./provider-stats.ts";

export type AnomalyType = "high_error_rate" | "latency_spike" | "cost_spike";
export const ANOMALY_TYPES: readonly AnomalyType[] = ["high_error_rate", "latency_spike", "cost_spike"];

/** What counts as now, against the hour. */
const RECENT_MINUTES = 5;
/** Fewer calls than this say nothing. */
const CALLS_MIN = 10;
const ERROR_RATE_MIN = 0.1;
/** How many times the hour's mean is out of the ordinary. */
const TIMES = 2;

/** In what a provider's last five minutes are out of its ordinary hour. */
export function anomaliesOf(stats: ProviderStats, nowMs: number): AnomalyType[] {
  const recent = stats.window(nowMs, RECENT_MINUTES);
  if (recent.requests < CALLS_MIN) return [];
  const hour = stats.lastHour(nowMs);
  const found: AnomalyType[] = [];
  if (recent.errorRate >= ERROR_RATE_MIN) found.push("high_error_rate");
  // Compared with what came before, not with an hour that the spike itself fills.
  const earlier = hour.requests - recent.requests;
  if (earlier < CALLS_MIN) return found;
  const earlierMeanMs = (hour.latencyMeanMs * hour.requests - recent.latencyMeanMs * recent.requests) / earlier;
  if (recent.latencyMeanMs > TIMES * earlierMeanMs) found.push("latency_spike");
  const earlierUsd = (hour.costUsd - recent.costUsd) / earlier;
  if (earlierUsd > 0 && recent.costUsd / recent.requests > TIMES * earlierUsd) found.push("cost_spike");
  return found;
}
