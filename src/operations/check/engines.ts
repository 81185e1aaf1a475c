import { type ProbeResult, summary } from "../probe.ts";
import type { Finding, Target } from "./target.ts";

/** How far back "aggregates logs" and "receives traces" look. */
const RECENT_MINUTES = 15;
const SCRAPE_JOB = "gatewayz_staging";

/** Phase 4, steps 4 and 5; on failure the tree of the guide's issue 3. */
export async function checkPrometheus(target: Target): Promise<Finding[]> {
  const reply = await target.engine(target.at.metrics, "/api/v1/targets?state=active");
  const criterion = "Scrapes backend successfully, UP status";
  if (!reply.ok || reply.status !== 200)
    return [unreachable("Prometheus", criterion, reply, target.at.metrics, "metrics")];
  const { data } = JSON.parse(reply.body) as { data: { activeTargets: ActiveTarget[] } };
  const scrape = data.activeTargets.find(({ labels }) => labels["job"] === SCRAPE_JOB);
  return [scrapeFinding(criterion, scrape), await trackedModels(target)];
}

interface ActiveTarget {
  labels: Record<string, string>;
  scrapeUrl: string;
  health: string;
  lastError: string;
  lastScrapeDuration: number;
}

function scrapeFinding(criterion: string, scrape: ActiveTarget | undefined): Finding {
  const component = "Prometheus";
  if (scrape === undefined) {
    return {
      component,
      criterion,
      measured: `no target of job ${SCRAPE_JOB}`,
      verdict: "fail",
      cause: "the scrape configuration has no such job",
      fix: `add a scrape_config with job_name ${SCRAPE_JOB} for the gateway's /metrics`,
    };
  }
  if (scrape.health === "up") {
    return {
      component,
      criterion,
      measured: `up, scraped in ${Math.round(scrape.lastScrapeDuration * 1000)} ms`,
      verdict: "ok",
    };
  }
  const measured = `${scrape.health} ${scrape.scrapeUrl}`;
  if (scrape.health === "unknown") return { component, criterion, measured, verdict: "pending" };
  return { component, criterion, measured, verdict: "fail", cause: scrape.lastError, fix: scrapeFix(scrape.lastError) };
}

/** The guide's three questions: the URL, the token, the network. */
function scrapeFix(error: string): string {
  if (/\b401\b|\b403\b/.test(error)) return "put the gateway's admin key as bearer credentials into the scrape job";
  if (/\b404\b/.test(error)) return "correct metrics_path of the scrape job; the gateway exports /metrics";
  if (/ENOTFOUND|no such host|EAI_AGAIN/.test(error)) return "correct the host name in the scrape job's targets";
  if (/ECONNREFUSED|connection refused/.test(error))
    return "start the gateway, or correct the port in the scrape job's targets";
  if (/timeout|deadline/i.test(error)) return "raise scrape_timeout, or find out why the gateway answers slowly";
  return "compare the target's URL, token and path with what the gateway listens on";
}

async function trackedModels(target: Target): Promise<Finding> {
  const component = "Prometheus";
  const criterion = "gatewayz_health_tracked_models is numeric";
  const result = await target.promql("gatewayz_health_tracked_models");
  if (typeof result === "string")
    return {
      component,
      criterion,
      measured: result,
      verdict: "fail",
      cause: "the query failed",
      fix: "look at the metrics role's log",
    };
  const value = result[0]?.value;
  if (value !== undefined && Number.isFinite(value))
    return { component, criterion, measured: String(value), verdict: "ok" };
  return {
    component,
    criterion,
    measured: "no value",
    verdict: "fail",
    cause: "the series is not stored (yet)",
    fix: "wait for the first scrape; if it stays empty, see the backend rows above",
  };
}

