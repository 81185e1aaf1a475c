import type { ScrapeManager } from "../ingest/scrape-manager.ts";
import type { Target } from "../ingest/target.ts";
import { ago, type Html, html, labelBoxes, seconds } from "./html.ts";
import { sorted } from "./targets.ts";

/** Every job with its targets: address, state, last scrape, last error. */
export function targetsPage(scrape: ScrapeManager): Html {
  const nowMs = Date.now();
  const byPool = new Map<string, Target[]>(scrape.jobNames.map((name) => [name, []]));
  for (const target of sorted(scrape.targets)) byPool.get(target.pool)?.push(target);
  if (byPool.size === 0) return html`<p>No job is configured.</p>`;
  return html`${[...byPool].map(([pool, targets]) => poolTable(pool, targets, nowMs))}`;
}

function poolTable(pool: string, targets: readonly Target[], nowMs: number): Html {
  const up = targets.filter(({ health }) => health === "up").length;
  return html`<h2>${pool} <span class="muted">(${up} / ${targets.length} up)</span></h2>
<table class="aligned"><colgroup><col width="25%"><col width="7%"><col width="32%"><col width="9%"><col width="8%">
<col></colgroup><tr><th>Endpoint</th><th>State</th><th>Labels</th><th>Last scrape</th><th class="number">Duration</th>
<th>Error</th></tr>
${targets.map((target) => targetRow(target, nowMs))}</table>`;
}

function targetRow(target: Target, nowMs: number): Html {
  return html`<tr data-job="${target.pool}" data-health="${target.health}"><td><a href="${target.url}">${target.url}</a></td>
<td><span class="state ${target.health}">${target.health.toUpperCase()}</span></td>
<td>${labelBoxes(target.labels.entries())}</td><td>${ago(target.lastScrapeMs, nowMs)}</td>
<td class="number">${seconds(target.lastDurationSeconds)}</td><td>${target.lastError}</td></tr>`;
}
