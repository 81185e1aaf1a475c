import { formatSampleValue } from "../../series/format-value.ts";
import { compareLabels, type Labels, METRIC_NAME } from "../../series/labels.ts";
import { bitsOf, isStale } from "../../series/stale.ts";
import type { MetricsStore } from "../store/store.ts";
import type { Params } from "./params.ts";

const LOOKBACK_MS = 300_000;
const CLASSIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** The newest sample of every series that matches, in text format, with its time. @throws ApiError */
export async function* federate(
  store: MetricsStore,
  externalLabels: Labels,
  params: Params,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const nowMs = Date.now();
  const newest = new Map<string, { labels: Labels; value: number; timestampMs: number }>();
  for (const matchers of params.matcherSets()) {
    const hints = { minTimeMs: nowMs - LOOKBACK_MS, maxTimeMs: nowMs, signal };
    for (const { labels, timestamps, values } of await store.queryable.select(matchers, hints)) {
      const last = timestamps.length - 1;
      if (last < 0 || isStale(bitsOf(values), last)) continue;
      newest.set(labels.key, { labels, value: values[last]!, timestampMs: timestamps[last]! });
    }
  }
  let family = "";
  for (const { labels, value, timestampMs } of [...newest.values()].sort((a, b) => compareLabels(a.labels, b.labels))) {
    const name = labels.get(METRIC_NAME);
    if (name === "") continue;
    if (name !== family) yield `# TYPE ${quoted(name)} untyped\n`;
    family = name;
    yield `${seriesText(labels, externalLabels)} ${formatSampleValue(value)} ${timestampMs}\n`;
  }
}

function seriesText(labels: Labels, externalLabels: Labels): string {
  const pairs: string[] = [];
  let name = "";
  for (const [label, value] of labels.entries()) {
    if (label === METRIC_NAME) name = value;
    else pairs.push(`${quoted(label)}="${escapeText(value)}"`);
  }
  for (const [label, value] of externalLabels.entries()) {
    if (!labels.has(label)) pairs.push(`${quoted(label)}="${escapeText(value)}"`);
  }
  // An absent instance label must not be replaced by the scraping server's.
  if (!labels.has("instance")) pairs.push('instance=""');
  if (CLASSIC_NAME.test(name)) return `${name}{${pairs.join(",")}}`;
  return `{${[quoted(name), ...pairs].join(",")}}`;
}

function quoted(name: string): string {
  return CLASSIC_NAME.test(name) ? name : `"${escapeText(name)}"`;
}

function escapeText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
