import { formatFloat } from "../../series/format-value.ts";
import type { Matcher } from "../../series/queryable.ts";
import type { AtModifier, Duration, Expr, VectorMatching, VectorSelector } from "./ast.ts";
import { formatDurationMs, quote } from "./syntax/parse-literals.ts";

/** The expression on one line, spaced as Prometheus prints it (`format_query`, rule files, logs). */
export function formatExpr(expr: Expr): string {
  switch (expr.kind) {
    case "number":
      return formatNumber(expr.value, expr.isDuration);
    case "string":
      return quote(expr.value);
    case "paren":
      return `(${formatExpr(expr.inner)})`;
    case "unary":
      return expr.operator + formatExpr(expr.operand);
    case "binary": {
      const bool = expr.returnBool ? " bool" : "";
      const matching = expr.matching === undefined ? "" : formatMatching(expr.matching);
      return `${formatExpr(expr.left)} ${expr.operator}${bool}${matching} ${formatExpr(expr.right)}`;
    }
    case "aggregate": {
      const parameter = expr.parameter === undefined ? "" : `${formatExpr(expr.parameter)}, `;
      const labels = `(${expr.grouping.map(formatLabelName).join(", ")})`;
      const by = expr.grouping.length > 0 ? ` by ${labels} ` : "";
      return `${expr.operator}${expr.without ? ` without ${labels} ` : by}(${parameter}${formatExpr(expr.inner)})`;
    }
    case "call":
      return `${expr.name}(${expr.args.map(formatExpr).join(", ")})`;
    case "selector":
      return formatSelector(expr) + formatAt(expr.at) + formatExtension(expr) + formatOffset(expr.offset);
    case "matrix": {
      const { selector } = expr;
      const range = `[${formatDuration(expr.range)}]`;
      return (
        formatSelector(selector) +
        range +
        formatExtension(selector) +
        formatAt(selector.at) +
        formatOffset(selector.offset)
      );
    }
    case "subquery": {
      const step = expr.step === undefined ? "" : formatDuration(expr.step);
      const range = `[${formatDuration(expr.range)}:${step}]`;
      return formatExpr(expr.inner) + range + formatAt(expr.at) + formatOffset(expr.offset);
    }
  }
}

function formatNumber(value: number, isDuration: boolean): string {
  if (!isDuration) return formatFloat(value);
  return value < 0 ? `-${formatSeconds(-value)}` : formatSeconds(value);
}

function formatSeconds(seconds: number): string {
  return formatDurationMs(Math.round(seconds * 1000));
}

function formatMatching({ cardinality, on, labels, include, fillLeft, fillRight }: VectorMatching): string {
  let text = "";
  const grouped = cardinality === "many-to-one" || cardinality === "one-to-many";
  if (labels.length > 0 || on || grouped)
    text += ` ${on ? "on" : "ignoring"} (${labels.map(formatLabelName).join(", ")})`;
  if (grouped)
    text += ` group_${cardinality === "many-to-one" ? "left" : "right"} (${include.map(formatLabelName).join(", ")})`;
  if (fillLeft !== undefined && fillLeft === fillRight) return `${text} fill (${formatFloat(fillLeft)})`;
  if (fillLeft !== undefined) text += ` fill_left (${formatFloat(fillLeft)})`;
  if (fillRight !== undefined) text += ` fill_right (${formatFloat(fillRight)})`;
  return text;
}

function formatLabelName(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name);
}

function formatSelector({ name, matchers }: VectorSelector): string {
  const isName = (matcher: Matcher) => name !== "" && matcher.name === "__name__" && matcher.type === "=";
  const others = matchers.filter((matcher) => !isName(matcher)).map(formatMatcher);
  if (others.length > 0 || name === "") return `${name}{${others.sort().join(",")}}`;
  return name;
}

function formatMatcher({ name, type, value }: Matcher): string {
  return `${formatLabelName(name)}${type}${quote(value)}`;
}

function formatAt(at: AtModifier | undefined): string {
  if (at === undefined) return "";
  return typeof at === "number" ? ` @ ${(at / 1000).toFixed(3)}` : ` @ ${at}()`;
}

function formatExtension({ extension }: VectorSelector): string {
  return extension === undefined ? "" : ` ${extension}`;
}

function formatOffset(offset: Duration | undefined): string {
  return offset === undefined || isZero(offset) ? "" : ` offset ${formatDuration(offset)}`;
}

function isZero(duration: Duration): boolean {
  return duration.kind === "constant" && duration.seconds === 0;
}

function formatDuration(duration: Duration): string {
  switch (duration.kind) {
    case "constant":
      return formatNumber(duration.seconds, true);
    case "step":
    case "range":
      return `${duration.kind}()`;
    case "parenthesis":
      return `(${formatDuration(duration.inner)})`;
    case "unary":
      return duration.operator === "-" ? `-${formatDuration(duration.operand)}` : formatDuration(duration.operand);
    case "binary": {
      const left = formatDuration(duration.left);
      const right = formatDuration(duration.right);
      const { operator } = duration;
      if (operator === "min_of" || operator === "max_of") return `${operator}(${left}, ${right})`;
      return `${left} ${operator} ${right}`;
    }
  }
}
