import { type Labels, METRIC_NAME } from "../../../series/labels.ts";
import type { AggregatePlan } from "../plan/plan.ts";

/** How series are put into the groups of `by (…)` or `without (…)`. */
export interface Grouping {
  /** Equal exactly for series of one group. */
  keyOf(labels: Labels): string;
  /** The labels of the group that a series belongs to. */
  labelsOf(labels: Labels): Labels;
}

export function groupingOf({ grouping, without }: Pick<AggregatePlan, "grouping" | "without">): Grouping {
  if (without) {
    const dropped = new Set([...grouping, METRIC_NAME]);
    const labelsOf = (labels: Labels) => labels.without(dropped);
    return { keyOf: (labels) => labelsOf(labels).key, labelsOf };
  }
  if (grouping.length === 1) {
    const name = grouping[0]!;
    const kept = new Set(grouping);
    return { keyOf: (labels) => labels.get(name), labelsOf: (labels) => labels.keep(kept) };
  }
  const kept = new Set(grouping);
  const labelsOf = (labels: Labels) => labels.keep(kept);
  return { keyOf: (labels) => labelsOf(labels).key, labelsOf };
}
