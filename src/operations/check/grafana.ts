import { summary } from "../probe.ts";
import { panelQueries } from "./panel-queries.ts";
import type { Finding, Target } from "./target.ts";

/** The dashboards that the guide names, by our uids. */
const DASHBOARD_UIDS = [
  "gatewayz-request-metrics",
  "gatewayz-health-status",
  "gatewayz-trace-analysis",
  "gatewayz-log-aggregation",
];
const TIMESTAMP_AGE_MAX_SECONDS = 60;
/** Rates over a minute need two scrapes in it, percentiles some requests: a stack younger than this may show gaps. */
const HISTORY_MIN_SECONDS = 120;

/** Phase 5: the data sources answer, every panel has data, the data is recent. */
export async function checkGrafana(target: Target): Promise<Finding[]> {
  const health = await target.dashboards("/api/health");
  if (!health.ok || health.status !== 200) {
    return [
      {
        component: "Grafana",
        criterion: "Answers",
        measured: summary(health),
        verdict: "fail",
        cause: `the dashboards do not answer at ${target.at.dashboards}`,
        fix: "start them with `gatewayz up dashboards`",
      },
    ];
  }
  const sources = await target.dashboards("/api/datasources");
  if (!sources.ok || sources.status !== 200) {
    return [
      {
        component: "Grafana",
        criterion: "Data sources healthy",
        measured: summary(sources),
        verdict: "fail",
        cause: "the API refuses the password",
        fix: "set GATEWAYZ_DASHBOARDS_PASSWORD to the password of the user admin",
      },
    ];
  }
  const list = JSON.parse(sources.body) as { uid: string; name: string }[];
  return [await dataSourceHealth(target, list), await panels(target), await recent(target)];
}

async function dataSourceHealth(target: Target, list: readonly { uid: string; name: string }[]): Promise<Finding> {
  const criterion = "Data sources healthy";
  const bad: string[] = [];
  for (const { uid, name } of list) {
    const reply = await target.dashboards(`/api/datasources/uid/${encodeURIComponent(uid)}/health`);
    const message = reply.ok ? (JSON.parse(reply.body) as { status?: string; message?: string }) : undefined;
    if (message?.status !== "OK") bad.push(`${name}: ${message?.message ?? summary(reply)}`);
  }
  const measured = `${list.length - bad.length} of ${list.length}`;
  if (bad.length === 0 && list.length > 0) return { component: "Grafana", criterion, measured, verdict: "ok" };
  return {
    component: "Grafana",
    criterion,
    measured,
    verdict: "fail",
    cause: bad.join("; ") || "no data source is provisioned",
    fix: "correct the data source's URL, or start the engine behind it",
  };
}

async function panels(target: Target): Promise<Finding> {
  const criterion = "Displays all data on dashboards";
  let total = 0;
  const empty: string[] = [];
  for (const uid of DASHBOARD_UIDS) {
    const reply = await target.dashboards(`/api/dashboards/uid/${uid}`);
    if (!reply.ok || reply.status !== 200) {
      empty.push(`dashboard ${uid} is missing`);
      continue;
    }
    const { dashboard } = JSON.parse(reply.body) as { dashboard: Record<string, unknown> };
    for (const panel of panelQueries(dashboard)) {
      total++;
      const answers = await Promise.all(panel.paths.map((path) => target.dashboards(path)));
      if (!answers.some((answer) => answer.ok && answer.status === 200 && hasData(answer.body)))
        empty.push(`${String(dashboard["title"])} › ${panel.title}`);
    }
  }
  const measured = `${total - empty.length} of ${total} panels have data`;
  if (empty.length === 0) return { component: "Grafana", criterion, measured, verdict: "ok" };
  const history = await historySeconds(target);
  if (history !== undefined && history < HISTORY_MIN_SECONDS) {
    return {
      component: "Grafana",
      criterion,
      measured: `${measured} after ${Math.round(history)} s`,
      verdict: "pending",
    };
  }
  return {
    component: "Grafana",
    criterion,
    measured,
    verdict: "fail",
    cause: `no data: ${empty.slice(0, 5).join("; ")}`,
    fix: "send a request through the gateway; if a panel stays empty, query its metric in Explore",
  };
}

/** Age of the gateway's oldest sample in the last hour; undefined where there is none, or metrics do not answer. */
async function historySeconds(target: Target): Promise<number | undefined> {
  const age = await target.promql('time() - min(min_over_time(timestamp(up{job="gatewayz_staging"})[1h:15s]))');
  return typeof age === "string" ? undefined : age[0]?.value;
}

/** Whether a Prometheus, Loki or Tempo answer holds anything. */
function hasData(body: string): boolean {
  const parsed = JSON.parse(body) as { data?: { result?: unknown[] }; traces?: unknown[]; series?: unknown[] };
  return (parsed.data?.result?.length ?? parsed.traces?.length ?? parsed.series?.length ?? 0) > 0;
}

async function recent(target: Target): Promise<Finding> {
  const criterion = "Timestamps are recent (within 1 minute)";
  const result = await target.promql('time() - max(timestamp(up{job="gatewayz_staging"}))');
  const age = typeof result === "string" ? undefined : result[0]?.value;
  if (age === undefined)
    return {
      component: "Grafana",
      criterion,
      measured: typeof result === "string" ? result : "no samples",
      verdict: "fail",
      cause: "no sample of the gateway is stored",
      fix: "see the Prometheus rows",
    };
  const measured = `newest sample is ${age.toFixed(1)} s old`;
  if (age <= TIMESTAMP_AGE_MAX_SECONDS) return { component: "Grafana", criterion, measured, verdict: "ok" };
  return {
    component: "Grafana",
    criterion,
    measured,
    verdict: "fail",
    cause: "scrapes have stopped",
    fix: "see the Prometheus rows",
  };
}
