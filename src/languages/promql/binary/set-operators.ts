import type { SetOperator, VectorMatching } from "../ast.ts";
import type { Grid } from "../execute/grid.ts";
import { ABSENT, hasSamples, mergeSameLabels, type StepSeries } from "../execute/step-series.ts";
import { anyPresent, bySignature, matchLabels } from "./signature.ts";

/**
 * `and`, `or` and `unless`: which samples stay depends, at every step, on whether the other side has one with the same
 * matching labels. In place.
 */
export function setOperation(
  operator: SetOperator,
  matching: VectorMatching,
  left: StepSeries[],
  right: StepSeries[],
  grid: Grid,
): StepSeries[] {
  const match = matchLabels(matching);
  const [judges, judged] = operator === "or" ? [left, right] : [right, left];
  const present = new Map<string, Uint8Array>();
  for (const [key, group] of bySignature(judges, matching)) present.set(key, anyPresent(group, grid.steps));
  const staysWhere = operator === "and" ? 1 : 0;
  for (const series of judged) {
    const others = present.get(match(series.labels).key);
    for (let step = 0; step < grid.steps; step++) {
      if ((others === undefined ? 0 : others[step]!) !== staysWhere) series.kinds[step] = ABSENT;
    }
  }
  const kept = judged.filter(hasSamples);
  if (operator !== "or") return kept;
  const all = [...left, ...kept];
  return grid.steps === 1 ? all : mergeSameLabels(all);
}
