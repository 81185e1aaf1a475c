import { createHash } from "node:crypto";
import type { Incident } from "../incidents/incidents.ts";
import type { PublicStatus } from "../rollup/public-status.ts";
import type { ProviderHealth } from "../rollup/rollup.ts";
import { DAY_MS, periodStart } from "../store/periods.ts";
import { STATUS_PAGE_STYLE } from "./status-page-style.ts";

export interface StatusPageData {
  readonly title: string;
  readonly status: PublicStatus;
  readonly providers: readonly ProviderHealth[];
  /** Open ones, and those of the last days, newest first. */
  readonly incidents: readonly Incident[];
  readonly days: readonly { readonly startMs: number; readonly checks: number; readonly successes: number }[];
  readonly daysShown: number;
  readonly maintenance: readonly Readonly<Record<string, unknown>>[];
  readonly nowMs: number;
}

/** Names of what a visitor sees; the words carry the meaning, the colours only repeat it. */
const PROVIDER_WORDS = { online: "Operational", degraded: "Degraded", offline: "Outage" } as const;
const INCIDENT_WORDS: Readonly<Record<Incident["incidentType"], string>> = {
  outage: "Outage",
  timeout: "Timeouts",
  rate_limit: "Rate limited",
  authentication: "Authentication failing",
  unavailable: "Not available",
};
const STYLE_HASH = createHash("sha256").update(STATUS_PAGE_STYLE).digest("base64");

/** The public page: plain HTML without scripts or anything from elsewhere. */
export function statusPage(data: StatusPageData): { html: string; csp: string } {
  const { status, title } = data;
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)} status: ${escaped(status.status_message)}</title>
<style>${STATUS_PAGE_STYLE}</style>
</head>
<body>
<main>
<header>
<p class="name">${escaped(title)}</p>
<h1 class="banner ${status.status}"><span class="dot" aria-hidden="true"></span>${escaped(status.status_message)}</h1>
</header>
${figures(status)}
${uptime(data)}
${maintenance(data)}
${providers(data.providers)}
${incidents(data)}
<footer>
<p>Updated <time datetime="${status.last_updated}">${clock(data.nowMs)}</time>. The same as <a href="status-page.json">JSON</a>.</p>
</footer>
</main>
</body>
</html>
`;
  const csp = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`;
  return { html, csp };
}

