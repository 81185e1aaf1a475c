import { formatFloat } from "../../series/format-value.ts";
import type { Expr, Grouping, LabelFilter, LogExpr, MetricExpr, RangeAggregation, Stage } from "./ast.ts";
import { quote } from "./string-literal.ts";
import { formatDurationMs } from "./units.ts";

/** A query in the one form that Loki prints for it; parsing the result gives the same tree. */
export function formatQuery(expr: Expr): string {
  return expr.kind === "log" ? formatLog(expr) : formatMetric(expr);
}

function formatLog(expr: LogExpr): string {
  const selector = `{${expr.matchers.map(({ name, type, value }) => `${name}${type}${quote(value)}`).join(", ")}}`;
  return [selector, ...expr.stages.map(formatStage)].join(" ");
}

function formatMetric(expr: MetricExpr): string {
  switch (expr.kind) {
    case "range":
      return formatRange(expr);
    case "vectorAggregation": {
      const parameter = expr.parameter === undefined ? "" : `${expr.parameter}, `;
      return `${expr.op}${formatGrouping(expr.grouping, " ")}(${parameter}${formatMetric(expr.expr)})`;
    }
    case "binary": {
      const matching =
        expr.on || expr.matching.length > 0 ? ` ${expr.on ? "on" : "ignoring"} (${expr.matching.join(", ")})` : "";
      const include = expr.include.length > 0 ? ` (${expr.include.join(", ")})` : "";
      const group = expr.group === "none" ? "" : ` group_${expr.group}${include}`;
      const bool = expr.returnBool ? " bool" : "";
      return `(${formatMetric(expr.left)} ${expr.op}${bool}${matching}${group} ${formatMetric(expr.right)})`;
    }
    case "literal":
      return formatFloat(expr.value);
    case "vector":
      return `vector(${formatFloat(expr.value)})`;
    case "labelReplace": {
      const { destination, replacement, source, pattern } = expr;
      return `label_replace(${[formatMetric(expr.expr), ...[destination, replacement, source, pattern].map(quote)].join(", ")})`;
    }
  }
}

function formatRange(expr: RangeAggregation): string {
  const unwrap =
    expr.unwrap === undefined
      ? ""
      : ` | unwrap ${expr.unwrap.conversion === undefined ? expr.unwrap.name : `${expr.unwrap.conversion}(${expr.unwrap.name})`}${expr.unwrap.filters.map((filter) => ` | ${formatLabelFilter(filter)}`).join("")}`;
  const parameter = expr.parameter === undefined ? "" : `${expr.parameter}, `;
  const offset = expr.offsetMs === 0 ? "" : ` offset ${formatDurationMs(expr.offsetMs)}`;
  const range = `[${formatDurationMs(expr.rangeMs)}]`;
  return `${expr.op}(${parameter}${formatLog(expr.log)}${unwrap}${range}${offset})${formatGrouping(expr.grouping, " ")}`;
}

function formatGrouping(grouping: Grouping | undefined, before: string): string {
  if (grouping === undefined) return "";
  return `${before}${grouping.without ? "without" : "by"} (${grouping.names.join(", ")})`;
}

/** One stage with its leading `|` (or filter operator). */
export function formatStage(stage: Stage): string {
  switch (stage.kind) {
    case "lineFilter":
      return `${stage.op} ${stage.values.map(({ text, ip }) => (ip ? `ip(${quote(text)})` : quote(text))).join(" or ")}`;
    case "labelFilter":
      return `| ${formatLabelFilter(stage.filter)}`;
    case "json":
    case "logfmt": {
      const flags =
        stage.kind === "logfmt" ? `${stage.strict ? " --strict" : ""}${stage.keepEmpty ? " --keep-empty" : ""}` : "";
      const list = stage.extractions.map(({ name, expression }) => `${name}=${quote(expression)}`).join(", ");
      return `| ${stage.kind}${flags}${list === "" ? "" : ` ${list}`}`;
    }
    case "regexp":
    case "pattern":
      return `| ${stage.kind} ${quote(stage.text)}`;
    case "lineFormat":
      return `| line_format ${quote(stage.text)}`;
    case "unpack":
    case "decolorize":
      return `| ${stage.kind}`;
    case "labelFormat":
      return `| label_format ${stage.formats.map(({ name, value, template }) => `${name}=${template ? quote(value) : value}`).join(", ")}`;
    case "drop":
    case "keep":
      return `| ${stage.kind} ${stage.labels.map(({ name, matcher }) => (matcher === undefined ? name : `${name}${matcher.type}${quote(matcher.value)}`)).join(", ")}`;
  }
}

function formatLabelFilter(filter: LabelFilter): string {
  switch (filter.kind) {
    case "match":
      return `${filter.matcher.name}${filter.matcher.type}${quote(filter.matcher.value)}`;
    case "ip":
      return `${filter.name}${filter.op}ip(${quote(filter.pattern)})`;
    case "compare":
      return `${filter.name}${filter.op}${filter.text}`;
    case "and":
    case "or":
      return `(${formatLabelFilter(filter.left)} ${filter.kind} ${formatLabelFilter(filter.right)})`;
  }
}
