/** What one metric is. The catalogue files hold these; `docs/reference/metrics.md` lists the same, compared by a test. */
export interface MetricSpec {
  readonly type: "counter" | "gauge" | "histogram" | "info" | "summary";
  readonly labels: readonly string[];
  /** Upper bounds, ascending, without +Inf; histograms only. */
  readonly buckets?: readonly number[];
  readonly help: string;
  /** Where the value comes from, or why there is none: a name without a fact behind it exports no series. */
  readonly source: { readonly fed: string } | { readonly off: string };
  /** True where samples carry `{trace_id}` in OpenMetrics. */
  readonly exemplars?: boolean;
}

const fed = (text: string): { fed: string } => ({ fed: text });

/** Marks a metric that is declared for compatibility and has no fact behind it; `reason` goes into the reference. */
export function off(reason: string): { off: string } {
  return { off: reason };
}

type Source = string | { readonly off: string };

function sourceOf(source: Source): MetricSpec["source"] {
  return typeof source === "string" ? fed(source) : source;
}

export function counter<const Labels extends readonly string[]>(labels: Labels, help: string, source: Source) {
  return { type: "counter", labels, help, source: sourceOf(source) } as const;
}

export function gauge<const Labels extends readonly string[]>(labels: Labels, help: string, source: Source) {
  return { type: "gauge", labels, help, source: sourceOf(source) } as const;
}

export function info<const Labels extends readonly string[]>(labels: Labels, help: string, source: Source) {
  return { type: "info", labels, help, source: sourceOf(source) } as const;
}

export function summary<const Labels extends readonly string[]>(labels: Labels, help: string, source: Source) {
  return { type: "summary", labels, help, source: sourceOf(source) } as const;
}

export function histogram<const Labels extends readonly string[]>(
  labels: Labels,
  buckets: readonly number[],
  help: string,
  source: Source,
) {
  return { type: "histogram", labels, buckets, help, source: sourceOf(source) } as const;
}

/** The same metric, with trace ids on its samples. */
export function withExemplars<Spec extends MetricSpec>(spec: Spec): Spec & { readonly exemplars: true } {
  return { ...spec, exemplars: true };
}
