/** What one metric is. The catalogue files hold these; `docs/metrics.md` is generated from them. */
export interface MetricSpec {
  readonly type: "counter" | "gauge" | "histogram" | "info" | "summary";
  readonly labels: readonly string[];
  /** Upper bounds, ascending, without +Inf; histograms only. */
  readonly buckets?: readonly number[];
  readonly help: string;
  /** The one event, record field or reading that the value comes from. */
  readonly fedBy: string;
  /** True where samples carry `{trace_id}` in OpenMetrics. */
  readonly exemplars?: boolean;
  /**
   * How the values that several processes of one gateway have of a gauge become one: `sum` for what each holds for
   * itself (open requests), `max` for what is true where it is true anywhere, else the newest value (`last`).
   */
  readonly across?: "sum" | "max" | "last";
}

export function counter<const Labels extends readonly string[]>(labels: Labels, help: string, fedBy: string) {
  return { type: "counter", labels, help, fedBy } as const;
}

/** A gauge of which every process of the gateway knows the whole truth: the newest value counts. */
export function gauge<const Labels extends readonly string[]>(labels: Labels, help: string, fedBy: string) {
  return { type: "gauge", labels, help, fedBy } as const;
}

/** A gauge of what each process holds for itself; processes add up. */
export function sharedGauge<const Labels extends readonly string[]>(labels: Labels, help: string, fedBy: string) {
  return { type: "gauge", labels, help, fedBy, across: "sum" } as const;
}

/** A gauge where the highest of the processes counts. */
export function highestGauge<const Labels extends readonly string[]>(labels: Labels, help: string, fedBy: string) {
  return { type: "gauge", labels, help, fedBy, across: "max" } as const;
}

export function info<const Labels extends readonly string[]>(labels: Labels, help: string, fedBy: string) {
  return { type: "info", labels, help, fedBy } as const;
}

/** Count and sum without quantiles, as the Python client writes its summaries. */
export function summary<const Labels extends readonly string[]>(labels: Labels, help: string, fedBy: string) {
  return { type: "summary", labels, help, fedBy } as const;
}

export function histogram<const Labels extends readonly string[]>(
  labels: Labels,
  buckets: readonly number[],
  help: string,
  fedBy: string,
) {
  return { type: "histogram", labels, buckets, help, fedBy } as const;
}

/** The same metric, with trace ids on its samples. */
export function withExemplars<Spec extends MetricSpec>(spec: Spec): Spec & { readonly exemplars: true } {
  return { ...spec, exemplars: true };
}
