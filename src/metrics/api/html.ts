/** A piece of HTML that is safe to put into a page as it is. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Html | readonly Html[] | undefined;

/** A template whose values are escaped, unless they are `Html` themselves. */
export function html(strings: TemplateStringsArray, ...values: Part[]): Html {
  let text = strings[0]!;
  for (const [index, value] of values.entries()) text += render(value) + strings[index + 1]!;
  return new Html(text);
}

function render(value: Part): string {
  if (value === undefined) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "string" || typeof value === "number") return escapeText(String(value));
  return value.map(({ text }) => text).join("");
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --up: #1a7f37; --down: #c62828; --wait: #b06d00; }
@media (prefers-color-scheme: dark) { :root { --up: #4cc26a; --down: #ff6b6b; --wait: #e6a23c; } }
body { font: 14px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1400px; padding: 0 1.5rem 3rem; }
nav { display: flex; gap: 1.25rem; padding: .9rem 0; border-bottom: 1px solid var(--line); align-items: baseline; }
nav b { margin-right: .5rem; } nav a { text-decoration: none; } nav a[aria-current] { font-weight: 600; }
h1 { font-size: 1.3rem; margin: 1.4rem 0 .6rem; } h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .35rem .7rem .35rem 0;
border-bottom: 1px solid var(--line); vertical-align: top; } th { font-weight: 600; }
code, pre { font: 12.5px/1.5 ui-monospace, monospace; } pre { overflow: auto; padding: .8rem; background: var(--soft); }
td code, .label { overflow-wrap: anywhere; } .label { display: inline-block; background: var(--soft);
border-radius: 3px; padding: 0 .35rem; margin: 0 .25rem .15rem 0; font: 12px/1.6 ui-monospace, monospace; }
.state { font-weight: 600; white-space: nowrap; } .up, .ok, .inactive { color: var(--up); }
.down, .err, .firing { color: var(--down); } .unknown, .pending { color: var(--wait); }
.number { text-align: right; font-variant-numeric: tabular-nums; } .muted { opacity: .7; font-weight: 400; }
.aligned { table-layout: fixed; } .aligned td { overflow-wrap: anywhere; } th { white-space: nowrap; } td.number { padding-right: 1.4rem; }
textarea { width: 100%; box-sizing: border-box; font: 13px/1.5 ui-monospace, monospace; }`;

/** Pages of the menu, path and title. */
const MENU = [
  ["/query", "Query"],
  ["/alerts", "Alerts"],
  ["/rules", "Rules"],
  ["/targets", "Targets"],
  ["/config", "Configuration"],
  ["/status", "Status"],
] as const;

/** A whole page with the menu on top. @param path the page's own entry in the menu. */
export function page(path: string, title: string, body: Html): string {
  const links = MENU.map(([target, name]) =>
    target === path ? html`<a href="${target}" aria-current="page">${name}</a>` : html`<a href="${target}">${name}</a>`,
  );
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title} · GatewayZ metrics</title><style>${new Html(STYLE)}</style></head>
<body><nav><b>GatewayZ metrics</b>${links}</nav><h1>${title}</h1>${body}</body></html>`.text;
}

/** Labels as small boxes. */
export function labelBoxes(labels: Iterable<readonly [string, string]>): Html[] {
  return [...labels].map(([name, value]) => html`<span class="label">${name}="${value}"</span>`);
}

/** How long ago, `3.2s ago`; `never` for 0. @param ms Unix ms. */
export function ago(ms: number, nowMs: number): string {
  return ms === 0 ? "never" : `${seconds((nowMs - ms) / 1_000)} ago`;
}

/** A short time span for people: `12ms`, `3.2s`, `5m 3s`. */
export function seconds(value: number): string {
  if (value < 1) return `${Math.max(0, Math.round(value * 1_000))}ms`;
  if (value < 60) return `${value.toFixed(1)}s`;
  const minutes = Math.floor(value / 60);
  return minutes < 60 ? `${minutes}m ${Math.floor(value % 60)}s` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}
