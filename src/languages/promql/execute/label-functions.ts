import { METRIC_NAME } from "../../../series/labels.ts";
import { compileRegex, RegexError } from "../../../series/regex.ts";
import { PromqlError } from "../error.ts";
import type { CallPlan, PlanNode } from "../plan/plan.ts";
import { isLabelName } from "../syntax/parse-literals.ts";
import { mergeSameLabels, type StepSeries } from "./step-series.ts";

/** The text of a string argument. */
export function stringOf(node: PlanNode | undefined): string {
  return node?.kind === "string" ? node.value : "";
}

/** `label_replace(v, dst, replacement, src, regex)`. @throws PromqlError */
export function labelReplace(call: CallPlan, list: StepSeries[]): StepSeries[] {
  const [target, replacement, source, pattern] = call.args.slice(1).map(stringOf) as [string, string, string, string];
  const regex = compileOrFail(pattern);
  requireLabelName("label_replace(): ", "destination", target);
  for (const series of list) {
    const groups = regex.groupsOfWhole(series.labels.get(source));
    if (groups === undefined) continue;
    const value = expandTemplate(replacement, groups, regex.groupNames);
    series.labels = series.labels.with(target, value);
    if (target === METRIC_NAME) series.dropName = false;
  }
  return mergeSameLabels(list);
}

/** `label_join(v, dst, separator, src, …)`. @throws PromqlError */
export function labelJoin(call: CallPlan, list: StepSeries[]): StepSeries[] {
  const [target, separator, ...sources] = call.args.slice(1).map(stringOf) as [string, string, ...string[]];
  for (const source of sources) requireLabelName("label_join(): ", "source", source);
  requireLabelName("label_join(): ", "destination", target);
  for (const series of list) {
    const value = sources.map((source) => series.labels.get(source)).join(separator);
    series.labels = series.labels.with(target, value);
    if (target === METRIC_NAME) series.dropName = false;
  }
  return mergeSameLabels(list);
}

function requireLabelName(where: string, role: string, name: string): void {
  if (!isLabelName(name)) throw new PromqlError("execution", `invalid ${role} label name in ${where}${name}`);
}

function compileOrFail(pattern: string) {
  try {
    return compileRegex(pattern);
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    throw new PromqlError("execution", `invalid regular expression in label_replace(): ${pattern}`);
  }
}

/** Go's `Regexp.Expand`: `$1`, `$name`, `${name}` and `$$`; a group that does not exist is empty. */
function expandTemplate(
  template: string,
  groups: readonly (string | undefined)[],
  names: Readonly<Record<string, number>>,
): string {
  return template.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (text, plain?: string, braced?: string) => {
    if (text === "$$") return "$";
    const name = plain ?? braced!;
    const index = /^\d+$/.test(name) ? Number(name) : names[name];
    return (index === undefined ? undefined : groups[index]) ?? "";
  });
}
