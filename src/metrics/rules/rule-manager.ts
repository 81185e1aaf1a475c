import { ConfigError } from "../../config/config-error.ts";
import type { PromqlEngine } from "../../languages/promql/engine.ts";
import type { Logger } from "../../runtime/logger.ts";
import { Labels } from "../../series/labels.ts";
import type { Queryable } from "../../series/queryable.ts";
import type { MetricsConfig } from "../config/config-types.ts";
import { expandGlob } from "../config/glob.ts";
import { RULE_GROUPS_MAX } from "../limits.ts";
import type { Appender } from "../store/appender.ts";
import type { RuleQuery } from "./rule.ts";
import { loadRuleFile, type RuleGroupSpec } from "./rule-file.ts";
import { RuleGroup } from "./rule-group.ts";
import type { RuleMetrics } from "./rule-metrics.ts";

interface RuleManagerOptions {
  readonly engine: PromqlEngine;
  readonly queryable: Queryable;
  readonly appender: () => Appender;
  readonly metrics: RuleMetrics;
  readonly logger: Logger;
  /** For links in templates. */
  readonly externalUrl: string;
}

/** All rule groups of the configuration. A reload keeps alerts and series of groups that stay. */
export class RuleManager {
  readonly #options: RuleManagerOptions;
  readonly #groups = new Map<string, RuleGroup>();
  readonly #stopping = new AbortController();

  constructor(options: RuleManagerOptions) {
    this.#options = options;
  }

  get groups(): RuleGroup[] {
    return [...this.#groups.values()];
  }

  /** Reads the rule files of a configuration without changing anything. @throws ConfigError */
  async load(config: MetricsConfig): Promise<RuleGroupSpec[]> {
    const files = new Set<string>();
    for (const pattern of config.ruleFiles) for (const file of await expandGlob(pattern)) files.add(file);
    const specs: RuleGroupSpec[] = [];
    for (const file of files) specs.push(...(await loadRuleFile(file)));
    if (specs.length > RULE_GROUPS_MAX) {
      throw new ConfigError(`${specs.length} rule groups; the limit is ${RULE_GROUPS_MAX}`);
    }
    return specs;
  }

  /** Runs these groups from now on. */
  async apply(config: MetricsConfig, specs: readonly RuleGroupSpec[]): Promise<void> {
    const { externalLabels, evaluationIntervalMs, ruleQueryOffsetMs } = config.global;
    const context = { externalLabels, externalUrl: this.#options.externalUrl };
    const next = specs.map((spec) => {
      return new RuleGroup({
        ...this.#options,
        spec,
        context,
        query: this.#query,
        intervalMs: spec.intervalMs ?? evaluationIntervalMs,
        queryOffsetMs: spec.queryOffsetMs ?? ruleQueryOffsetMs,
      });
    });
    const wanted = new Set(next.map(({ key }) => key));
    for (const [key, group] of this.#groups) {
      if (wanted.has(key)) continue;
      this.#groups.delete(key);
      await group.stop(true);
    }
    for (const group of next) {
      const before = this.#groups.get(group.key);
      await before?.stop(false);
      if (before !== undefined) group.inherit(before);
      this.#groups.set(group.key, group);
      group.start();
    }
  }

  async stop(): Promise<void> {
    const stopped = this.groups.map((group) => group.stop(false));
    this.#stopping.abort();
    await Promise.all(stopped);
  }

  readonly #query: RuleQuery = async (expression, timeMs) => {
    const { engine, queryable } = this.#options;
    const { value } = await engine.instant(queryable, expression, timeMs, { signal: this.#stopping.signal });
    if (value.type === "scalar") return [{ labels: Labels.EMPTY, value: value.value }];
    if (value.type !== "vector") throw new Error("rule result is not a vector or scalar");
    return value.samples.filter(({ histogram }) => histogram === undefined);
  };
}
