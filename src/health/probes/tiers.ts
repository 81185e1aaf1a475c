/** Contract section 3a. */
export const TIER_NAMES = ["critical", "popular", "standard", "on_demand"] as const;
export type Tier = (typeof TIER_NAMES)[number];

interface TierRule {
  /** Interval as a multiple of `health.checkInterval` (300 s by default, which gives the contract's seconds). */
  readonly intervalFactor: number;
  readonly probeTimeoutMs: number;
  readonly probeTokensMax: number;
  /** Due models of a higher priority are checked first. */
  readonly priority: number;
}

export const TIERS: Readonly<Record<Tier, TierRule>> = {
  critical: { intervalFactor: 1, probeTimeoutMs: 30_000, probeTokensMax: 10, priority: 3 },
  popular: { intervalFactor: 6, probeTimeoutMs: 45_000, probeTokensMax: 10, priority: 2 },
  standard: { intervalFactor: 24, probeTimeoutMs: 60_000, probeTokensMax: 5, priority: 1 },
  on_demand: { intervalFactor: 48, probeTimeoutMs: 60_000, probeTokensMax: 5, priority: 0 },
};

export function isTier(text: string): text is Tier {
  return Object.hasOwn(TIERS, text);
}

/**
 * Tier of each key by its calls in the last 24 h: the percentile among the used ones decides (p95 and above critical,
 * p75 and above popular, used at all standard, else on demand).
 * @param calls Calls by key; keys without any may be absent.
 */
export function tiersByUsage(keys: Iterable<string>, calls: ReadonlyMap<string, number>): Map<string, Tier> {
  const used = [...calls.values()].filter((count) => count > 0).sort((a, b) => a - b);
  const p95 = percentile(used, 0.95);
  const p75 = percentile(used, 0.75);
  const tierOf = (count: number): Tier => {
    if (count <= 0) return "on_demand";
    if (count >= p95) return "critical";
    return count >= p75 ? "popular" : "standard";
  };
  return new Map([...keys].map((key) => [key, tierOf(calls.get(key) ?? 0)]));
}

/** Nearest-rank percentile of ascending values; Infinity for none. */
export function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(ascending.length * share) - 1)] ?? Number.POSITIVE_INFINITY;
}
