import type { CircuitState, ModelState } from "../model-state.ts";
import type { ProviderHour } from "../store/aggregate-store.ts";
import { isChecked, mean, type ProviderHealth, type Rollup } from "./rollup.ts";

/** Contract section 6c: the latency score is 1 up to the first, then falls in a straight line to 0 at the second. */
const FAST_P95_MS = 2_000;
const SLOW_P95_MS = 10_000;
const WEIGHTS = { availability: 0.4, errors: 0.3, latency: 0.3 } as const;

interface DashboardProvider {
  readonly name: string;
  readonly status: "healthy" | "degraded" | "down";
  /** Share of its checked models whose last check succeeded, 0 to 1. */
  readonly availability: number;
  /** Of the last hour, 0 to 1. */
  readonly error_rate: number;
  readonly avg_response_time_ms: number | null;
  /** 0 to 1. */
  readonly health_score: number;
  readonly requests_last_hour: number;
  readonly errors_last_hour: number;
  /** The monitor's own breakers: open when more than half of the provider's models are, half open when any is not closed. */
  readonly circuit_breaker_state: CircuitState;
}

export interface Dashboard {
  readonly timestamp: string;
  readonly providers: readonly DashboardProvider[];
  readonly summary: {
    readonly total_providers: number;
    readonly healthy: number;
    readonly degraded: number;
    readonly down: number;
    readonly overall_health_score: number;
  };
}

const STATUSES = { online: "healthy", degraded: "degraded", offline: "down" } as const;

/** 0.4 · availability + 0.3 · (1 − error rate) + 0.3 · latency score; a provider without a measured latency is fast. */
export function healthScore(availability: number, errorRate: number, p95Ms: number | undefined): number {
  const share = ((p95Ms ?? 0) - FAST_P95_MS) / (SLOW_P95_MS - FAST_P95_MS);
  const latency = 1 - Math.min(1, Math.max(0, share));
  return WEIGHTS.availability * availability + WEIGHTS.errors * (1 - errorRate) + WEIGHTS.latency * latency;
}

export function dashboardOf(
  rollup: Rollup,
  models: readonly ModelState[],
  lastHour: ReadonlyMap<string, ProviderHour>,
  nowMs: number,
): Dashboard {
  const providers = rollup.providers.map((health) => providerOf(health, models, lastHour.get(health.provider)));
  const count = (status: DashboardProvider["status"]): number =>
    providers.filter((provider) => provider.status === status).length;
  return {
    timestamp: new Date(nowMs).toISOString(),
    providers,
    summary: {
      total_providers: providers.length,
      healthy: count("healthy"),
      degraded: count("degraded"),
      down: count("down"),
      overall_health_score: rounded(mean(providers.map(({ health_score }) => health_score)) ?? 1),
    },
  };
}

function providerOf(
  health: ProviderHealth,
  models: readonly ModelState[],
  hour: ProviderHour | undefined,
): DashboardProvider {
  const availability = health.total_models === 0 ? 1 : health.healthy_models / health.total_models;
  const requests = hour?.requests ?? 0;
  const errorRate = requests === 0 ? 0 : hour!.errors / requests;
  return {
    name: health.provider,
    status: STATUSES[health.status],
    availability: rounded(availability),
    error_rate: rounded(errorRate),
    avg_response_time_ms: hour?.averageMs ?? health.avg_response_time_ms,
    health_score: rounded(healthScore(availability, errorRate, hour?.p95Ms)),
    requests_last_hour: requests,
    errors_last_hour: hour?.errors ?? 0,
    circuit_breaker_state: circuitOf(models.filter((state) => isChecked(state) && state.provider === health.provider)),
  };
}

function circuitOf(states: readonly ModelState[]): CircuitState {
  const open = states.filter(({ circuitState }) => circuitState === "open").length;
  if (open * 2 > states.length) return "open";
  return states.every(({ circuitState }) => circuitState === "closed") ? "closed" : "half_open";
}

/** Four decimals: enough for a score, and no noise of binary fractions. */
function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
