import { Labels, METRIC_NAME } from "../../series/labels.ts";
import { ALERTS_PER_RULE_MAX } from "../limits.ts";
import { checkDistinct, type RuleQuery, type RuleSample, type RuleStatus, unknownStatus } from "./rule.ts";
import type { AlertingSpec } from "./rule-file.ts";
import type { TemplateData } from "./template.ts";

/** An alert that is over is kept that long, as Prometheus keeps it for its notifier. */
const RESOLVED_KEPT_MS = 15 * 60_000;
/** Series that tell the state of alerts, and since when they are active (for a restart). */
const ALERTS = "ALERTS";
export const ALERTS_FOR_STATE = "ALERTS_FOR_STATE";

export type AlertState = "inactive" | "pending" | "firing";

export interface Alert {
  state: AlertState;
  readonly labels: Labels;
  annotations: Labels;
  value: number;
  /** Unix ms. */
  activeMs: number;
  resolvedMs: number | undefined;
  /** Since when only `keep_firing_for` keeps the alert firing. */
  keepFiringSinceMs: number | undefined;
}

export interface TemplateContext {
  readonly externalLabels: Labels;
  readonly externalUrl: string;
}

/** Watches an expression: each series of its result is an alert, pending until it lasted for `for`. */
export class AlertingRule {
  readonly kind = "alerting";
  readonly spec: AlertingSpec;
  readonly status: RuleStatus = unknownStatus();
  readonly #context: TemplateContext;
  #active = new Map<string, Alert>();

  constructor(spec: AlertingSpec, context: TemplateContext) {
    this.spec = spec;
    this.#context = context;
  }

  /** Alerts that are pending or firing. */
  get alerts(): Alert[] {
    return [...this.#active.values()].filter(({ resolvedMs }) => resolvedMs === undefined);
  }

  get state(): AlertState {
    const { alerts } = this;
    if (alerts.some(({ state }) => state === "firing")) return "firing";
    return alerts.some(({ state }) => state === "pending") ? "pending" : "inactive";
  }

  /** Takes over what a rule of the same name and meaning knew before a reload. */
  inherit(from: AlertingRule): void {
    this.#active = from.#active;
  }

  /** Sets since when a pending alert is active, from what was stored before a restart. */
  restore(labels: Labels, activeMs: number): void {
    const alert = this.#active.get(labels.key);
    if (alert !== undefined && activeMs < alert.activeMs) alert.activeMs = activeMs;
  }

  /** One evaluation. @returns the series of ALERTS and ALERTS_FOR_STATE. @throws Error with a text for `lastError`. */
  async evaluate(query: RuleQuery, timeMs: number, limit: number): Promise<RuleSample[]> {
    const result = await query(this.spec.expression, timeMs);
    const found = new Map<string, Alert>();
    const drafts: RuleSample[] = [];
    for (const sample of result) {
      const alert = await this.#draft(sample, query, timeMs);
      drafts.push({ labels: alert.labels, value: alert.value });
      found.set(alert.labels.key, alert);
    }
    checkDistinct(drafts, "alert");
    const most = limit > 0 ? limit : ALERTS_PER_RULE_MAX;
    if (found.size > most) {
      this.#active.clear();
      throw new Error(`exceeded limit of ${most} with ${found.size} alerts`);
    }
    for (const [key, alert] of found) this.#takeOver(key, alert);
    for (const [key, alert] of this.#active) this.#advance(key, alert, found.has(key), timeMs);
    return this.#series();
  }

  async #draft(sample: RuleSample, query: RuleQuery, timeMs: number): Promise<Alert> {
    const labels = sample.labels.with(METRIC_NAME, "");
    const data: TemplateData = {
      ...this.#context,
      labels,
      value: sample.value,
      query: async (expression) => {
        const samples = await query(expression, timeMs);
        return samples.map((one) => ({ Labels: new Map(one.labels.entries()), Value: one.value }));
      },
    };
    let named = labels;
    for (const { name, template } of this.spec.labels) named = named.with(name, await template.expand(data));
    named = named.with("alertname", this.spec.name);
    const annotations: [string, string][] = [];
    for (const { name, template } of this.spec.annotations) annotations.push([name, await template.expand(data)]);
    return {
      state: "pending",
      labels: named,
      annotations: Labels.fromEntries(annotations),
      value: sample.value,
      activeMs: timeMs,
      resolvedMs: undefined,
      keepFiringSinceMs: undefined,
    };
  }

  #takeOver(key: string, alert: Alert): void {
    const known = this.#active.get(key);
    if (known === undefined || known.resolvedMs !== undefined) this.#active.set(key, alert);
    else {
      known.value = alert.value;
      known.annotations = alert.annotations;
    }
  }

  #advance(key: string, alert: Alert, isPresent: boolean, timeMs: number): void {
    if (!isPresent && !this.#keepsFiring(alert, timeMs)) {
      const isOld = alert.resolvedMs !== undefined && timeMs - alert.resolvedMs > RESOLVED_KEPT_MS;
      if (alert.state === "pending" || isOld) this.#active.delete(key);
      else if (alert.resolvedMs === undefined) {
        alert.state = "inactive";
        alert.resolvedMs = timeMs;
      }
      return;
    }
    if (isPresent) alert.keepFiringSinceMs = undefined;
    if (alert.state === "pending" && timeMs - alert.activeMs >= this.spec.holdMs) alert.state = "firing";
  }

  #keepsFiring(alert: Alert, timeMs: number): boolean {
    if (alert.state !== "firing" || this.spec.keepFiringMs === 0) return false;
    alert.keepFiringSinceMs ??= timeMs;
    return timeMs - alert.keepFiringSinceMs < this.spec.keepFiringMs;
  }

  #series(): RuleSample[] {
    return this.alerts.flatMap(({ labels, state, activeMs }) => [
      { labels: labels.with(METRIC_NAME, ALERTS).with("alertstate", state), value: 1 },
      { labels: labels.with(METRIC_NAME, ALERTS_FOR_STATE), value: Math.floor(activeMs / 1_000) },
    ]);
  }
}
