import type { MetricObjectWithValues, MetricValue, Registry } from "prom-client";
import type { AnyFamily, MetricSet } from "./metric-set.ts";
import { CounterChild, type Exemplar, HistogramChild, SummaryChild } from "./samples.ts";
import { escapeHelp, escapeLabelValue, formatBound, formatNumber } from "./text-format.ts";

export const TEXT_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";
export const OPENMETRICS_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/** True when the `Accept` header names OpenMetrics and does not refuse it with `q=0`. */
export function wantsOpenMetrics(accept: string | undefined): boolean {
  return (accept ?? "").split(",").some((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (type !== "application/openmetrics-text") return false;
    return !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

/** The catalogue's families and everything in `registry` as one page. */
export async function renderMetrics(set: MetricSet, registry: Registry, openMetrics: boolean): Promise<string> {
  const lines: string[] = [];
  for (const family of set.exposition()) writeFamily(lines, family, openMetrics);
  for (const metric of await registry.getMetricsAsJSON()) writeForeign(lines, metric, openMetrics);
  if (openMetrics) lines.push("# EOF");
  return `${lines.join("\n")}\n`;
}

function writeFamily(lines: string[], family: AnyFamily, openMetrics: boolean): void {
  const { spec, name } = family;
  const { familyName, sampleName, type } = namesOf(name, spec.type, openMetrics);
  lines.push(`# HELP ${familyName} ${escapeHelp(spec.help, openMetrics)}`, `# TYPE ${familyName} ${type}`);
  for (const child of family.children()) {
    if (child instanceof HistogramChild) writeHistogram(lines, name, child, spec.buckets ?? [], openMetrics);
    else if (child instanceof SummaryChild) {
      const labels = braced(child.labelText);
      lines.push(`${name}_count${labels} ${child.count}`, `${name}_sum${labels} ${formatNumber(child.sum)}`);
    } else {
      const exemplar = openMetrics && child instanceof CounterChild ? exemplarText(child.exemplar) : "";
      lines.push(`${sampleName}${braced(child.labelText)} ${formatNumber(child.value)}${exemplar}`);
    }
  }
}

/** How a family, its samples and its type are written: the two formats differ in counters and infos. */
function namesOf(name: string, type: string, openMetrics: boolean) {
  if (type === "counter") {
    const base = name.replace(/_total$/, "");
    return { familyName: openMetrics ? base : `${base}_total`, sampleName: `${base}_total`, type };
  }
  if (type === "info") {
    // The text format has no infos; Python's client writes them as gauges.
    return {
      familyName: openMetrics ? name : `${name}_info`,
      sampleName: `${name}_info`,
      type: openMetrics ? type : "gauge",
    };
  }
  return { familyName: name, sampleName: name, type };
}

function writeHistogram(
  lines: string[],
  name: string,
  child: HistogramChild,
  bounds: readonly number[],
  openMetrics: boolean,
): void {
  const prefix = `${name}_bucket{${child.labelText}${child.labelText === "" ? "" : ","}le="`;
  let cumulative = 0;
  for (let index = 0; index <= bounds.length; index++) {
    cumulative += child.counts[index]!;
    const bound = index === bounds.length ? "+Inf" : formatBound(bounds[index]!);
    const exemplar = openMetrics ? exemplarText(child.exemplars[index]) : "";
    lines.push(`${prefix}${bound}"} ${cumulative}${exemplar}`);
  }
  const labels = braced(child.labelText);
  lines.push(`${name}_sum${labels} ${formatNumber(child.sum)}`, `${name}_count${labels} ${child.count}`);
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return "";
  const { traceId, value, timestampMs } = exemplar;
  return ` # {trace_id="${traceId}"} ${formatNumber(value)} ${(timestampMs / 1_000).toFixed(3)}`;
}

function braced(labelText: string): string {
  return labelText === "" ? "" : `{${labelText}}`;
}

/** A metric that other parts of the process keep in prom-client. */
function writeForeign(
  lines: string[],
  metric: MetricObjectWithValues<MetricValue<string>>,
  openMetrics: boolean,
): void {
  // Typed as an enum, but the value at run time is the word.
  const type = String(metric.type);
  const { familyName, sampleName } = namesOf(metric.name, type, openMetrics);
  lines.push(`# HELP ${familyName} ${escapeHelp(metric.help, openMetrics)}`, `# TYPE ${familyName} ${type}`);
  for (const sample of metric.values) {
    const labels = Object.entries(sample.labels)
      .filter(([, value]) => value !== undefined)
      .map(([label, value]) => `${label}="${labelValueText(label, value!)}"`)
      .join(",");
    const named = (sample as { metricName?: string }).metricName ?? sampleName;
    lines.push(`${named}${braced(labels)} ${formatNumber(sample.value)}`);
  }
}

function labelValueText(label: string, value: string | number): string {
  return label === "le" && typeof value === "number" ? formatBound(value) : escapeLabelValue(String(value));
}
