import { createHash } from "node:crypto";
import { parseDurationMs } from "../../config/duration.ts";
import { Labels } from "../../series/labels.ts";
import type { ScrapeConfig, TargetGroup } from "../config/config-types.ts";
import { formatDuration } from "../config/format-duration.ts";
import type { MetricMetadata } from "../store/appender.ts";
import { relabel } from "./relabel.ts";

type TargetHealth = "unknown" | "up" | "down";

/** One address that is scraped, with what is known about its last scrape. */
export class Target {
  readonly pool: string;
  /** Labels as discovered, before relabelling. */
  readonly discoveredLabels: Labels;
  /** Labels that every sample of the target gets. */
  readonly labels: Labels;
  readonly url: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  health: TargetHealth = "unknown";
  lastError = "";
  /** Unix ms; 0 before the first scrape. */
  lastScrapeMs = 0;
  lastDurationSeconds = 0;
  /** Metric family → what the last scrape said about it. */
  metadata: ReadonlyMap<string, MetricMetadata> = new Map();

  constructor(pool: string, discovered: Labels, effective: Labels, url: string, intervalMs: number, timeoutMs: number) {
    this.pool = pool;
    this.discoveredLabels = discovered;
    this.labels = effective;
    this.url = url;
    this.intervalMs = intervalMs;
    this.timeoutMs = timeoutMs;
  }

  /** Equal for targets that one scrape loop can serve; two targets of a job that are equal are scraped once. */
  get key(): string {
    return createHash("sha256")
      .update(`${this.labels.key}\xfe${this.url}\xfe${this.intervalMs}\xfe${this.timeoutMs}`)
      .digest("base64");
  }
}

export interface DroppedTarget {
  readonly pool: string;
  readonly discoveredLabels: Labels;
}

export interface ResolvedTargets {
  readonly active: Target[];
  readonly dropped: DroppedTarget[];
  /** Targets whose labels make no sense after relabelling; they are not scraped. */
  readonly errors: string[];
}

/** Turns the groups of a job into targets: default labels, relabelling, addresses. */
export function resolveTargets(config: ScrapeConfig, groups: readonly TargetGroup[]): ResolvedTargets {
  const resolved: ResolvedTargets = { active: [], dropped: [], errors: [] };
  for (const group of groups) {
    for (const address of group.targets) {
      const discovered = discover(config, group, address);
      const labels = new Map(discovered);
      if (!relabel(labels, config.relabelRules)) {
        resolved.dropped.push({ pool: config.jobName, discoveredLabels: Labels.fromEntries(discovered) });
        continue;
      }
      const target = build(config, Labels.fromEntries(discovered), labels);
      if (typeof target === "string") resolved.errors.push(`instance ${address} in group ${group.source}: ${target}`);
      else resolved.active.push(target);
    }
  }
  return resolved;
}

function discover(config: ScrapeConfig, group: TargetGroup, address: string): Map<string, string> {
  const labels = new Map<string, string>([
    ["job", config.jobName],
    ["__scrape_interval__", formatDuration(config.scrapeIntervalMs)],
    ["__scrape_timeout__", formatDuration(config.scrapeTimeoutMs)],
    ["__metrics_path__", config.metricsPath],
    ["__scheme__", config.scheme],
  ]);
  for (const [name, values] of config.params) if (values.length > 0) labels.set(`__param_${name}`, values[0]!);
  for (const [name, value] of group.labels) labels.set(name, value);
  labels.set("__address__", address);
  return labels;
}

/** The target, or why there is none. */
function build(config: ScrapeConfig, discovered: Labels, labels: Map<string, string>): Target | string {
  const address = labels.get("__address__") ?? "";
  if (address === "") return "no address";
  if (address.includes("/")) return `"${address}" is not a valid hostname`;
  const intervalMs = parseDurationMs(labels.get("__scrape_interval__") ?? "");
  const timeoutMs = parseDurationMs(labels.get("__scrape_timeout__") ?? "");
  if (intervalMs === undefined) return "error parsing scrape interval: not a valid duration string";
  if (timeoutMs === undefined) return "error parsing scrape timeout: not a valid duration string";
  if (intervalMs === 0) return "scrape interval cannot be 0";
  if (timeoutMs === 0) return "scrape timeout cannot be 0";
  if (timeoutMs > intervalMs) {
    return `scrape timeout cannot be greater than scrape interval ("${formatDuration(timeoutMs)}" > "${formatDuration(intervalMs)}")`;
  }
  const url = scrapeUrl(config, labels, address);
  if (url === undefined) return `"${address}" is not a valid hostname`;
  const visible = [...labels].filter(([name]) => !name.startsWith("__"));
  if (!labels.has("instance")) visible.push(["instance", address]);
  return new Target(config.jobName, discovered, Labels.fromEntries(visible), url, intervalMs, timeoutMs);
}

function scrapeUrl(config: ScrapeConfig, labels: ReadonlyMap<string, string>, address: string): string | undefined {
  const path = labels.get("__metrics_path__") ?? "";
  const base = `${labels.get("__scheme__") ?? "http"}://${address}${path.startsWith("/") ? "" : "/"}${path}`;
  if (!URL.canParse(base)) return undefined;
  const url = new URL(base);
  for (const [name, values] of config.params) for (const value of values.slice(1)) url.searchParams.append(name, value);
  // Relabelling may have set, changed or removed the first value of a parameter.
  for (const [name, value] of labels) {
    if (name.startsWith("__param_")) url.searchParams.set(name.slice("__param_".length), value);
  }
  return url.href;
}