function figures(status: PublicStatus): string {
  const figure = (name: string, value: string): string => `<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return `<dl class="figures">
${figure("Uptime, 24 hours", percent(status.uptime_percentage))}
${figure("Models answering", `${status.healthy_models} of ${status.healthy_models + status.offline_models}`)}
${figure("Gateways healthy", `${status.healthy_gateways} of ${status.total_gateways}`)}
${figure("Open incidents", String(status.active_incidents))}
</dl>`;
}

/** One bar per day, oldest first; days without checks are empty. */
function uptime({ days, daysShown, nowMs }: StatusPageData): string {
  const byStart = new Map(days.map((day) => [day.startMs, day]));
  const today = periodStart("day", nowMs);
  const bars: string[] = [];
  let known = 0;
  for (let back = daysShown - 1; back >= 0; back--) {
    const startMs = today - back * DAY_MS;
    const day = byStart.get(startMs);
    const x = (daysShown - 1 - back) * 10;
    const date = new Date(startMs).toISOString().slice(0, 10);
    if (day === undefined || day.checks === 0) {
      bars.push(
        `<rect class="none" x="${x}" y="0" width="7" height="34" rx="2"><title>${date}: no checks</title></rect>`,
      );
      continue;
    }
    known++;
    const share = (100 * day.successes) / day.checks;
    const level = share >= 99 ? "good" : share >= 90 ? "fair" : "poor";
    // Lower where it is worse, so that it can be read without colours.
    const height = level === "good" ? 34 : level === "fair" ? 26 : 16;
    bars.push(
      `<rect class="${level}" x="${x}" y="${34 - height}" width="7" height="${height}" rx="2"><title>${date}: ${percent(share)}</title></rect>`,
    );
  }
  const total = days.reduce((sum, { checks }) => sum + checks, 0);
  const share = total === 0 ? 100 : (100 * days.reduce((sum, { successes }) => sum + successes, 0)) / total;
  const words = `${percent(share)} of all checks of the last ${daysShown} days succeeded; ${known} of ${daysShown} days have checks`;
  return `<section aria-labelledby="uptime">
<h2 id="uptime">Last ${daysShown} days</h2>
<svg class="bars" viewBox="0 0 ${daysShown * 10 - 3} 34" preserveAspectRatio="none" role="img" aria-label="${words}">${bars.join("")}</svg>
<p class="scale"><span>${daysShown} days ago</span><span>${percent(share)}</span><span>today</span></p>
</section>`;
}

function maintenance({ maintenance: windows }: StatusPageData): string {
  if (windows.length === 0) return "";
  const rows = windows.map((window) => {
    const names = [window["provider"], window["model"], window["gateway"]].filter((name) => typeof name === "string");
    const what = names.length === 0 ? "Everything" : names.join(" / ");
    const state = window["active"] === true ? "In progress" : "Planned";
    return `<li><strong>${escaped(what)}</strong> <span class="tag maintenance">${state}</span>
<p>${stamp(String(window["starts_at"]))} to ${stamp(String(window["ends_at"]))}${window["reason"] === "" ? "" : `. ${escaped(String(window["reason"]))}`}</p></li>`;
  });
  return `<section aria-labelledby="maintenance">
<h2 id="maintenance">Maintenance</h2>
<ul class="list">${rows.join("")}</ul>
</section>`;
}

function providers(list: readonly ProviderHealth[]): string {
  const rows = list.map(
    (health) => `<tr><th scope="row">${escaped(health.provider)}</th>
<td><span class="tag ${health.status}">${PROVIDER_WORDS[health.status]}</span></td>
<td class="number">${health.healthy_models} of ${health.total_models}</td>
<td class="number">${percent(health.uptime_24h)}</td>
<td class="number">${health.avg_response_time_ms === null ? "–" : `${(health.avg_response_time_ms / 1_000).toFixed(2)} s`}</td></tr>`,
  );
  const body =
    rows.length === 0
      ? `<p class="empty">No provider has been checked yet.</p>`
      : `<div class="scroll"><table>
<thead><tr><th scope="col">Provider</th><th scope="col">Status</th><th scope="col" class="number">Models</th><th scope="col" class="number">24 h</th><th scope="col" class="number">Response</th></tr></thead>
<tbody>${rows.join("\n")}</tbody>
</table></div>`;
  return `<section aria-labelledby="providers">
<h2 id="providers">Providers</h2>
${body}
</section>`;
}

function incidents({ incidents: list, nowMs }: StatusPageData): string {
  const rows = list.map((incident) => {
    const over = incident.status === "resolved";
    const length = duration((incident.resolvedAtMs ?? nowMs) - incident.startedAtMs);
    const state = over
      ? `Resolved after ${length}`
      : `${incident.status === "acknowledged" ? "Being looked into" : "Open"} for ${length}`;
    return `<li><strong>${escaped(INCIDENT_WORDS[incident.incidentType])}: ${escaped(incident.provider)} / ${escaped(incident.model)}</strong>
<span class="tag ${over ? "online" : incident.severity}">${over ? "Resolved" : incident.severity}</span>
<p>${stamp(new Date(incident.startedAtMs).toISOString())}. ${state}.</p></li>`;
  });
  const body =
    rows.length === 0
      ? `<p class="empty">None in the last seven days.</p>`
      : `<ul class="list">${rows.join("\n")}</ul>`;
  return `<section aria-labelledby="incidents">
<h2 id="incidents">Incidents</h2>
${body}
</section>`;
}

function percent(value: number): string {
  // 99.996 must not look like 100.
  return `${value >= 100 ? "100" : Math.min(99.99, Math.floor(value * 100) / 100).toFixed(2)} %`;
}

function duration(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

function stamp(iso: string): string {
  return `<time datetime="${escaped(iso)}">${escaped(iso.slice(0, 16).replace("T", " "))} UTC</time>`;
}

function clock(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Names of models come from outside. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
