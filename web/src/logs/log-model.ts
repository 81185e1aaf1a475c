import { type DataFrame, FieldType } from "../grafana/data.ts";

/** Levels in Grafana's order of severity, each with a colour of its own. */
export type LogLevel = "critical" | "error" | "warning" | "info" | "debug" | "trace" | "unknown";

/** One log line. */
export interface LogRow {
  /** Unix ms. */
  timeMs: number;
  /** Exact time in ns, as text; also the row's identity together with its position. */
  ns: string;
  line: string;
  labels: Record<string, string>;
  level: LogLevel;
}

/** Reads the log frames of a panel, newest first or oldest first. */
export function readLogRows(frames: readonly DataFrame[], ascending: boolean): LogRow[] {
  const rows = frames.flatMap((frame) => {
    const time = frame.fields.find((field) => field.type === FieldType.time);
    const line =
      frame.fields.find((field) => field.name === "Line") ??
      frame.fields.find((field) => field.type === FieldType.string);
    if (time === undefined || line === undefined) return [];
    const labels = frame.fields.find((field) => field.name === "labels");
    const ns = frame.fields.find((field) => field.name === "tsNs");
    return Array.from({ length: frame.length }, (_, index): LogRow => {
      const text = String(line.values[index] ?? "");
      const ownLabels = (labels?.values[index] ?? {}) as Record<string, string>;
      const timeMs = Number(time.values[index]);
      return {
        timeMs,
        ns: String(ns?.values[index] ?? `${timeMs}000000`),
        line: text,
        labels: ownLabels,
        level: logLevel(text, ownLabels),
      };
    });
  });
  const direction = ascending ? 1 : -1;
  return rows.sort((a, b) => (a.ns.length - b.ns.length || (a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0)) * direction);
}

const LEVEL_NAMES: Record<string, LogLevel> = {
  emerg: "critical",
  emergency: "critical",
  fatal: "critical",
  alert: "critical",
  crit: "critical",
  critical: "critical",
  err: "error",
  eror: "error",
  error: "error",
  warn: "warning",
  warning: "warning",
  info: "info",
  information: "info",
  notice: "info",
  dbug: "debug",
  debug: "debug",
  trace: "trace",
};

/** The level by label, else by a level field in the line, else by the first word that names one. */
export function logLevel(line: string, labels: Readonly<Record<string, string>>): LogLevel {
  const named = labels["level"] ?? labels["detected_level"] ?? labels["severity"] ?? labels["severity_text"];
  const known = named === undefined ? undefined : LEVEL_NAMES[named.toLowerCase()];
  if (known !== undefined) return known;
  const field = /"?(?:level|lvl|severity)"?\s*[:=]\s*"?([a-zA-Z]+)/.exec(line)?.[1]?.toLowerCase();
  if (field !== undefined && LEVEL_NAMES[field] !== undefined) return LEVEL_NAMES[field];
  const word = /\b(EMERG|FATAL|CRITICAL|ERROR|WARN(?:ING)?|INFO|DEBUG|TRACE)\b/.exec(line)?.[1]?.toLowerCase();
  return word === undefined ? "unknown" : (LEVEL_NAMES[word] ?? "unknown");
}

const TRACE_LABELS = ["trace_id", "traceID", "traceId", "TraceID"];

/** The trace id that a line belongs to: from structured metadata or a label, else from the text. */
export function logTraceId(row: Pick<LogRow, "line" | "labels">): string | undefined {
  for (const name of TRACE_LABELS) {
    const value = row.labels[name];
    if (value !== undefined && isTraceId(value)) return value;
  }
  const match = /"?trace_?id"?\s*[:=]\s*"?([0-9a-fA-F]{16,32})\b/i.exec(row.line);
  return match !== null && isTraceId(match[1]!) ? match[1] : undefined;
}

function isTraceId(text: string): boolean {
  return /^[0-9a-fA-F]{16,32}$/.test(text) && !/^0+$/.test(text);
}

/** The fields of a JSON or logfmt line; empty if it is neither. */
export function lineFields(line: string): [string, string][] {
  const trimmed = line.trim();
  if (trimmed.startsWith("{")) {
    try {
      const json = JSON.parse(trimmed) as Record<string, unknown>;
      return Object.entries(json).map(([key, value]) => [
        key,
        typeof value === "string" ? value : JSON.stringify(value),
      ]);
    } catch {
      // Not JSON after all; perhaps logfmt.
    }
  }
  const pairs = [...trimmed.matchAll(/([\w.@-]+)=("(?:[^"\\]|\\.)*"|\S*)/g)].map(([, key, value]): [string, string] => [
    key!,
    value!.replace(/^"|"$/g, "").replaceAll('\\"', '"'),
  ]);
  return pairs.length >= 2 ? pairs : [];
}

/** Fields already visible elsewhere in a row. */
/** Shortest value that counts as already said by the message; shorter ones match by accident. */
const SAID_CHARS_MIN = 3;
const SHOWN_ELSEWHERE = new Set([
  "timestamp",
  "time",
  "ts",
  "level",
  "message",
  "msg",
  "trace_id",
  "span_id",
  "traceID",
  "spanID",
  "pid",
  "hostname",
  "request_id",
  "user_agent",
]);

/** A JSON line's message and the fields that it does not say, for reading; undefined if the line has no message of its own. */
export function readableLine(line: string): { message: string; fields: [string, string][] } | undefined {
  if (!line.startsWith("{")) return undefined;
  const fields = lineFields(line);
  const message = fields.find(([key]) => key === "message" || key === "msg")?.[1];
  return message === undefined
    ? undefined
    : { message, fields: fields.filter(([key, value]) => !SHOWN_ELSEWHERE.has(key) && !isSaid(message, value)) };
}

function isSaid(message: string, value: string): boolean {
  return value.length >= SAID_CHARS_MIN && message.includes(value);
}
