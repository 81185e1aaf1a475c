import type { Gateway } from "../gateway.ts";
import { weightedHealthScore } from "../telemetry/provider-stats.ts";
import { Calls } from "./totals.ts";

/** How one provider does, from the gateway's own calls of the last hour and its breaker (contract 6c, `/health/dashboard`). */
export interface ProviderHealth {
  readonly name: string;
  readonly status: "healthy" | "degraded" | "down";
  /** 1 while requests may go there, 0 while the breaker is open; the same as the metric `provider_availability`. */
  readonly availability: number;
  /** 0 to 1. */
  readonly errorRate: number;
  readonly meanMs: number;
  readonly p95Ms: number;
  /** 0 to 1: 0.4 availability + 0.3 (1 − error rate) + 0.3 latency score (1 up to a p95 of 2 s, 0 from 10 s on). */
  readonly healthScore: number;
  readonly calls: number;
  readonly failures: number;
  readonly breaker: "closed" | "open" | "half_open";
}

/** Above this share of failed calls a provider counts as degraded. */
const DEGRADED_ABOVE = 0.05;
/** Above this it counts as down even before its breaker opens. */
const DOWN_ABOVE = 0.5;
/** Fewer calls do not make a provider down by themselves. */
const CALLS_MIN = 5;

/** Every configured provider, in the order of the configuration. */
export function providerHealth(gateway: Gateway): ProviderHealth[] {
  const lastHour = gateway.statistics.calls(60);
  return [...gateway.providers.keys()].map((name) => {
    const calls = lastHour.get(name) ?? new Calls();
    const breaker = gateway.breakers.of(name)?.state ?? "closed";
    const { errorRate } = calls;
    const availability = breaker === "open" ? 0 : 1;
    const meanMs = calls.latency.meanMs;
    const p95Ms = calls.latency.quantileMs(0.95);
    const hour = {
      requests: calls.calls,
      errors: calls.failures,
      errorRate,
      latencyMeanMs: meanMs,
      latencyP95Ms: p95Ms,
      costUsd: 0,
    };
    const down = breaker === "open" || (calls.calls >= CALLS_MIN && errorRate > DOWN_ABOVE);
    const status = down ? "down" : breaker === "half_open" || errorRate > DEGRADED_ABOVE ? "degraded" : "healthy";
    return {
      name,
      status,
      availability,
      errorRate,
      meanMs,
      p95Ms,
      healthScore: weightedHealthScore(breaker !== "open", hour),
      calls: calls.calls,
      failures: calls.failures,
      breaker,
    };
  });
}
