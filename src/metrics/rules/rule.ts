import type { Labels } from "../../series/labels.ts";

/** A series that a rule writes at the time of its evaluation. */
export interface RuleSample {
  readonly labels: Labels;
  readonly value: number;
}

/** What a rule asks: evaluates PromQL at the time of the evaluation. @throws Error with a text for `lastError`. */
export type RuleQuery = (expression: string, timeMs: number) => Promise<RuleSample[]>;

type RuleHealth = "unknown" | "ok" | "err";

export interface RuleStatus {
  health: RuleHealth;
  lastError: string;
  evaluationSeconds: number;
  /** Unix ms; 0 before the first evaluation. */
  lastEvaluationMs: number;
}

export function unknownStatus(): RuleStatus {
  return { health: "unknown", lastError: "", evaluationSeconds: 0, lastEvaluationMs: 0 };
}

/** @throws Error when two samples have the same labels. */
export function checkDistinct(samples: readonly RuleSample[], what: string): void {
  const seen = new Set<string>();
  for (const { labels } of samples) {
    if (seen.has(labels.key)) {
      throw new Error(`vector contains metrics with the same labelset after applying ${what} labels`);
    }
    seen.add(labels.key);
  }
}
