import { Counter, Gauge, type Registry, Summary } from "prom-client";

/** What Prometheus says about its rules, under the same names. `rule_group` is `<file>;<group>`. */
export class RuleMetrics {
  readonly evaluationDuration: Summary;
  readonly groupDuration: Summary;
  readonly evaluations: Counter;
  readonly failures: Counter;
  readonly iterations: Counter;
  readonly missed: Counter;
  readonly interval: Gauge;
  readonly lastTimestamp: Gauge;
  readonly lastDuration: Gauge;
  readonly lastSamples: Gauge;
  readonly rules: Gauge;

  constructor(registry: Registry) {
    const base = { registers: [registry], labelNames: ["rule_group"] };
    const summary = (name: string, help: string): Summary =>
      new Summary({
        name,
        help,
        registers: [registry],
        percentiles: [0.5, 0.9, 0.99],
        maxAgeSeconds: 600,
        ageBuckets: 5,
      });
    this.evaluationDuration = summary(
      "prometheus_rule_evaluation_duration_seconds",
      "The duration for a rule to execute.",
    );
    this.groupDuration = summary("prometheus_rule_group_duration_seconds", "The duration of rule group evaluations.");
    this.evaluations = new Counter({
      ...base,
      name: "prometheus_rule_evaluations_total",
      help: "The total number of rule evaluations.",
    });
    this.failures = new Counter({
      ...base,
      name: "prometheus_rule_evaluation_failures_total",
      help: "The total number of rule evaluation failures.",
    });
    this.iterations = new Counter({
      ...base,
      name: "prometheus_rule_group_iterations_total",
      help: "The total number of scheduled rule group evaluations, whether executed or missed.",
    });
    this.missed = new Counter({
      ...base,
      name: "prometheus_rule_group_iterations_missed_total",
      help: "The total number of rule group evaluations missed due to slow rule group evaluation.",
    });
    this.interval = new Gauge({
      ...base,
      name: "prometheus_rule_group_interval_seconds",
      help: "The interval of a rule group.",
    });
    this.lastTimestamp = new Gauge({
      ...base,
      name: "prometheus_rule_group_last_evaluation_timestamp_seconds",
      help: "The timestamp of the last rule group evaluation in seconds.",
    });
    this.lastDuration = new Gauge({
      ...base,
      name: "prometheus_rule_group_last_duration_seconds",
      help: "The duration of the last rule group evaluation.",
    });
    this.lastSamples = new Gauge({
      ...base,
      name: "prometheus_rule_group_last_evaluation_samples",
      help: "The number of samples returned during the last rule group evaluation.",
    });
    this.rules = new Gauge({ ...base, name: "prometheus_rule_group_rules", help: "The number of rules." });
  }

  start(group: string, intervalMs: number, rules: number): void {
    this.interval.set({ rule_group: group }, intervalMs / 1_000);
    this.rules.set({ rule_group: group }, rules);
    this.evaluations.inc({ rule_group: group }, 0);
    this.failures.inc({ rule_group: group }, 0);
    this.missed.inc({ rule_group: group }, 0);
  }

  /** Removes the series of a group that is no longer configured. */
  forget(group: string): void {
    for (const metric of [
      this.evaluations,
      this.failures,
      this.iterations,
      this.missed,
      this.interval,
      this.lastTimestamp,
      this.lastDuration,
      this.lastSamples,
      this.rules,
    ]) {
      metric.remove({ rule_group: group });
    }
  }
}
