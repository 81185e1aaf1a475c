import fc from "fast-check";
import { expect, test } from "vitest";
import { type Candidate, confidence, type Policy, rank, slug } from "./smart-router.ts";

const LIMITS = { halfOpenPenalty: 0.15, marginFloor: 1.25 };

function candidate(provider: string, facts: Partial<Candidate> = {}): Candidate {
  return {
    provider,
    model: "m",
    costUsd: 1,
    priceUsd: undefined,
    p95Ms: 1_000,
    quality: 0.5,
    breaker: "closed",
    ...facts,
  };
}

const order = (candidates: readonly Candidate[], policy: Policy): string[] => {
  return rank(candidates, policy, LIMITS).ranked.map(({ candidate: { provider } }) => provider);
};

const THREE = [
  candidate("cheap", { costUsd: 1, p95Ms: 3_000, quality: 0.4 }),
  candidate("fast", { costUsd: 5, p95Ms: 500, quality: 0.6 }),
  candidate("good", { costUsd: 11, p95Ms: 2_000, quality: 0.9 }),
];

test.each([
  ["cost", ["cheap", "fast", "good"]],
  ["latency", ["fast", "good", "cheap"]],
  ["quality", ["good", "fast", "cheap"]],
  // cheap: 0.4; fast: 0.4·0.6 + 0.3 + 0.3·0.4 = 0.66; good: 0.3·0.4 + 0.3 = 0.42.
  ["balanced", ["fast", "good", "cheap"]],
] as const)("policy %s", (policy, expected) => {
  expect(order(THREE, policy)).toEqual(expected);
});

test("scores are the weighted sum of what is normalised over the candidates", () => {
  const scores = rank(THREE, "balanced", LIMITS).ranked.map(({ score }) => Number(score.toFixed(6)));
  expect(scores).toEqual([0.66, 0.42, 0.4]);
});

test("an open breaker is out, a half-open one is put back by the penalty", () => {
  const half = { ...THREE[1]!, breaker: "half_open" } as const;
  const { ranked, excluded } = rank([THREE[0]!, half, { ...THREE[2]!, breaker: "open" }], "balanced", LIMITS);
  expect(excluded.map(({ candidate: { provider }, reason }) => [provider, reason])).toEqual([["good", "breaker_open"]]);
  // Of two: fast has latency and quality, 0.6 - 0.15; cheap has cost, 0.4.
  expect(ranked.map(({ candidate: { provider }, score }) => [provider, Number(score.toFixed(6))])).toEqual([
    ["fast", 0.45],
    ["cheap", 0.4],
  ]);
});

test.each([
  [1.25, true],
  [1.2499, false],
])("the margin floor: sold at %f times its cost, kept %s", (factor, kept) => {
  const { ranked, excluded } = rank([candidate("p", { costUsd: 4, priceUsd: 4 * factor })], "cost", LIMITS);
  expect([ranked.length, excluded.length]).toEqual(kept ? [1, 0] : [0, 1]);
});

test("ties go to the lower price, then the lower p95, then the name", () => {
  const same = { quality: 1 };
  const tied = [
    candidate("d", { ...same, costUsd: 2, p95Ms: 10 }),
    candidate("c", { ...same, costUsd: 1, p95Ms: 20 }),
    candidate("b", { ...same, costUsd: 1, p95Ms: 10 }),
    candidate("a", { ...same, costUsd: 1, p95Ms: 10 }),
    candidate("e", { ...same, costUsd: undefined, p95Ms: undefined }),
  ];
  expect(order(tied, "quality")).toEqual(["a", "b", "c", "d", "e"]);
});

test("what nobody knows stands in the middle", () => {
  const unknown = candidate("unknown", { costUsd: undefined });
  expect(order([candidate("dear", { costUsd: 9 }), unknown, candidate("cheap", { costUsd: 1 })], "cost")).toEqual([
    "cheap",
    "unknown",
    "dear",
  ]);
});

test("confidence: alone 1, equal 0.5, by the whole scale 1, nobody 0", () => {
  expect(confidence(rank([], "cost", LIMITS))).toBe(0);
  expect(confidence(rank([candidate("a")], "cost", LIMITS))).toBe(1);
  expect(confidence(rank([candidate("a"), candidate("b")], "cost", LIMITS))).toBe(0.5);
  expect(confidence(rank([candidate("a"), candidate("b", { costUsd: 2 })], "cost", LIMITS))).toBe(1);
});

test("every candidate is ranked or excluded once, scores descend and stay within bounds, input order does not matter", () => {
  const facts = fc.record({
    costUsd: fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: undefined }),
    priceUsd: fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: undefined }),
    p95Ms: fc.option(fc.double({ min: 0, max: 60_000, noNaN: true }), { nil: undefined }),
    quality: fc.double({ min: 0, max: 1, noNaN: true }),
    breaker: fc.constantFrom("closed", "open", "half_open"),
  });
  const many = fc
    .array(facts, { maxLength: 12 })
    .map((list) => list.map((entry, index) => candidate(`p${index}`, entry)));
  const policies = fc.constantFrom<Policy>("cost", "latency", "quality", "balanced");
  fc.assert(
    fc.property(many, policies, (candidates, policy) => {
      const { ranked, excluded } = rank(candidates, policy, LIMITS);
      const all = [...ranked, ...excluded].map(({ candidate: one }) => slug(one)).sort();
      expect(all).toEqual(candidates.map(slug).sort());
      for (const [index, { score, candidate: one }] of ranked.entries()) {
        expect(one.breaker).not.toBe("open");
        expect(score).toBeGreaterThanOrEqual(-0.15);
        expect(score).toBeLessThanOrEqual(1 + 1e-9);
        if (index > 0) expect(score).toBeLessThanOrEqual(ranked[index - 1]!.score + 1e-9);
      }
      expect(order([...candidates].reverse(), policy)).toEqual(order(candidates, policy));
    }),
    { numRuns: 300 },
  );
});
