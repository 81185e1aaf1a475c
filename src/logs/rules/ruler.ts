import { Counter, Gauge, type Registry } from "prom-client";
import type { Logger } from "../../runtime/logger.ts";
import { Labels, METRIC_NAME } from "../../series/labels.ts";
import { evaluateMetric } from "../query/evaluate.ts";
import type { QueryGate } from "../query/query-gate.ts";
import type { MetricResult } from "../query/result.ts";
import type { LogStore } from "../store/store.ts";
import type { RemoteWriter, Sample } from "./remote-write.ts";
import type { RecordingRule, RuleGroup } from "./rule-file.ts";

/** The first evaluation waits this long, so that a start is not slowed and the first lines are there. */
const FIRST_DELAY_MS = 3_000;

/** How the last evaluation of a rule went. */
export interface RuleState {
  health: "unknown" | "ok" | "err";
  lastError: string;
  lastEvaluationMs: number;
  evaluationSeconds: number;
  /** Series that the last evaluation wrote, by label set; those that vanish get a staleness marker. */
  series: Map<string, Labels>;
}

export interface RulerOptions {
  readonly store: LogStore;
  readonly gate: QueryGate;
  readonly groups: readonly RuleGroup[];
  /** Where results go; undefined leaves the rules listed but not evaluated. */
  readonly writer: RemoteWriter | undefined;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly signal: AbortSignal;
}

/** Evaluates recording rules group by group, each at its interval, and hands the results to remote write. */
export class Ruler {
  readonly groups: readonly RuleGroup[];
  readonly #options: RulerOptions;
  readonly #states = new Map<RecordingRule, RuleState>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #running = new Set<RuleGroup>();
  readonly #evaluations: Counter;
  readonly #failures: Counter;
  readonly #missed: Counter;

  constructor(options: RulerOptions) {
    this.#options = options;
    this.groups = options.groups;
    const registers = [options.registry];
    const counter = (name: string, help: string) => new Counter({ name, help, labelNames: ["rule_group"], registers });
    this.#evaluations = counter("loki_prometheus_rule_evaluations_total", "Rule evaluations.");
    this.#failures = counter("loki_prometheus_rule_evaluation_failures_total", "Rule evaluations that failed.");
    this.#missed = counter(
      "loki_prometheus_rule_group_iterations_missed_total",
      "Rounds skipped: the last one still ran.",
    );
    const rules = new Gauge({
      name: "loki_prometheus_rule_group_rules",
      help: "Rules of a group.",
      labelNames: ["rule_group"],
      registers,
    });
    for (const { name, rules: list } of this.groups) rules.set({ rule_group: name }, list.length);
  }

  start(): void {
    if (this.#options.writer === undefined) return;
    for (const group of this.groups) {
      const first = setTimeout(() => {
        void this.evaluateGroup(group);
        const timer = setInterval(() => void this.evaluateGroup(group), group.intervalMs);
        timer.unref();
        this.#timers.push(timer);
      }, FIRST_DELAY_MS);
      first.unref();
      this.#timers.push(first);
    }
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  stateOf(rule: RecordingRule): RuleState {
    let state = this.#states.get(rule);
    if (state === undefined) {
      state = { health: "unknown", lastError: "", lastEvaluationMs: 0, evaluationSeconds: 0, series: new Map() };
      this.#states.set(rule, state);
    }
    return state;
  }

  /** One round of a group; a round that is still running makes this one be skipped. Never throws. */
  async evaluateGroup(group: RuleGroup, nowMs = Date.now()): Promise<void> {
    if (this.#running.has(group)) {
      this.#missed.inc({ rule_group: group.name });
      return;
    }
    this.#running.add(group);
    for (const rule of group.rules) {
      if (this.#options.signal.aborted) break;
      await this.#evaluateRule(group, rule, nowMs);
    }
    this.#running.delete(group);
  }

  async #evaluateRule(group: RuleGroup, rule: RecordingRule, nowMs: number): Promise<void> {
    const state = this.stateOf(rule);
    const startedAt = performance.now();
    this.#evaluations.inc({ rule_group: group.name });
    try {
      const { store, gate, signal, writer } = this.#options;
      const grid = { startMs: nowMs, stepMs: 1, steps: 1 };
      const result = await gate.run(signal, (run) => evaluateMetric(store, rule.expr, grid, run));
      writer?.enqueue(toSamples(rule, result, nowMs, state));
      state.health = "ok";
      state.lastError = "";
    } catch (error) {
      if (this.#options.signal.aborted) return;
      const message = (error as Error).message;
      this.#failures.inc({ rule_group: group.name });
      if (state.health !== "err")
        this.#options.logger.warn({ rule: rule.record, error: message }, "recording rule failed");
      state.health = "err";
      state.lastError = message;
    } finally {
      state.lastEvaluationMs = nowMs;
      state.evaluationSeconds = (performance.now() - startedAt) / 1_000;
    }
  }
}

function toSamples(rule: RecordingRule, result: MetricResult, timestampMs: number, state: RuleState): Sample[] {
  const samples: Sample[] = [];
  const seen = new Map<string, Labels>();
  const add = (own: Labels, value: number): void => {
    const labels = Labels.fromEntries([...own.entries(), ...Object.entries(rule.labels), [METRIC_NAME, rule.record]]);
    seen.set(labels.key, labels);
    samples.push({ labels, timestampMs, value });
  };
  if (result.kind === "scalar") add(Labels.EMPTY, result.value);
  else for (const { labels, values } of result.series) add(labels, values[0]!);
  for (const [key, labels] of state.series) if (!seen.has(key)) samples.push({ labels, timestampMs, value: "stale" });
  state.series = seen;
  return samples;
}
