import { type Labels, METRIC_NAME } from "../../../series/labels.ts";
import type { VectorMatching } from "../ast.ts";
import { ABSENT, type StepSeries } from "../execute/step-series.ts";

/** Labels that both sides of a match have in common, by `on (…)` or `ignoring (…)`. */
export function matchLabels({ on, labels }: VectorMatching): (series: Labels) => Labels {
  if (on) {
    const kept = new Set(labels);
    return (series) => series.keep(kept);
  }
  const dropped = new Set([...labels, METRIC_NAME]);
  return (series) => series.without(dropped);
}

/** Series by what has to be equal for a match. */
export function bySignature(list: readonly StepSeries[], matching: VectorMatching): Map<string, StepSeries[]> {
  const match = matchLabels(matching);
  const groups = new Map<string, StepSeries[]>();
  for (const series of list) {
    const { key } = match(series.labels);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [series]);
    else group.push(series);
  }
  return groups;
}

/** 1 at each step where any of the series holds a sample. */
export function anyPresent(list: readonly StepSeries[], steps: number): Uint8Array {
  const present = new Uint8Array(steps);
  for (const { kinds } of list) {
    for (let step = 0; step < steps; step++) if (kinds[step] !== ABSENT) present[step] = 1;
  }
  return present;
}
