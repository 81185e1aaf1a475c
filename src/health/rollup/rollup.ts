import type { CheckStatus } from "../check.ts";
import type { ModelState } from "../model-state.ts";

/** Contract section 3c: how models add up to providers, gateways and the system. */
interface SystemHealth {
  readonly overall_status: "unknown" | "healthy" | "degraded" | "unhealthy";
  readonly total_providers: number;
  readonly healthy_providers: number;
  readonly degraded_providers: number;
  readonly unhealthy_providers: number;
  readonly total_models: number;
  readonly healthy_models: number;
  readonly degraded_models: number;
  readonly unhealthy_models: number;
  readonly total_gateways: number;
  readonly healthy_gateways: number;
  readonly tracked_models: number;
  readonly tracked_providers: number;
  /** Mean 24 h uptime of the checked models, percent. */
  readonly system_uptime: number;
  readonly last_updated: string;
}

export interface ProviderHealth {
  readonly provider: string;
  readonly status: "online" | "degraded" | "offline";
  readonly total_models: number;
  readonly healthy_models: number;
  readonly unhealthy_models: number;
  readonly avg_response_time_ms: number | null;
  readonly uptime_24h: number;
}

export interface GatewayHealth {
  readonly gateway: string;
  readonly healthy: boolean;
  readonly providers: number;
  readonly total_models: number;
  readonly healthy_models: number;
}

export interface Rollup {
  readonly system: SystemHealth;
  readonly providers: readonly ProviderHealth[];
  readonly gateways: readonly GatewayHealth[];
  /** Checked models by the status of their last check. */
  readonly statusDistribution: Readonly<Record<string, number>>;
}

/** Failures that say the model may still work: they make it degraded rather than unhealthy in the system's counts. */
const SOFT_FAILURES = new Set<CheckStatus>(["rate_limited", "timeout"]);

/** Tracked and checked at least once: only then is there anything to say about its health. */
export function isChecked(state: ModelState): boolean {
  return state.enabled && state.lastStatus !== undefined;
}

export function rollUp(models: readonly ModelState[], nowMs: number): Rollup {
  // All that are watched count as tracked from the moment they are known, so that the number does not creep up with the
  // first round of checks, or for hours where a large catalogue is spread over its interval.
  const tracked = models.filter((state) => state.enabled);
  const checked = tracked.filter(isChecked);
  const trackedProviders = new Set(tracked.map((state) => state.provider)).size;
  const providers = [...groupBy(checked, (state) => state.provider)].map(([provider, states]) =>
    providerHealth(provider, states),
  );
  const online = new Set(providers.filter(({ status }) => status === "online").map(({ provider }) => provider));
  const gateways = [...groupBy(checked, (state) => state.gateway)].map(([gateway, states]) => {
    const names = new Set(states.map((state) => state.provider));
    return {
      gateway,
      healthy: [...names].some((name) => online.has(name)),
      providers: names.size,
      total_models: states.length,
      healthy_models: states.filter(isHealthy).length,
    };
  });
  const healthyModels = checked.filter(isHealthy).length;
  const degradedModels = checked.filter((state) => SOFT_FAILURES.has(state.lastStatus!)).length;
  const count = (status: ProviderHealth["status"]): number =>
    providers.filter((provider) => provider.status === status).length;
  const system: SystemHealth = {
    overall_status: overallStatus(providers),
    total_providers: trackedProviders,
    healthy_providers: count("online"),
    degraded_providers: count("degraded"),
    unhealthy_providers: count("offline"),
    total_models: tracked.length,
    healthy_models: healthyModels,
    degraded_models: degradedModels,
    unhealthy_models: checked.length - healthyModels - degradedModels,
    total_gateways: new Set(tracked.map((state) => state.gateway)).size,
    healthy_gateways: gateways.filter(({ healthy }) => healthy).length,
    tracked_models: tracked.length,
    tracked_providers: trackedProviders,
    system_uptime: mean(checked.map((state) => state.uptime24h)) ?? 100,
    last_updated: new Date(nowMs).toISOString(),
  };
  return { system, providers, gateways, statusDistribution: distribution(checked) };
}

function isHealthy(state: ModelState): boolean {
  return state.lastStatus === "success";
}

/** More than half of its models unhealthy: offline; any: degraded; none: online. */
function providerHealth(provider: string, states: readonly ModelState[]): ProviderHealth {
  const healthy = states.filter(isHealthy).length;
  const unhealthy = states.length - healthy;
  const status = unhealthy * 2 > states.length ? "offline" : unhealthy > 0 ? "degraded" : "online";
  return {
    provider,
    status,
    total_models: states.length,
    healthy_models: healthy,
    unhealthy_models: unhealthy,
    avg_response_time_ms: mean(states.flatMap((state) => state.averageResponseTimeMs ?? [])) ?? null,
    uptime_24h: mean(states.map((state) => state.uptime24h)) ?? 100,
  };
}

/** Half of the providers offline: unhealthy; any problem: degraded; nothing checked: unknown. */
function overallStatus(providers: readonly ProviderHealth[]): SystemHealth["overall_status"] {
  if (providers.length === 0) return "unknown";
  const offline = providers.filter(({ status }) => status === "offline").length;
  if (offline * 2 >= providers.length) return "unhealthy";
  return providers.every(({ status }) => status === "online") ? "healthy" : "degraded";
}

function distribution(checked: readonly ModelState[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { lastStatus } of checked) counts[lastStatus!] = (counts[lastStatus!] ?? 0) + 1;
  return counts;
}

/** Items by key, in the order of their first. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** Undefined for no values. */
export function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}
