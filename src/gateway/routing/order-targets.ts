import type { PassedOver } from "../request-record.ts";
import type { HealthJudge } from "./health-view.ts";
import type { ProviderPreferences } from "./preferences.ts";
import type { Target } from "./resolve.ts";

/** Which providers a request may use at all. */
export interface Allowance {
  readonly only: readonly string[] | undefined;
  readonly ignore: readonly string[];
}

/** Leaves out what is not allowed, and says so in `passedOver`. */
export function allowed(targets: readonly Target[], rules: readonly Allowance[], passedOver: PassedOver[]): Target[] {
  return targets.filter(({ provider: { name }, model }) => {
    const good = rules.every(({ only, ignore }) => (only?.includes(name) ?? true) && !ignore.includes(name));
    if (!good) passedOver.push({ provider: name, model, reason: "not_allowed" });
    return good;
  });
}

/** Those of `order` first, in that order; with `fallbacks` false nobody else, or only the first where nobody is named. */
export function preferred(targets: readonly Target[], wishes: ProviderPreferences): Target[] {
  const { order, fallbacks } = wishes;
  const place = ({ provider: { name } }: Target): number => {
    const index = order.indexOf(name);
    return index < 0 ? order.length : index;
  };
  const sorted = [...targets].sort((a, b) => place(a) - place(b));
  if (fallbacks) return sorted;
  return order.length > 0 ? sorted.filter((target) => place(target) < order.length) : sorted.slice(0, 1);
}

/**
 * Contract section 3d: targets that the health service says to avoid go to the end. When the first choice is one of them,
 * the healthy ones with enough uptime lead, by uptime and then by latency.
 */
export function orderByHealth(targets: readonly Target[], health: HealthJudge, passedOver: PassedOver[]): Target[] {
  if (health.calm || targets.length < 2) return [...targets];
  const avoided = targets.filter(({ provider, model }) => health.avoids(provider.name, model));
  if (avoided.length === 0) return [...targets];
  for (const { provider, model } of avoided) passedOver.push({ provider: provider.name, model, reason: "unhealthy" });
  const others = targets.filter((target) => !avoided.includes(target));
  if (avoided[0] === targets[0]) {
    const standing = new Map(others.map((target) => [target, health.alternative(target.provider.name, target.model)]));
    others.sort((a, b) => {
      const [x, y] = [standing.get(a), standing.get(b)];
      if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
      return y.uptime - x.uptime || x.latencyMs - y.latencyMs;
    });
  }
  return [...others, ...avoided];
}

/** By a number of each, smallest first; unknown ones last, else as they were. */
export function sortedBy(targets: readonly Target[], value: (target: Target) => number | undefined): Target[] {
  const values = new Map(targets.map((target) => [target, value(target) ?? Number.POSITIVE_INFINITY]));
  return [...targets].sort((a, b) => {
    const [x, y] = [values.get(a)!, values.get(b)!];
    return x === y ? 0 : x - y;
  });
}