/** Phase 4, step 2, and "Aggregates logs, no crashes". */
export async function checkLoki(target: Target): Promise<Finding[]> {
  const ready = await target.engine(target.at.logs, "/loki/api/v1/status/ready");
  if (!ready.ok || ready.status !== 200) return [unreachable("Loki", "Answers ready", ready, target.at.logs, "logs")];
  const query = encodeURIComponent(`sum(count_over_time({app=~".+"}[${RECENT_MINUTES}m]))`);
  const counted = await target.engine(target.at.logs, `/loki/api/v1/query?query=${query}`);
  const lines = counted.ok && counted.status === 200 ? firstValue(counted.body) : undefined;
  return [
    { component: "Loki", criterion: "Answers ready", measured: summary(ready), verdict: "ok" },
    lines !== undefined && lines > 0
      ? {
          component: "Loki",
          criterion: "Aggregates logs",
          measured: `${lines} lines in ${RECENT_MINUTES} min`,
          verdict: "ok",
        }
      : {
          component: "Loki",
          criterion: "Aggregates logs",
          measured: lines === undefined ? summary(counted) : "no lines",
          verdict: "fail",
          cause: "no log lines arrive",
          fix: "set GATEWAYZ_LOGS_URL for the gateway and look for push errors in its log",
        },
    await noRestarts(target, "Loki", "gatewayz_logs"),
  ];
}

/** Phase 4, step 3, and "Receives traces, stores safely". */
export async function checkTempo(target: Target): Promise<Finding[]> {
  const ready = await target.engine(target.at.traces, "/status/ready");
  if (!ready.ok || ready.status !== 200)
    return [unreachable("Tempo", "Answers ready", ready, target.at.traces, "traces")];
  const now = Math.floor(Date.now() / 1000);
  const search = await target.engine(
    target.at.traces,
    `/api/search?limit=1&q=${encodeURIComponent("{}")}&start=${now - RECENT_MINUTES * 60}&end=${now + 5}`,
  );
  const found =
    search.ok && search.status === 200
      ? ((JSON.parse(search.body) as { traces?: { traceID: string }[] }).traces?.[0]?.traceID ?? "")
      : "";
  const read = found === "" ? undefined : await target.engine(target.at.traces, `/api/traces/${found}`);
  const stored = read?.ok === true && read.status === 200;
  return [
    { component: "Tempo", criterion: "Answers ready", measured: summary(ready), verdict: "ok" },
    stored
      ? {
          component: "Tempo",
          criterion: "Receives traces, stores safely",
          measured: `trace ${found} read back`,
          verdict: "ok",
        }
      : {
          component: "Tempo",
          criterion: "Receives traces, stores safely",
          measured:
            search.ok && search.status !== 200
              ? summary(search)
              : found === ""
                ? `no trace in ${RECENT_MINUTES} min`
                : summary(read!),
          verdict: "fail",
          cause: "no spans arrive",
          fix: "set GATEWAYZ_TRACES_URL (and GATEWAYZ_OTLP_URL) for the gateway and send a request",
        },
    await noRestarts(target, "Tempo", "gatewayz_traces"),
  ];
}

/** A restart moves the start time; the guide's "no crash loops". */
async function noRestarts(target: Target, component: "Loki" | "Tempo", job: string): Promise<Finding> {
  const criterion = "No crashes in the last hour";
  const result = await target.promql(`sum(changes(process_start_time_seconds{job="${job}"}[1h]))`);
  if (typeof result === "string" || result.length === 0) {
    return { component, criterion, measured: `job ${job} is not scraped (yet)`, verdict: "pending" };
  }
  const restarts = result[0]!.value;
  if (restarts === 0) return { component, criterion, measured: "0 restarts", verdict: "ok" };
  return {
    component,
    criterion,
    measured: `${restarts} restarts`,
    verdict: "fail",
    cause: "the process ended and was started again",
    fix: "read its last log lines before the restart: memory, disk or configuration",
  };
}

function firstValue(body: string): number | undefined {
  const { data } = JSON.parse(body) as { data: { result: { value?: [number, string] }[] } };
  return data.result.length === 0 ? 0 : Number(data.result[0]!.value?.[1]);
}

function unreachable(
  component: Finding["component"],
  criterion: string,
  reply: ProbeResult,
  url: string,
  role: string,
): Finding {
  return {
    component,
    criterion,
    measured: summary(reply),
    verdict: "fail",
    cause: `${component} does not answer at ${url}`,
    fix: `start it with \`gatewayz up ${role}\`, or correct its address`,
  };
}
