import { formatG } from "../../../series/format-value.ts";
import type { Position } from "../ast.ts";
import { lineAndColumn } from "../error.ts";

type Level = "warning" | "info";
/** What was done when histograms met that do not fit. */
export type HistogramOperation = "addition" | "subtraction" | "aggregation";

interface Entry {
  readonly level: Level;
  position: Position;
  /** The part behind the sentence that is only known at the end. */
  detail(): string;
}

/** Ranges of what had to be forced to be monotonic, over all samples with the same sentence. */
interface ForcedMonotonicity {
  minTimeMs: number;
  maxTimeMs: number;
  minBucket: number;
  maxBucket: number;
  maxDifference: number;
  samples: number;
}

/**
 * The warnings and infos of one query, each sentence once (the place of the last one counts).
 * The wording is Prometheus' (util/annotations), because people and tests match it.
 */
export class Annotations {
  readonly #entries = new Map<string, Entry>();
  readonly #forced = new Map<string, ForcedMonotonicity>();
  readonly #overlaps = new Map<string, number>();

  /** Complete sentences with the place in the query, such as `PromQL warning: … (1:6)`. */
  render(query: string): { warnings: string[]; infos: string[] } {
    const warnings: string[] = [];
    const infos: string[] = [];
    for (const [sentence, entry] of this.#entries) {
      const text = `${sentence}${entry.detail()} (${lineAndColumn(query, entry.position.start)})`;
      (entry.level === "warning" ? warnings : infos).push(text);
    }
    return { warnings, infos };
  }

