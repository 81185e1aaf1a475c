import type { CompareOp, LabelFilter } from "./ast.ts";
import { compileIpPattern } from "./ip-match.ts";
import type { LineLabels } from "./line-labels.ts";
import { parseBytes, parseDurationNs, parseFloat64 } from "./units.ts";

/**
 * Compiles a label filter. A value that cannot be compared sets `__error__` to `LabelFilterErr` and lets the line
 * pass, so that the failure is seen instead of lines vanishing.
 */
export function compileLabelFilter(filter: LabelFilter): (labels: LineLabels) => boolean {
  switch (filter.kind) {
    case "and": {
      const left = compileLabelFilter(filter.left);
      const right = compileLabelFilter(filter.right);
      return (labels) => left(labels) && right(labels);
    }
    case "or": {
      const left = compileLabelFilter(filter.left);
      const right = compileLabelFilter(filter.right);
      return (labels) => left(labels) || right(labels);
    }
    case "match": {
      const { matcher } = filter;
      return (labels) => matcher.matches(labels.get(matcher.name));
    }
    case "ip": {
      const matches = compileIpPattern(filter.pattern);
      const wanted = filter.op === "=";
      return (labels) => {
        const value = labels.get(filter.name);
        return value !== "" && matches(value) === wanted;
      };
    }
    case "compare":
      return compileCompare(filter);
  }
}

function compileCompare(filter: LabelFilter & { kind: "compare" }): (labels: LineLabels) => boolean {
  const { name, op, value: limit } = filter;
  const read = { number: parseFloat64, duration: parseDurationNs, bytes: parseBytes }[filter.unit];
  return (labels) => {
    if (labels.error !== "") return true;
    const text = labels.get(name);
    if (text === "") return false;
    const value = read(text);
    if (value === undefined) {
      labels.setError("LabelFilterErr", conversionError(filter.unit, text));
      return true;
    }
    return compare(op, value, limit);
  };
}

function conversionError(unit: "number" | "duration" | "bytes", text: string): string {
  const quoted = JSON.stringify(text);
  return unit === "duration"
    ? `time: invalid duration ${quoted}`
    : `strconv.ParseFloat: parsing ${quoted}: invalid syntax`;
}

function compare(op: CompareOp, value: number, limit: number): boolean {
  switch (op) {
    case "=":
    case "==":
      return value === limit;
    case "!=":
      return value !== limit;
    case ">":
      return value > limit;
    case ">=":
      return value >= limit;
    case "<":
      return value < limit;
    case "<=":
      return value <= limit;
  }
}

/** Names of the labels that a filter looks at. */
export function filterNames(filter: LabelFilter): string[] {
  if (filter.kind === "and" || filter.kind === "or") return [...filterNames(filter.left), ...filterNames(filter.right)];
  return [filter.kind === "match" ? filter.matcher.name : filter.name];
}
