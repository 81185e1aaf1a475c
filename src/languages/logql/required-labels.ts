import type { RangeAggregation, Stage } from "./ast.ts";
import { filterNames } from "./label-filter.ts";

/**
 * Names that a range aggregation's pipeline must produce when its result is grouped by `groups`: those and whatever
 * its own stages look at. Undefined where a stage (a template, `keep`) may look at any label.
 */
export function requiredLabels(expr: RangeAggregation, groups: readonly string[]): ReadonlySet<string> | undefined {
  const names = new Set(groups);
  if (expr.unwrap !== undefined) {
    names.add(expr.unwrap.name);
    for (const filter of expr.unwrap.filters) for (const name of filterNames(filter)) names.add(name);
  }
  for (const stage of expr.log.stages) {
    const used = stageNames(stage);
    if (used === undefined) return undefined;
    for (const name of used) names.add(name);
  }
  return names;
}

function stageNames(stage: Stage): readonly string[] | undefined {
  switch (stage.kind) {
    case "labelFilter":
      return filterNames(stage.filter);
    case "labelFormat":
      return stage.formats.some((format) => format.template) ? undefined : stage.formats.map((format) => format.value);
    case "lineFormat":
      return undefined;
    case "drop":
    case "keep":
      return stage.labels.map((label) => label.name);
    default:
      return [];
  }
}
