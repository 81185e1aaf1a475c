import { Labels, METRIC_NAME } from "../../../series/labels.ts";
import type { PlanNode } from "../plan/plan.ts";

/**
 * The labels of what `absent` and `absent_over_time` miss: those that the selector fixes with `=`, each once. A label
 * that is matched twice is left out.
 */
export function absentLabels(node: PlanNode): Labels {
  const selector = node.kind === "matrix" ? node.selector : node;
  if (selector.kind !== "selector") return Labels.EMPTY;
  const values = new Map<string, string>();
  const seen = new Set<string>();
  for (const { type, name, value } of selector.matchers) {
    if (name === METRIC_NAME) continue;
    if (type === "=" && !seen.has(name)) {
      values.set(name, value);
      seen.add(name);
    } else values.delete(name);
  }
  return Labels.fromEntries(values);
}
