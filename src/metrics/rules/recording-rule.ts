import { METRIC_NAME } from "../../series/labels.ts";
import { checkDistinct, type RuleQuery, type RuleSample, type RuleStatus, unknownStatus } from "./rule.ts";
import type { RecordingSpec } from "./rule-file.ts";

/** Stores the result of an expression as series of its own. */
export class RecordingRule {
  readonly kind = "recording";
  readonly spec: RecordingSpec;
  readonly status: RuleStatus = unknownStatus();

  constructor(spec: RecordingSpec) {
    this.spec = spec;
  }

  /** @throws Error with a text for `lastError`. */
  async evaluate(query: RuleQuery, timeMs: number, limit: number): Promise<RuleSample[]> {
    const result = await query(this.spec.expression, timeMs);
    const samples = result.map(({ labels, value }) => {
      let named = labels.with(METRIC_NAME, this.spec.name);
      for (const [name, text] of this.spec.labels) named = named.with(name, text);
      return { labels: named, value };
    });
    checkDistinct(samples, "rule");
    if (limit > 0 && samples.length > limit) {
      throw new Error(`exceeded limit of ${limit} with ${samples.length} series`);
    }
    return samples;
  }
}
