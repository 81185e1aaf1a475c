import type { ROUTING_POLICIES } from "../../config/routing.ts";
import type { BreakerState } from "../request-record.ts";

export type Policy = (typeof ROUTING_POLICIES)[number];

/** A provider and model that the smart router may choose, with what is known of it. */
export interface Candidate {
  readonly provider: string;
  readonly model: string;
  /** What the provider charges, US dollars per million tokens of an ordinary mix; undefined when no list knows. */
  readonly costUsd: number | undefined;
  /** What the client is charged for the same, where the two differ. */
  readonly priceUsd: number | undefined;
  /** 95th percentile of its answer times, ms; undefined while nobody has asked it. */
  readonly p95Ms: number | undefined;
  /** From 0 to 1. */
  readonly quality: number;
  readonly breaker: BreakerState;
}

export interface ScoredCandidate {
  readonly candidate: Candidate;
  /** Weighted sum of what is better, from 0 to 1, less the penalty. */
  readonly score: number;
}

interface Exclusion {
  readonly candidate: Candidate;
  readonly reason: "breaker_open" | "margin_floor";
}

export interface Ranking {
  /** Best first. */
  readonly ranked: readonly ScoredCandidate[];
  readonly excluded: readonly Exclusion[];
}

/** Contract section 5: weights of cost, latency and quality. */
const WEIGHTS: Readonly<Record<Policy, readonly [cost: number, latency: number, quality: number]>> = {
  cost: [1, 0, 0],
  latency: [0, 1, 0],
  quality: [0, 0, 1],
  balanced: [0.4, 0.3, 0.3],
};

/** What stands for a number that nobody knows: neither an advantage nor a disadvantage. */
const UNKNOWN = 0.5;
/** Scores that differ by less are a tie: sums of products are no exact numbers. */
const SCORE_EPSILON = 1e-9;

export interface RankLimits {
  readonly halfOpenPenalty: number;
  readonly marginFloor: number;
}

/**
 * Orders candidates by a policy: cost, latency and quality are normalised between the smallest and the largest value
 * among them, the cheaper, faster and better the higher. Open breakers and candidates below the margin floor are out,
 * half-open ones are put back; ties go to the lower price, then the lower p95, then the name.
 */
export function rank(candidates: readonly Candidate[], policy: Policy, limits: RankLimits): Ranking {
  const excluded: Exclusion[] = [];
  const eligible: Candidate[] = [];
  for (const candidate of candidates) {
    const { costUsd, priceUsd } = candidate;
    const thin = priceUsd !== undefined && costUsd !== undefined && priceUsd < costUsd * limits.marginFloor;
    if (candidate.breaker === "open") excluded.push({ candidate, reason: "breaker_open" });
    else if (thin) excluded.push({ candidate, reason: "margin_floor" });
    else eligible.push(candidate);
  }
  const cheapness = descending(eligible.map(({ costUsd }) => costUsd));
  const speed = descending(eligible.map(({ p95Ms }) => p95Ms));
  const worth = ascending(eligible.map(({ quality }) => quality));
  const [costWeight, latencyWeight, qualityWeight] = WEIGHTS[policy];
  const ranked = eligible.map((candidate, index) => {
    const sum = costWeight * cheapness[index]! + latencyWeight * speed[index]! + qualityWeight * worth[index]!;
    return { candidate, score: sum - (candidate.breaker === "half_open" ? limits.halfOpenPenalty : 0) };
  });
  return { ranked: ranked.sort(better), excluded };
}

/** How far the first is ahead of the second, as 0.5 (equal) to 1 (by the whole scale, or alone). */
export function confidence({ ranked }: Ranking): number {
  const [first, second] = ranked;
  if (first === undefined) return 0;
  if (second === undefined) return 1;
  return 0.5 + Math.min(1, Math.max(0, first.score - second.score)) / 2;
}

function better(a: ScoredCandidate, b: ScoredCandidate): number {
  if (Math.abs(a.score - b.score) > SCORE_EPSILON) return b.score - a.score;
  return (
    compare(a.candidate.costUsd, b.candidate.costUsd) ||
    compare(a.candidate.p95Ms, b.candidate.p95Ms) ||
    slug(a.candidate).localeCompare(slug(b.candidate), "en")
  );
}

/** Smaller first, unknown last. */
function compare(a: number | undefined, b: number | undefined): number {
  const [x, y] = [a ?? Number.POSITIVE_INFINITY, b ?? Number.POSITIVE_INFINITY];
  return x === y ? 0 : x - y;
}

export function slug({ provider, model }: Pick<Candidate, "provider" | "model">): string {
  return `${provider}/${model}`;
}

function ascending(values: readonly (number | undefined)[]): number[] {
  const known = values.filter((value) => value !== undefined);
  const min = Math.min(...known);
  const range = Math.max(...known) - min;
  // Where all are alike, nobody is better: all get the same, and the other terms decide.
  return values.map((value) => (value === undefined ? UNKNOWN : range > 0 ? (value - min) / range : 1));
}

function descending(values: readonly (number | undefined)[]): number[] {
  return ascending(values.map((value) => (value === undefined ? undefined : -value)));
}
