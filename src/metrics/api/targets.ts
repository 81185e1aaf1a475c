import { formatDuration } from "../config/format-duration.ts";
import type { ScrapeManager } from "../ingest/scrape-manager.ts";
import type { Target } from "../ingest/target.ts";
import type { RunningServer } from "../server-state.ts";
import type { MetricMetadata } from "../store/appender.ts";
import { ApiError } from "./api-error.ts";
import { goTime } from "./go-time.ts";
import type { Params } from "./params.ts";
import { type ApiResult, json } from "./respond.ts";

/** `/api/v1/targets`. */
export function listTargets(scrape: ScrapeManager, params: Params): ApiResult {
  const state = params.text("state").toLowerCase() || "any";
  const pool = params.text("scrapePool");
  const inPool = (target: { pool: string }): boolean => pool === "" || target.pool === pool;
  const showActive = state === "any" || state === "active";
  const showDropped = state === "any" || state === "dropped";
  return json({
    activeTargets: showActive ? sorted(scrape.targets.filter(inPool)).map(activeTarget) : [],
    droppedTargets: showDropped
      ? scrape.dropped.filter(inPool).map((target) => ({
          discoveredLabels: target.discoveredLabels.toRecord(),
          scrapePool: target.pool,
        }))
      : [],
    droppedTargetCounts: showDropped ? scrape.droppedCounts : null,
  });
}

/** By job, then by address: the order of the page and of the API. */
export function sorted(targets: readonly Target[]): Target[] {
  return [...targets].sort((left, right) => (`${left.pool}\0${left.url}` < `${right.pool}\0${right.url}` ? -1 : 1));
}

function activeTarget(target: Target): object {
  return {
    discoveredLabels: target.discoveredLabels.toRecord(),
    labels: target.labels.toRecord(),
    scrapePool: target.pool,
    scrapeUrl: target.url,
    globalUrl: target.url,
    lastError: target.lastError,
    lastScrape: goTime(target.lastScrapeMs),
    lastScrapeDuration: target.lastDurationSeconds,
    health: target.health,
    scrapeInterval: formatDuration(target.intervalMs),
    scrapeTimeout: formatDuration(target.timeoutMs),
  };
}

/** `/api/v1/targets/metadata`. @throws ApiError */
export function listTargetMetadata(scrape: ScrapeManager, params: Params): ApiResult {
  const limitText = params.text("limit");
  const limit = limitText === "" ? -1 : params.limit();
  const wanted = params.text("metric");
  const [matchers] = params.matcherSets("match_target");
  const rows: object[] = [];
  for (const target of scrape.targets) {
    if (matchers?.some((matcher) => !matcher.matches(target.labels.get(matcher.name)))) continue;
    for (const [metric, { type, help, unit }] of target.metadata) {
      if (limit >= 0 && rows.length >= limit) return json(rows);
      if (wanted !== "" && metric !== wanted) continue;
      const named = wanted === "" ? { metric } : {};
      rows.push({ target: target.labels.toRecord(), ...named, type, help, unit });
    }
  }
  if (rows.length === 0) throw new ApiError("not_found", "specified metadata not found");
  return json(rows);
}

/** `/api/v1/metadata`: what targets say now, and what remote writers said. */
export function listMetadata({ scrape, store, receiver }: RunningServer, params: Params): ApiResult {
  const wanted = params.text("metric");
  const limit = params.text("limit") === "" ? -1 : params.limit();
  const perMetric = params.limit("limit_per_metric");
  const metrics = new Map<string, Map<string, MetricMetadata>>();
  const add = (metric: string, { type, help, unit }: MetricMetadata): void => {
    if (wanted !== "" && metric !== wanted) return;
    const known = metrics.get(metric) ?? new Map<string, MetricMetadata>();
    metrics.set(metric, known);
    if (perMetric === 0 || known.size < perMetric) known.set(`${type}\0${help}\0${unit}`, { type, help, unit });
  };
  for (const target of scrape.targets) for (const [metric, metadata] of target.metadata) add(metric, metadata);
  for (const [metric, metadata] of receiver.metadata) add(metric, metadata);
  const stored = store.metadata(wanted === "" ? undefined : wanted);
  for (const [metric, list] of stored) if (!metrics.has(metric)) for (const metadata of list) add(metric, metadata);
  const names = [...metrics.keys()].sort();
  const kept = limit >= 0 ? names.slice(0, limit) : names;
  const data: Record<string, MetricMetadata[]> = Object.create(null);
  for (const name of kept) data[name] = [...metrics.get(name)!.values()];
  return json(data);
}

/** `/api/v1/scrape_pools`. */
export function listScrapePools(scrape: ScrapeManager): ApiResult {
  return json({ scrapePools: scrape.jobNames });
}
