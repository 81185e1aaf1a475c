import { createHash } from "node:crypto";
import type { RelabelRule } from "../config/relabel-config.ts";

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Applies relabel rules to `labels`, in place, in order.
 * Source: Prometheus configuration reference, `<relabel_config>`.
 * @param labels name → value; an empty value means that the label is absent.
 * @returns false when a rule dropped the target or the sample.
 */
export function relabel(labels: Map<string, string>, rules: readonly RelabelRule[]): boolean {
  for (const rule of rules) if (!applyRule(labels, rule)) return false;
  return true;
}

function applyRule(labels: Map<string, string>, rule: RelabelRule): boolean {
  const { regex, targetLabel } = rule;
  const value = rule.sourceLabels.map((name) => labels.get(name) ?? "").join(rule.separator);
  switch (rule.action) {
    case "keep":
      return regex.matchesWhole(value);
    case "drop":
      return !regex.matchesWhole(value);
    case "keepequal":
      return (labels.get(targetLabel) ?? "") === value;
    case "dropequal":
      return (labels.get(targetLabel) ?? "") !== value;
    case "replace":
      replace(labels, rule, value);
      return true;
    case "lowercase":
      set(labels, targetLabel, value.toLowerCase());
      return true;
    case "uppercase":
      set(labels, targetLabel, value.toUpperCase());
      return true;
    case "hashmod":
      set(labels, targetLabel, String(md5Low64(value) % BigInt(rule.modulus)));
      return true;
    case "labelmap":
      for (const [name, current] of [...labels]) {
        const groups = regex.groupsOfWhole(name);
        if (groups !== undefined) set(labels, expand(rule.replacement, groups, regex.groupNames), current);
      }
      return true;
    case "labeldrop":
      for (const name of [...labels.keys()]) if (regex.matchesWhole(name)) labels.delete(name);
      return true;
    case "labelkeep":
      for (const name of [...labels.keys()]) if (!regex.matchesWhole(name)) labels.delete(name);
      return true;
  }
}

function replace(labels: Map<string, string>, rule: RelabelRule, value: string): void {
  const groups = rule.regex.groupsOfWhole(value);
  if (groups === undefined) return;
  const target = expand(rule.targetLabel, groups, rule.regex.groupNames);
  if (LABEL_NAME.test(target)) set(labels, target, expand(rule.replacement, groups, rule.regex.groupNames));
}

function set(labels: Map<string, string>, name: string, value: string): void {
  if (value === "") labels.delete(name);
  else labels.set(name, value);
}

/** `$1`, `${1}`, `$name`, `${name}` and `$$` as Go's `Regexp.Expand` has them: an unknown group is empty. */
function expand(
  template: string,
  groups: readonly (string | undefined)[],
  groupNames: Readonly<Record<string, number>>,
): string {
  if (!template.includes("$")) return template;
  return template.replace(
    /\$(?:\$|\{(\w+)\}|(\w+))/g,
    (whole, braced: string | undefined, bare: string | undefined) => {
      const name = braced ?? bare;
      if (name === undefined) return whole === "$$" ? "$" : whole;
      if (/^\d+$/.test(name)) return groups[Number(name)] ?? "";
      return Object.hasOwn(groupNames, name) ? (groups[groupNames[name]!] ?? "") : "";
    },
  );
}

/** The low 64 bits of the MD5 digest, big-endian; decides which shard a target belongs to, in every Prometheus alike. */
function md5Low64(text: string): bigint {
  return createHash("md5").update(text).digest().readBigUInt64BE(8);
}
