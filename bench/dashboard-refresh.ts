import { panelQueries } from "../src/operations/check/panel-queries.ts";
import type { Stack } from "../test/support/stack.ts";

const DASHBOARD_UIDS = [
  "gatewayz-request-metrics",
  "gatewayz-health-status",
  "gatewayz-trace-analysis",
  "gatewayz-log-aggregation",
];
const REFRESH_MS = 5_000;
const RANGE_SECONDS = 900;
/** 180 points per panel, about what a panel of a third of a screen asks for. */
const STEP_SECONDS = 5;
const PARALLEL_QUERIES = 6; // what a browser opens to one host

/** Asks what four open dashboards ask, every 5 s like their own refresh, without a browser. */
export class DashboardRefresh {
  readonly #stack: Stack;
  readonly #dashboards: Record<string, unknown>[] = [];
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;
  /** Milliseconds that each refresh of all dashboards took. */
  readonly refreshMs: number[] = [];
  queries = 0;
  failed = 0;
  bytes = 0;

  constructor(stack: Stack) {
    this.#stack = stack;
    this.#timer = setInterval(() => {
      // A browser leaves a refresh out while the one before is still running.
      this.#running ??= this.#refresh().finally(() => {
        this.#running = undefined;
      });
    }, REFRESH_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #refresh(): Promise<void> {
    if (this.#dashboards.length === 0) {
      for (const uid of DASHBOARD_UIDS) {
        const reply = await this.#get(`/api/dashboards/uid/${uid}`);
        this.#dashboards.push((JSON.parse(reply) as { dashboard: Record<string, unknown> }).dashboard);
      }
    }
    const startedAtMs = performance.now();
    const paths = this.#dashboards.flatMap((dashboard) => panelQueries(dashboard).flatMap((panel) => panel.paths));
    const waiting = paths.map(asRange).values();
    await Promise.all(
      Array.from({ length: PARALLEL_QUERIES }, async () => {
        for (const path of waiting) {
          this.queries++;
          this.bytes += (await this.#get(path)).length;
        }
      }),
    );
    this.refreshMs.push(performance.now() - startedAtMs);
  }

  async #get(path: string): Promise<string> {
    const authorization = `Basic ${Buffer.from("admin:admin").toString("base64")}`;
    const reply = await fetch(this.#stack.url("dashboards") + path, { headers: { authorization } });
    if (!reply.ok) this.failed++;
    return reply.text();
  }
}

/** An instant PromQL query as the range query that a graph of it sends. */
function asRange(path: string): string {
  const end = Math.floor(Date.now() / 1000 / STEP_SECONDS) * STEP_SECONDS;
  const range = `&start=${end - RANGE_SECONDS}&end=${end}&step=${STEP_SECONDS}`;
  return path.includes("/api/v1/query?query=") ? path.replace("/api/v1/query?", "/api/v1/query_range?") + range : path;
}
