import { boundedLabel } from "./labels.ts";

/** Upper-case Python names, which existing queries compare with. */
export type Level = "INFO" | "WARNING" | "ERROR";

export interface LogLine {
  /** Unix ms, with fractions. */
  readonly atMs: number;
  readonly level: Level;
  /** Part of the gateway that speaks, such as `gateway.stream`. */
  readonly logger: string;
  readonly message: string;
  /** Stream labels beside the constant ones; each has few values. Undefined ones are left out. */
  readonly labels: Readonly<Record<LineLabel, string | undefined>>;
  /** Structured metadata: what is looked up but has too many values for a label. */
  readonly metadata: Readonly<Record<string, string | undefined>>;
  /** Further fields of the line. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export const LINE_LABELS = ["provider", "model", "error_type", "method", "path"] as const;
export type LineLabel = (typeof LINE_LABELS)[number];

export const NO_LABELS: LogLine["labels"] = {
  provider: undefined,
  model: undefined,
  error_type: undefined,
  method: undefined,
  path: undefined,
};

const UNESCAPED_CONTROL = /[\u007f-\u009f\u2028\u2029]/;

/** The line's text: one JSON object (contract section 7), without any character that a terminal would act on. */
export function lineText(line: LogLine): string {
  const { trace_id, span_id, request_id, user_id } = line.metadata;
  const text = JSON.stringify({
    timestamp: new Date(line.atMs).toISOString(),
    level: line.level,
    logger: line.logger,
    message: line.message,
    trace_id,
    span_id,
    request_id,
    user_id,
    ...line.labels,
    ...line.fields,
  });
  // JSON escapes C0 controls only; DEL, C1 and the two line separators are escaped here.
  if (!UNESCAPED_CONTROL.test(text)) return text;
  return text.replaceAll(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Label values cut to their limit; empty ones count as absent, as Loki takes them. */
export function lineLabels(labels: Partial<Record<LineLabel, string | undefined>>): LogLine["labels"] {
  const bounded = (value: string | undefined): string | undefined =>
    value === undefined || value === "" ? undefined : boundedLabel(value);
  return {
    provider: bounded(labels.provider),
    model: bounded(labels.model),
    error_type: bounded(labels.error_type),
    method: bounded(labels.method),
    path: bounded(labels.path),
  };
}
