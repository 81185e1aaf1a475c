import type { QueryInterval } from "../time/interval.ts";
import type { TimeRange } from "../time/range.ts";
import { formatForMatcher, formatValues } from "./formats.ts";
import { ALL_VALUE, type ScopedValues, type VariableState } from "./types.ts";

/** `$name`, `[[name:format]]`, `${name.field:format}`. */
const REFERENCE = /\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}/g;

/** Which escaping applies where a reference names no format. */
export type DefaultFormat = "matcher" | "pipe" | "glob" | "text";

/** What variables mean on a page at one moment. */
export interface VariableScope {
  variables: ReadonlyMap<string, VariableState>;
  range: TimeRange;
  dashboard?: { title: string; uid: string };
  timeZone?: string;
}

/**
 * Fills the variables of a text. Unknown names stay as they are: `$1` in a `label_replace` is none of ours.
 * @param scoped  Values that win over the page's: a repeat's, a row's, a data link's.
 */
export function interpolate(
  text: string,
  scope: VariableScope,
  scoped: ScopedValues = {},
  defaultFormat: DefaultFormat = "glob",
): string {
  if (!text.includes("$") && !text.includes("[[")) return text;
  return text.replace(
    REFERENCE,
    (
      whole,
      plain?: string,
      square?: string,
      squareFormat?: string,
      curly?: string,
      field?: string,
      curlyFormat?: string,
    ) => {
      const name = plain ?? square ?? curly ?? "";
      const format = squareFormat ?? curlyFormat ?? "";
      const scopedValue = Object.hasOwn(scoped, name) ? scoped[name] : undefined;
      if (scopedValue !== undefined) return fromScoped(scopedValue, name, field, format, defaultFormat, scope);
      const state = scope.variables.get(name);
      if (state !== undefined) return fromState(state, format, defaultFormat, scope, scoped);
      return builtin(name, field, format, scope) ?? whole;
    },
  );
}

/** Built-in interval variables of one query, to be passed as scoped values. */
export function intervalValues(interval: QueryInterval, range: TimeRange): ScopedValues {
  const rangeMs = range.toMs - range.fromMs;
  const rangeSeconds = Math.max(1, Math.round(rangeMs / 1_000));
  const value = (text: string | number) => ({ value: String(text) });
  return {
    __interval: value(interval.interval),
    __interval_ms: value(interval.intervalMs),
    __auto: value(interval.interval),
    __rate_interval: value(interval.rateInterval),
    __rate_interval_ms: value(interval.intervalMs),
    __range: value(`${rangeSeconds}s`),
    __range_s: value(rangeSeconds),
    __range_ms: value(rangeMs),
  };
}

/** The values a variable stands for: all options (or `allValue`) if "All" is chosen. */
export function chosenValues(state: VariableState): { values: string[]; isLiteral: boolean } {
  if (!state.values.includes(ALL_VALUE)) return { values: state.values, isLiteral: false };
  const { allValue } = state.model;
  if (allValue !== undefined && allValue !== "") return { values: [allValue], isLiteral: true };
  const values = state.options.map((option) => option.value).filter((value) => value !== ALL_VALUE);
  // With nothing known yet, match everything rather than nothing: the query then shows what there is.
  return values.length > 0 ? { values, isLiteral: false } : { values: [".*"], isLiteral: true };
}

/** What the chosen values are called. */
export function chosenTexts(state: VariableState): string[] {
  if (state.values.includes(ALL_VALUE)) return ["All"];
  return state.values.map((value) => state.options.find((option) => option.value === value)?.text ?? value);
}

function fromState(
  state: VariableState,
  format: string,
  defaultFormat: DefaultFormat,
  scope: VariableScope,
  scoped: ScopedValues,
): string {
  const { values, isLiteral } = chosenValues(state);
  const { name, multi, includeAll } = state.model;
  if (format === "text") return formatValues(values, "text", name, chosenTexts(state));
  // Grafana uses `allValue` as written, unless a format turns it into part of a URL.
  if (isLiteral && format !== "queryparam" && format !== "percentencode") {
    return interpolate(values[0]!, scope, scoped, defaultFormat);
  }
  if (format === "queryparam") return formatValues(state.values, format, name);
  if (format !== "") return formatValues(values, format, name, chosenTexts(state));
  if (state.model.kind === "constant" || state.model.kind === "interval" || state.model.kind === "datasource")
    return values[0] ?? "";
  if (defaultFormat === "matcher") return formatForMatcher(values, multi || includeAll);
  if (defaultFormat === "text") return chosenTexts(state).join(" + ");
  return formatValues(values, defaultFormat, name);
}

function fromScoped(
  scoped: { value: unknown; text?: unknown },
  name: string,
  field: string | undefined,
  format: string,
  defaultFormat: DefaultFormat,
  scope: VariableScope,
): string {
  let value = scoped.value;
  if (field !== undefined) value = readPath(value, field);
  if (value === undefined || value === null) return "";
  const values = Array.isArray(value) ? value.map(String) : [String(value)];
  if (format === "text" && scoped.text !== undefined) return String(scoped.text);
  if (format !== "") return formatValues(values, format, name);
  const state = scope.variables.get(name);
  if (defaultFormat === "matcher" && state !== undefined) {
    return formatForMatcher(values, state.model.multi || state.model.includeAll);
  }
  return formatValues(values, "glob", name);
}

/** Reads `a.b`, `a["b c"]` or `a[0]` of a value. */
function readPath(value: unknown, path: string): unknown {
  let current = value;
  for (const [, quoted, index, plain] of path.matchAll(/\["([^"]+)"\]|\[(\d+)\]|([^.[\]]+)/g)) {
    if (current === null || current === undefined) return undefined;
    current = (current as Record<string, unknown>)[quoted ?? index ?? plain!];
  }
  return current;
}

function builtin(name: string, field: string | undefined, format: string, scope: VariableScope): string | undefined {
  const { range } = scope;
  switch (name) {
    case "__from":
    case "__to": {
      const epochMs = name === "__from" ? range.fromMs : range.toMs;
      return format === "" ? String(Math.round(epochMs)) : formatValues([String(Math.round(epochMs))], format, name);
    }
    case "__range":
      return `${Math.round((range.toMs - range.fromMs) / 1_000)}s`;
    case "__range_s":
      return String(Math.round((range.toMs - range.fromMs) / 1_000));
    case "__range_ms":
      return String(Math.round(range.toMs - range.fromMs));
    case "__timezone":
      return scope.timeZone ?? "browser";
    case "__url_time_range":
      return `from=${encodeURIComponent(range.raw.from)}&to=${encodeURIComponent(range.raw.to)}`;
    case "__all_variables":
      return [...scope.variables.values()]
        .filter((state) => state.model.kind !== "constant" && state.model.kind !== "adhoc")
        .map((state) => formatValues(state.values, "queryparam", state.model.name))
        .join("&");
    case "__dashboard":
      return field === "uid" ? (scope.dashboard?.uid ?? "") : (scope.dashboard?.title ?? "");
    case "__org":
      return "1";
    case "__user":
      return field === "login" || field === undefined ? "admin" : "";
    case "timeFilter":
    case "__timeFilter":
      return undefined;
    default:
      return undefined;
  }
}
