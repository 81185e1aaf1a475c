import { createHash } from "node:crypto";
import type { Logger } from "../../runtime/logger.ts";
import type { Labels } from "../../series/labels.ts";
import { AppendError } from "../store/append-error.ts";
import type { Appender } from "../store/appender.ts";
import { ALERTS_FOR_STATE, AlertingRule, type TemplateContext } from "./alerting-rule.ts";
import { RecordingRule } from "./recording-rule.ts";
import type { RuleQuery, RuleSample } from "./rule.ts";
import type { RuleGroupSpec } from "./rule-file.ts";
import type { RuleMetrics } from "./rule-metrics.ts";

export type Rule = RecordingRule | AlertingRule;

/** An alert's age survives a restart when the server was away for less than this; as Prometheus' `for-outage-tolerance`. */
const RESTORE_WITHIN_MS = 3_600_000;

interface RuleGroupOptions {
  readonly spec: RuleGroupSpec;
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  readonly context: TemplateContext;
  readonly query: RuleQuery;
  readonly appender: () => Appender;
  readonly metrics: RuleMetrics;
  readonly logger: Logger;
  /** Unix ms; the machine's clock when absent. */
  readonly now?: () => number;
}

/** Rules that are evaluated one after the other at one interval, so that a later one sees what an earlier one wrote. */
export class RuleGroup {
  readonly spec: RuleGroupSpec;
  readonly intervalMs: number;
  readonly rules: readonly Rule[];
  lastEvaluationMs = 0;
  evaluationSeconds = 0;
  readonly #options: RuleGroupOptions;
  readonly #now: () => number;
  /** Series that each rule wrote last, by label key: what is missing next time becomes stale. */
  #written: Map<string, WrittenSeries>[];
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #needsRestore = true;
  #storeFailed = false;

  constructor(options: RuleGroupOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.spec = options.spec;
    this.intervalMs = options.intervalMs;
    this.rules = options.spec.rules.map((rule) =>
      rule.kind === "recording" ? new RecordingRule(rule) : new AlertingRule(rule, options.context),
    );
    this.#written = this.rules.map(() => new Map());
  }

  /** File and name together, unique in a configuration; also the value of the label `rule_group`. */
  get key(): string {
    return `${this.spec.file};${this.spec.name}`;
  }

  /** Takes over alerts and written series of the same group before a reload. */
  inherit(from: RuleGroup): void {
    this.#needsRestore = from.#needsRestore;
    const unused = new Set(from.rules.keys());
    for (const [index, rule] of this.rules.entries()) {
      for (const old of unused) {
        const before = from.rules[old]!;
        if (before.kind !== rule.kind || before.spec.name !== rule.spec.name) continue;
        if (rule.kind === "alerting" && before.kind === "alerting") rule.inherit(before);
        this.#written[index] = from.#written[old]!;
        unused.delete(old);
        break;
      }
    }
    // What rules wrote that are gone becomes stale with the first evaluation of the first rule.
    for (const old of unused) {
      for (const [key, series] of from.#written[old]!) this.#written[0]?.set(key, series);
    }
  }

  start(): void {
    this.#options.metrics.start(this.key, this.intervalMs, this.rules.length);
    this.#schedule(this.#nextSlot(this.#now()));
  }

  /** Ends the evaluations. @param isGone true marks what the group wrote stale. */
  async stop(isGone: boolean): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    if (!isGone) return;
    this.#options.metrics.forget(this.key);
    const appender = this.#options.appender();
    for (const written of this.#written)
      for (const series of written.values()) this.#appendStale(appender, series, this.#now());
    await this.#commit(appender);
  }

  /** Groups are spread over their interval by their name, at the same times after every restart. */
  #nextSlot(nowMs: number): number {
    const offsetMs = createHash("md5").update(this.key).digest().readUInt32BE(0) % this.intervalMs;
    return nowMs - ((((nowMs - offsetMs) % this.intervalMs) + this.intervalMs) % this.intervalMs) + this.intervalMs;
  }

