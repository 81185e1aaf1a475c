import type { AggregateOp, IntrinsicName, MetricsOp, Static } from "./ast.ts";

/** Words that name an intrinsic, scoped and not; several words may mean the same. */
export const INTRINSIC_WORDS: Readonly<Record<string, IntrinsicName>> = {
  duration: "duration",
  childCount: "childCount",
  name: "name",
  status: "status",
  statusMessage: "statusMessage",
  kind: "kind",
  parent: "parent",
  rootName: "rootName",
  rootServiceName: "rootServiceName",
  traceDuration: "traceDuration",
  nestedSetLeft: "nestedSetLeft",
  nestedSetRight: "nestedSetRight",
  nestedSetParent: "nestedSetParent",
  "trace:duration": "traceDuration",
  "trace:rootName": "rootName",
  "trace:rootService": "rootServiceName",
  "trace:id": "trace:id",
  "span:duration": "duration",
  "span:name": "name",
  "span:status": "status",
  "span:statusMessage": "statusMessage",
  "span:kind": "kind",
  "span:childCount": "childCount",
  "span:id": "span:id",
  "span:parentID": "span:parentID",
  "event:name": "event:name",
  "event:timeSinceStart": "event:timeSinceStart",
  "link:traceID": "link:traceID",
  "link:spanID": "link:spanID",
  "instrumentation:name": "instrumentation:name",
  "instrumentation:version": "instrumentation:version",
};

const word = (valueType: "status" | "kind", value: string): Static => ({ type: "static", valueType, value });

/** Words that are values. */
export const STATIC_WORDS: Readonly<Record<string, Static>> = {
  true: { type: "static", valueType: "bool", value: true },
  false: { type: "static", valueType: "bool", value: false },
  nil: { type: "static", valueType: "nil", value: null },
  ok: word("status", "ok"),
  error: word("status", "error"),
  unset: word("status", "unset"),
  unspecified: word("kind", "unspecified"),
  internal: word("kind", "internal"),
  server: word("kind", "server"),
  client: word("kind", "client"),
  producer: word("kind", "producer"),
  consumer: word("kind", "consumer"),
};

export const AGGREGATES: ReadonlySet<string> = new Set<AggregateOp>(["count", "avg", "min", "max", "sum"]);

export const METRICS: ReadonlySet<string> = new Set<MetricsOp>([
  "rate",
  "count_over_time",
  "min_over_time",
  "max_over_time",
  "avg_over_time",
  "sum_over_time",
  "quantile_over_time",
  "histogram_over_time",
  "compare",
]);

/** Words of the language that are none of the above. */
export const OTHER_WORDS: ReadonlySet<string> = new Set(["by", "coalesce", "select", "with", "topk", "bottomk"]);
