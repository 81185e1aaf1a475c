import { formatG } from "../../series/format-value.ts";
import { formatDuration } from "../config/format-duration.ts";
import type { AlertingRule } from "../rules/alerting-rule.ts";
import type { Rule, RuleGroup } from "../rules/rule-group.ts";
import { ago, type Html, html, labelBoxes, seconds } from "./html.ts";

/** Every group with its rules: expression, health, last evaluation. */
export function rulesPage(groups: readonly RuleGroup[]): Html {
  if (groups.length === 0) return html`<p>No rule file is loaded.</p>`;
  const nowMs = Date.now();
  return html`${groups.map((group) => groupTable(group, nowMs))}`;
}

function groupTable(group: RuleGroup, nowMs: number): Html {
  return html`<h2>${group.spec.name} <span class="muted">every ${formatDuration(group.intervalMs)}, last
${ago(group.lastEvaluationMs, nowMs)}, took ${seconds(group.evaluationSeconds)} · ${group.spec.file}</span></h2>
<table class="aligned"><colgroup><col width="58%"><col width="8%"><col width="11%"><col width="8%"><col></colgroup>
<tr><th>Rule</th><th>State</th><th>Last evaluation</th><th class="number">Duration</th><th>Error</th></tr>
${group.rules.map((rule) => ruleRow(rule, nowMs))}</table>`;
}

function ruleRow(rule: Rule, nowMs: number): Html {
  const { health, lastEvaluationMs, evaluationSeconds, lastError } = rule.status;
  return html`<tr><td><b>${rule.kind === "alerting" ? "alert" : "record"}: ${rule.spec.name}</b><br>
<code>${rule.spec.expression.trim()}</code></td><td><span class="state ${health}">${health.toUpperCase()}</span></td>
<td>${ago(lastEvaluationMs, nowMs)}</td><td class="number">${seconds(evaluationSeconds)}</td><td>${lastError}</td></tr>`;
}

/** Every alerting rule, those that fire first. */
export function alertsPage(groups: readonly RuleGroup[]): Html {
  const rules = groups.flatMap((group) => group.rules.filter((rule) => rule.kind === "alerting"));
  if (rules.length === 0) return html`<p>No alerting rule is loaded.</p>`;
  const order = { firing: 0, pending: 1, inactive: 2 };
  rules.sort((left, right) => order[left.state] - order[right.state]);
  const nowMs = Date.now();
  return html`${rules.map((rule) => alertSection(rule, nowMs))}`;
}

function alertSection(rule: AlertingRule, nowMs: number): Html {
  const { state, spec, alerts } = rule;
  const hold = spec.holdMs > 0 ? `for ${formatDuration(spec.holdMs)}` : "at once";
  return html`<h2><span class="state ${state}">${state.toUpperCase()}</span> ${spec.name}
<span class="muted">${alerts.length} active</span></h2><p><code>${spec.expression.trim()}</code>
<span class="muted">${hold}</span></p>${alerts.length === 0 ? undefined : alertTable(rule, nowMs)}`;
}

function alertTable(rule: AlertingRule, nowMs: number): Html {
  return html`<table><tr><th>Labels</th><th>State</th><th>Active</th><th>Value</th><th>Annotations</th></tr>
${rule.alerts.map(
  ({ labels, state, activeMs, value, annotations }) => html`<tr><td>${labelBoxes(labels.entries())}</td>
<td><span class="state ${state}">${state.toUpperCase()}</span></td><td>${ago(activeMs, nowMs)}</td>
<td class="number">${formatG(value)}</td>
<td>${[...annotations.entries()].map(([name, text]) => html`<b>${name}</b> ${text}<br>`)}</td></tr>`,
)}</table>`;
}