  #add(level: Level, sentence: string, position: Position, detail: () => string = () => ""): void {
    this.#entries.set(`PromQL ${level}: ${sentence}`, { level, position, detail });
  }

  invalidQuantile(value: number, position: Position): void {
    this.#add("warning", `quantile value should be between 0 and 1, got ${formatG(value)}`, position);
  }

  invalidRatio(value: number, cappedTo: number, position: Position): void {
    const got = `got ${formatG(value)}, capping to ${formatG(cappedTo)}`;
    this.#add("warning", `ratio value should be between -1 and 1, ${got}`, position);
  }

  badBucketLabel(metric: string, label: string, position: Position): void {
    const sentence = `bucket label "le" is missing or has a malformed value of ${JSON.stringify(label)}`;
    this.#add("warning", sentence + forMetric(metric), position);
  }

  mixedFloatsHistograms(metric: string, position: Position): void {
    const sentence = `encountered a mix of histograms and floats for metric name ${JSON.stringify(metric)}`;
    this.#add("warning", sentence, position);
  }

  mixedFloatsHistogramsInAggregation(position: Position): void {
    this.#add("warning", "encountered a mix of histograms and floats for aggregation", position);
  }

  mixedClassicNativeHistograms(metric: string, position: Position): void {
    this.#add("warning", `vector contains a mix of classic and native histograms${forMetric(metric)}`, position);
  }

  histogramNotCounter(metric: string, position: Position): void {
    this.#add("warning", `this native histogram metric is not a counter: ${JSON.stringify(metric)}`, position);
  }

  histogramNotGauge(metric: string, position: Position): void {
    this.#add("warning", `this native histogram metric is not a gauge: ${JSON.stringify(metric)}`, position);
  }

  mixedBucketSchemas(metric: string, position: Position): void {
    const mix = "vector contains a mix of histograms with exponential and custom buckets schemas";
    this.#add("warning", `${mix} for metric name ${JSON.stringify(metric)}`, position);
  }

  incompatibleBucketLayout(operator: string, position: Position): void {
    this.#add("warning", `incompatible bucket layout encountered for binary operator ${operator}`, position);
  }

  sortInRangeQuery(position: Position): void {
    const sentence = "sort is ineffective for range queries since results are always ordered by labels";
    this.#add("warning", sentence, position);
  }

  counterResetCollision(operation: HistogramOperation, position: Position): void {
    this.#add("warning", `conflicting counter resets during histogram ${operation}`, position);
  }

  startTimeOverlap(metric: string, position: Position): void {
    const sentence = "sample has start time that overlaps with previous sample timestamp";
    const key = `${sentence} for metric ${JSON.stringify(metric)}`;
    const count = (this.#overlaps.get(key) ?? 0) + 1;
    this.#overlaps.set(key, count);
    this.#add("warning", key, position, () => (count > 1 ? ` (${count} occurrences)` : ""));
  }

  possibleNonCounter(metric: string, position: Position): void {
    const sentence = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket:";
    this.#add("info", `${sentence} ${JSON.stringify(metric)}`, position);
  }

  incompatibleTypes(left: string, operator: string, right: string, position: Position): void {
    const sentence = `incompatible sample types encountered for binary operator ${JSON.stringify(operator)}`;
    this.#add("info", `${sentence}: ${left} ${operator} ${right}`, position);
  }

  histogramIgnoredInAggregation(aggregation: string, position: Position): void {
    this.#add("info", `ignored histogram in ${aggregation} aggregation`, position);
  }

  histogramIgnoredInMixedRange(metric: string, position: Position): void {
    const sentence = "ignored histograms in a range containing both floats and histograms for metric name";
    this.#add("info", `${sentence} ${JSON.stringify(metric)}`, position);
  }

  quantileOfNaNs(metric: string, result: "result is NaN" | "result is skewed higher", position: Position): void {
    const sentence = `input to histogram_quantile has NaN observations, ${result}`;
    this.#add("info", sentence + forMetric(metric), position);
  }

  fractionOfNaNs(metric: string, position: Position): void {
    const sentence = "input to histogram_fraction has NaN observations, which are excluded from all fractions";
    this.#add("info", sentence + forMetric(metric), position);
  }

  mismatchedCustomBuckets(operation: HistogramOperation, position: Position): void {
    this.#add("info", `mismatched custom buckets were reconciled during ${operation}`, position);
  }

  /** `buckets` are the least and greatest upper bound that had to be fixed, `difference` the greatest decrease. */
  forcedMonotonicity(
    metric: string,
    position: Position,
    timeMs: number,
    buckets: { min: number; max: number; difference: number },
  ): void {
    const page = "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile";
    const key = `input to histogram_quantile needed to be fixed for monotonicity (see ${page})${forMetric(metric)}`;
    const earlier = this.#forced.get(key);
    const merged: ForcedMonotonicity = {
      minTimeMs: Math.min(timeMs, earlier?.minTimeMs ?? timeMs),
      maxTimeMs: Math.max(timeMs, earlier?.maxTimeMs ?? timeMs),
      minBucket: Math.min(buckets.min, earlier?.minBucket ?? buckets.min),
      maxBucket: Math.max(buckets.max, earlier?.maxBucket ?? buckets.max),
      maxDifference: Math.max(buckets.difference, earlier?.maxDifference ?? 0),
      samples: (earlier?.samples ?? 0) + 1,
    };
    this.#forced.set(key, merged);
    this.#add("info", key, position, () => describeForced(merged));
  }
}

function forMetric(metric: string): string {
  return metric === "" ? "" : ` for metric name ${JSON.stringify(metric)}`;
}

function describeForced(forced: ForcedMonotonicity): string {
  const buckets = `from buckets ${formatG(forced.minBucket)} to ${formatG(forced.maxBucket)}`;
  const difference = formatG(Number(forced.maxDifference.toPrecision(2)));
  const times = `from ${rfc3339(forced.minTimeMs)} to ${rfc3339(forced.maxTimeMs)}`;
  return `, ${buckets}, with a max diff of ${difference}, over ${forced.samples} samples ${times}`;
}

/** Whole seconds, UTC, as Go's RFC3339. */
function rfc3339(timeMs: number): string {
  const date = new Date(Math.floor(timeMs / 1000) * 1000);
  return Number.isNaN(date.getTime()) ? String(timeMs) : date.toISOString().replace(".000Z", "Z");
}
