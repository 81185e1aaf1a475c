import { isHidden, type ModelState } from "../model-state.ts";
import type { ProviderHour } from "../store/aggregate-store.ts";
import { isChecked } from "./rollup.ts";

/** More insights than this are noise. */
const INSIGHTS_MAX = 50;
const UNSTABLE_UPTIME_BELOW = 95;
const SLOW_P95_MS = 10_000;
const ERROR_RATE_MIN = 0.25;
/** An error rate of fewer calls says nothing. */
const CALLS_MIN = 20;

type InsightType =
  | "gone_model"
  | "failing_model"
  | "unstable_model"
  | "wrong_key"
  | "high_error_rate"
  | "slow_provider";

interface Insight {
  readonly type: InsightType;
  readonly severity: "low" | "medium" | "high";
  readonly provider: string;
  readonly model: string | null;
  readonly message: string;
  /** What the reader can do about it. */
  readonly recommendation: string;
}

/** What stands out in the state, the most severe first. */
export function insightsOf(models: readonly ModelState[], lastHour: ReadonlyMap<string, ProviderHour>): Insight[] {
  const found = [...models.filter(isChecked).flatMap(modelInsights), ...[...lastHour].flatMap(providerInsights)];
  const rank = { high: 0, medium: 1, low: 2 };
  return found.sort((a, b) => rank[a.severity] - rank[b.severity]).slice(0, INSIGHTS_MAX);
}

function modelInsights(state: ModelState): Insight[] {
  const { provider, model, consecutiveFailures, lastStatus, uptime24h } = state;
  const insight = (type: InsightType, severity: Insight["severity"], message: string, recommendation: string) => [
    { type, severity, provider, model, message, recommendation },
  ];
  if (isHidden(state)) {
    const message = `${provider} says that ${model} does not exist`;
    return insight(
      "gone_model",
      "medium",
      message,
      "Take it out of the configuration, or name its successor as alias.",
    );
  }
  if (lastStatus === "unauthorized") {
    const message = `${provider} refuses the key for ${model}`;
    return insight("wrong_key", "high", message, "Check the provider's key and what it may use.");
  }
  if (consecutiveFailures >= 3) {
    const message = `${model} at ${provider} has failed ${consecutiveFailures} times in a row`;
    return insight("failing_model", "high", message, "Route its requests to another provider until it recovers.");
  }
  if (uptime24h < UNSTABLE_UPTIME_BELOW) {
    const message = `${model} at ${provider} answered ${uptime24h.toFixed(1)} % of the checks of the last 24 h`;
    return insight("unstable_model", "medium", message, "Give it a fallback.");
  }
  return [];
}

function providerInsights([provider, hour]: [string, ProviderHour]): Insight[] {
  const insights: Insight[] = [];
  const rate = hour.requests === 0 ? 0 : hour.errors / hour.requests;
  if (hour.requests >= CALLS_MIN && rate >= ERROR_RATE_MIN) {
    insights.push({
      type: "high_error_rate",
      severity: "high",
      provider,
      model: null,
      message: `${provider} failed ${(100 * rate).toFixed(1)} % of ${hour.requests} calls of the last hour`,
      recommendation: "Look at its incidents; prefer another provider meanwhile.",
    });
  }
  if ((hour.p95Ms ?? 0) >= SLOW_P95_MS) {
    insights.push({
      type: "slow_provider",
      severity: "low",
      provider,
      model: null,
      message: `One of twenty answers of ${provider} took longer than ${(hour.p95Ms! / 1_000).toFixed(1)} s`,
      recommendation: "Prefer another provider where latency counts.",
    });
  }
  return insights;
}
