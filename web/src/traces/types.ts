/** A value of a span's attribute. */
export type AttributeValue = string | number | boolean | AttributeValue[];

export interface SpanEvent {
  name: string;
  timeMs: number;
  attributes: Record<string, AttributeValue>;
}

/** One span, with its resource folded in. Times are Unix ms with fractions, durations ms. */
export interface Span {
  traceId: string;
  spanId: string;
  parentId: string;
  name: string;
  service: string;
  kind: string;
  startMs: number;
  durationMs: number;
  isError: boolean;
  statusMessage: string;
  attributes: Record<string, AttributeValue>;
  resource: Record<string, AttributeValue>;
  scope: string;
  events: SpanEvent[];
  links: { traceId: string; spanId: string }[];
}

/** A span at its place in the tree. */
export interface TraceRow {
  span: Span;
  depth: number;
  childCount: number;
  /** Index path of the parent row in the flat list, -1 at the top. */
  parentIndex: number;
}

/** A whole trace, spans flattened depth first. */
export interface Trace {
  traceId: string;
  startMs: number;
  durationMs: number;
  rootName: string;
  rootService: string;
  services: string[];
  errorCount: number;
  rows: TraceRow[];
}