  #schedule(atMs: number): void {
    if (this.#stopped) return;
    const waitMs = Math.min(Math.max(0, atMs - this.#now()), this.intervalMs);
    this.#timer = setTimeout(() => {
      this.#running = this.evaluate(atMs)
        .catch((error: Error) => {
          this.#options.logger.error({ error: error.message, stack: error.stack, group: this.spec.name }, "rule group");
        })
        .then(() => this.#afterEvaluation(atMs));
    }, waitMs);
  }

  #afterEvaluation(atMs: number): void {
    const { metrics } = this.#options;
    const missed = Math.max(0, Math.floor((this.#now() - atMs) / this.intervalMs));
    metrics.iterations.inc({ rule_group: this.key }, 1 + missed);
    if (missed > 0) metrics.missed.inc({ rule_group: this.key }, missed);
    this.#schedule(this.#nextSlot(this.#now()));
  }

  /** Evaluates all rules at `timeMs`; a rule that fails leaves the others alone. */
  async evaluate(timeMs: number): Promise<void> {
    const { metrics } = this.#options;
    const clock = performance.now();
    let samples = 0;
    for (const [index, rule] of this.rules.entries()) {
      if (this.#stopped) return;
      samples += await this.#evaluateRule(rule, index, timeMs);
    }
    if (this.#needsRestore) {
      this.#needsRestore = false;
      for (const rule of this.rules)
        if (rule.kind === "alerting" && rule.spec.holdMs > 0) await this.#restore(rule, timeMs);
    }
    this.lastEvaluationMs = timeMs;
    this.evaluationSeconds = (performance.now() - clock) / 1_000;
    metrics.groupDuration.observe(this.evaluationSeconds);
    metrics.lastTimestamp.set({ rule_group: this.key }, timeMs / 1_000);
    metrics.lastDuration.set({ rule_group: this.key }, this.evaluationSeconds);
    metrics.lastSamples.set({ rule_group: this.key }, samples);
  }

  async #evaluateRule(rule: Rule, index: number, timeMs: number): Promise<number> {
    const { metrics, query, logger } = this.#options;
    const clock = performance.now();
    const atMs = timeMs - this.#options.queryOffsetMs;
    const wasFailing = rule.status.health === "err";
    try {
      const samples = await rule.evaluate(query, atMs, this.spec.limit);
      await this.#write(index, samples, atMs);
      rule.status.health = "ok";
      rule.status.lastError = "";
      return samples.length;
    } catch (error) {
      // A query that shutdown cut off says nothing about the rule.
      if (this.#stopped) return 0;
      rule.status.health = "err";
      rule.status.lastError = (error as Error).message;
      metrics.failures.inc({ rule_group: this.key });
      if (!wasFailing) {
        const line = { group: this.spec.name, rule: rule.spec.name, error: rule.status.lastError };
        logger.warn(line, "Evaluating rule failed");
      }
      return 0;
    } finally {
      rule.status.evaluationSeconds = (performance.now() - clock) / 1_000;
      rule.status.lastEvaluationMs = timeMs;
      metrics.evaluations.inc({ rule_group: this.key });
      metrics.evaluationDuration.observe(rule.status.evaluationSeconds);
    }
  }

  async #write(index: number, samples: readonly RuleSample[], timeMs: number): Promise<void> {
    const before = this.#written[index]!;
    const after = new Map<string, WrittenSeries>();
    const appender = this.#options.appender();
    for (const { labels, value } of samples) {
      const series = { labels, ref: before.get(labels.key)?.ref ?? 0 };
      if (this.#append(() => void (series.ref = appender.append(series.ref, labels, timeMs, value)))) {
        after.set(labels.key, series);
      }
    }
    for (const [key, series] of before) if (!after.has(key)) this.#appendStale(appender, series, timeMs);
    this.#written[index] = after;
    await this.#commit(appender);
  }

  #appendStale(appender: Appender, { ref, labels }: WrittenSeries, timeMs: number): void {
    this.#append(() => void appender.appendStale(ref, labels, timeMs));
  }

  /** A sample that the store refuses costs that sample and not the rule; it is logged. */
  #append(append: () => void): boolean {
    try {
      append();
      return true;
    } catch (error) {
      if (!(error instanceof AppendError)) throw error;
      this.#options.logger.debug({ group: this.spec.name, error: error.message }, "rule result sample refused");
      return false;
    }
  }

  async #commit(appender: Appender): Promise<void> {
    try {
      await appender.commit();
      this.#storeFailed = false;
    } catch (error) {
      if (!this.#storeFailed) {
        this.#options.logger.error({ group: this.spec.name, error: (error as Error).message }, "rule commit failed");
      }
      this.#storeFailed = true;
    }
  }

  /** After a restart: an alert that was active before goes on counting from then. */
  async #restore(rule: AlertingRule, timeMs: number): Promise<void> {
    const name = JSON.stringify(rule.spec.name);
    const expression = `last_over_time(${ALERTS_FOR_STATE}{alertname=${name}}[${RESTORE_WITHIN_MS}ms] offset 1ms)`;
    for (const { labels, value } of await this.#options.query(expression, timeMs)) {
      rule.restore(labels.with("__name__", ""), value * 1_000);
    }
  }
}

interface WrittenSeries {
  readonly labels: Labels;
  ref: number;
}
