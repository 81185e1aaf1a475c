import type { MetricMetadata } from "./appender.ts";
import { METADATA_VARIANTS_MAX } from "./limits.ts";

/** Type, help and unit by metric name; targets may disagree, so a name can have several variants, the newest last. */
export class MetricMetadataTable {
  readonly #byMetric = new Map<string, MetricMetadata[]>();

  has(metric: string, metadata: MetricMetadata): boolean {
    return this.#byMetric.get(metric)?.some((known) => same(known, metadata)) ?? false;
  }

  add(metric: string, metadata: MetricMetadata): void {
    const known = this.#byMetric.get(metric);
    if (known === undefined) this.#byMetric.set(metric, [metadata]);
    else if (!known.some((other) => same(other, metadata))) {
      known.push(metadata);
      if (known.length > METADATA_VARIANTS_MAX) known.shift();
    }
  }

  /** Forgets metrics that no series has any more. */
  keepOnly(exists: (metric: string) => boolean): void {
    for (const metric of this.#byMetric.keys()) if (!exists(metric)) this.#byMetric.delete(metric);
  }

  all(): ReadonlyMap<string, readonly MetricMetadata[]> {
    return this.#byMetric;
  }
}

function same(left: MetricMetadata, right: MetricMetadata): boolean {
  return left.type === right.type && left.help === right.help && left.unit === right.unit;
}
