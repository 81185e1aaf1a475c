import { formatExponent } from "../go-float.ts";
import type { Alert, AlertingRule } from "../rules/alerting-rule.ts";
import type { RecordingRule } from "../rules/recording-rule.ts";
import type { Rule, RuleGroup } from "../rules/rule-group.ts";
import { goTime } from "./go-time.ts";
import { invalid, type Params } from "./params.ts";
import { type ApiResult, json } from "./respond.ts";

/** `/api/v1/rules`. @throws ApiError */
export function listRules(groups: readonly RuleGroup[], params: Params): ApiResult {
  const type = params.text("type").toLowerCase();
  if (type !== "" && type !== "alert" && type !== "record") {
    throw invalid("type", `not supported value ${JSON.stringify(params.text("type"))}`);
  }
  const filter = ruleFilter(params, type);
  const excludeAlerts = params.boolean("exclude_alerts");
  const shown = selectGroups(groups, params).flatMap((group) => {
    const rules = group.rules.filter(filter).map((rule) => describeRule(rule, excludeAlerts));
    return rules.length === 0 && isFiltered(params) ? [] : [describeGroup(group, rules)];
  });
  return json({ groups: shown });
}

/** `/api/v1/alerts`. */
export function listAlerts(groups: readonly RuleGroup[]): ApiResult {
  const alerts = groups.flatMap(({ rules }) => rules.flatMap((rule) => (rule.kind === "alerting" ? rule.alerts : [])));
  return json({ alerts: alerts.map(describeAlert) });
}

function ruleFilter(params: Params, type: string): (rule: Rule) => boolean {
  const names = new Set(params.all("rule_name[]"));
  const matcherSets = params.matcherSets();
  return (rule) => {
    if (type === "alert" && rule.kind !== "alerting") return false;
    if (type === "record" && rule.kind !== "recording") return false;
    if (names.size > 0 && !names.has(rule.spec.name)) return false;
    if (matcherSets.length === 0) return true;
    const labels = new Map(labelTexts(rule));
    return matcherSets.some((matchers) => matchers.every((one) => one.matches(labels.get(one.name) ?? "")));
  };
}

function selectGroups(groups: readonly RuleGroup[], params: Params): RuleGroup[] {
  const names = new Set(params.all("rule_group[]"));
  const files = new Set(params.all("file[]"));
  return groups.filter(({ spec }) => {
    return (names.size === 0 || names.has(spec.name)) && (files.size === 0 || files.has(spec.file));
  });
}

function isFiltered(params: Params): boolean {
  return params.all("rule_name[]").length > 0 || params.all("match[]").length > 0;
}

function describeGroup(group: RuleGroup, rules: readonly object[]): object {
  return {
    name: group.spec.name,
    file: group.spec.file,
    rules,
    interval: group.intervalMs / 1_000,
    limit: group.spec.limit,
    evaluationTime: group.evaluationSeconds,
    lastEvaluation: goTime(group.lastEvaluationMs),
  };
}

function describeRule(rule: Rule, excludeAlerts: boolean): object {
  return rule.kind === "alerting" ? describeAlerting(rule, excludeAlerts) : describeRecording(rule);
}

function describeAlerting(rule: AlertingRule, excludeAlerts: boolean): object {
  const { spec } = rule;
  return {
    state: rule.state,
    name: spec.name,
    query: spec.expression,
    duration: spec.holdMs / 1_000,
    keepFiringFor: spec.keepFiringMs / 1_000,
    labels: Object.fromEntries(labelTexts(rule)),
    annotations: Object.fromEntries(spec.annotations.map(({ name, text }) => [name, text])),
    alerts: excludeAlerts ? [] : rule.alerts.map(describeAlert),
    ...describeStatus(rule),
    type: "alerting",
  };
}

function describeRecording(rule: RecordingRule): object {
  const labels = labelTexts(rule);
  return {
    name: rule.spec.name,
    query: rule.spec.expression,
    ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
    ...describeStatus(rule),
    type: "recording",
  };
}

function describeStatus({ status }: Rule): object {
  return {
    health: status.health,
    ...(status.lastError === "" ? {} : { lastError: status.lastError }),
    evaluationTime: status.evaluationSeconds,
    lastEvaluation: goTime(status.lastEvaluationMs),
  };
}

function labelTexts(rule: Rule): [string, string][] {
  if (rule.kind === "alerting") return rule.spec.labels.map(({ name, text }) => [name, text]);
  return rule.spec.labels.map(([name, text]) => [name, text]);
}

function describeAlert({ labels, annotations, state, activeMs, value, keepFiringSinceMs }: Alert): object {
  return {
    labels: labels.toRecord(),
    annotations: annotations.toRecord(),
    state,
    activeAt: goTime(activeMs),
    ...(keepFiringSinceMs === undefined ? {} : { keepFiringSince: goTime(keepFiringSinceMs) }),
    value: formatExponent(value),
  };
}
