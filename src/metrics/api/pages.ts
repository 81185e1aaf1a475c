import type { FastifyInstance } from "fastify";
import type { RoleContext } from "../../runtime/role.ts";
import { printConfig } from "../config/print-config.ts";
import type { RunningServer, ServerState } from "../server-state.ts";
import { type Html, html, page } from "./html.ts";
import { queryPage } from "./pages-query.ts";
import { alertsPage, rulesPage } from "./pages-rules.ts";
import { targetsPage } from "./pages-targets.ts";
import { Params } from "./params.ts";
import type { QueryGate } from "./query-gate.ts";
import type { RequestSignals } from "./request-signals.ts";
import { runtimeInfo } from "./status.ts";

/** No script runs on these pages, whatever a label says. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

type Render = (server: RunningServer, params: Params, signal: AbortSignal) => Html | Promise<Html>;

/** Plain pages for a person with a browser and nothing else. */
export function addPages(
  app: FastifyInstance,
  context: RoleContext,
  state: ServerState,
  gate: QueryGate,
  signals: RequestSignals,
): void {
  const add = (path: string, title: string, render: Render): void => {
    app.get(path, async (request, reply) => {
      reply
        .header("content-security-policy", CONTENT_SECURITY_POLICY)
        .header("x-content-type-options", "nosniff")
        .type("text/html; charset=utf-8");
      const signal = signals.of(reply);
      const body =
        state.running === undefined
          ? html`<p>The server is starting: it reads back what was stored. Reload in a moment.</p>`
          : await render(state.running, new Params(request), signal);
      return reply.code(state.running === undefined ? 503 : 200).send(page(path, title, body));
    });
  };
  app.get("/", (_request, reply) => reply.redirect("/query"));
  app.get("/graph", (request, reply) => {
    const params = new Params(request);
    return reply.redirect(`/query?query=${encodeURIComponent(params.text("g0.expr"))}`);
  });
  add("/query", "Query", (server, params, signal) => queryPage({ ...server, gate }, params, signal));
  add("/targets", "Targets", (server) => targetsPage(server.scrape));
  add("/rules", "Rules", (server) => rulesPage(server.rules.groups));
  add("/alerts", "Alerts", (server) => alertsPage(server.rules.groups));
  add("/config", "Configuration", () => {
    const { config } = state;
    if (config === undefined) return html`<p>No configuration is loaded.</p>`;
    return html`<p class="muted">${config.source}</p><pre>${printConfig(config)}</pre>`;
  });
  add("/status", "Status", (server) => statusPage(server, state, context));
}

function statusPage({ store }: RunningServer, state: ServerState, context: RoleContext): Html {
  const runtime = Object.entries(runtimeInfo({ ...state, retentionMs: context.config.metrics.retention }));
  const { minTimeMs, maxTimeMs, ...numbers } = store.stats;
  const storage: [string, string | number][] = [
    ["folder", context.dataDir],
    ...Object.entries(numbers),
    ["oldest sample in memory", minTimeMs === undefined ? "none" : new Date(minTimeMs).toISOString()],
    ["newest sample in memory", maxTimeMs === undefined ? "none" : new Date(maxTimeMs).toISOString()],
  ];
  const names = store.cardinality(10).seriesCountByMetricName.map(({ name, value }): [string, number] => [name, value]);
  return html`<h2>Runtime</h2>${rows(runtime.map(([name, value]) => [name, String(value)]))}
<h2>Storage</h2>${rows(storage)}
<h2>Metrics with the most series</h2>${rows(names)}`;
}

function rows(entries: readonly (readonly [string, string | number])[]): Html {
  return html`<table>${entries.map(([name, value]) => html`<tr><th>${name}</th><td><code>${value}</code></td></tr>`)}</table>`;
}
