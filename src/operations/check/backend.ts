import { summary } from "../probe.ts";
import type { Finding, Target } from "./target.ts";

/** The guide's own number. */
const HEALTH_METRICS_MIN = 15;
/** Two collector rounds; older than that, a round was missed. */
const ROUND_AGE_MAX_SECONDS = 65;

/** Phase 4, step 1, and "Exports 15+ health metrics every 30s"; on failure the tree of the guide's issue 1. */
export async function checkBackend(target: Target): Promise<Finding[]> {
  const reply = await target.gateway("/metrics");
  const criterion = "Exports 15+ health metrics every 30s";
  if (!reply.ok) {
    return [
      fail(
        criterion,
        summary(reply),
        `the gateway cannot be reached at ${target.at.gateway}`,
        "start it with `gatewayz up gateway`, or give its address with --gateway",
      ),
    ];
  }
  if (reply.status === 401) {
    return [
      fail(
        criterion,
        summary(reply),
        "the gateway refuses the key",
        "set ADMIN_API_KEY to the gateway's key (kept in the data folder as admin-api-key)",
      ),
    ];
  }
  if (reply.status !== 200)
    return [
      fail(
        criterion,
        summary(reply),
        "the gateway's /metrics does not answer 200",
        "look at the gateway's log for the reason",
      ),
    ];
  const lines = reply.body.split("\n");
  const count = lines.filter((line) => line.includes("gatewayz_health")).length;
  const value = (name: string): number | undefined => numberOf(lines, name);
  const lastRound = value("gatewayz_health_service_last_successful_scrape");
  const ageSeconds = lastRound === undefined || lastRound === 0 ? undefined : Math.round(Date.now() / 1000 - lastRound);
  const fresh = ageSeconds !== undefined && ageSeconds <= ROUND_AGE_MAX_SECONDS;
  const measured = `${count} lines, last round ${ageSeconds === undefined ? "never" : `${ageSeconds} s ago`}`;
  const findings: Finding[] = [];
  if (count >= HEALTH_METRICS_MIN && fresh) findings.push({ component: "Backend", criterion, measured, verdict: "ok" });
  else findings.push(await healthMetricsMissing(target, criterion, measured, count));
  const up = value("gatewayz_health_service_up");
  findings.push(
    up === 1
      ? {
          component: "Backend",
          criterion: "Health service is reachable",
          measured: "gatewayz_health_service_up 1",
          verdict: "ok",
        }
      : await healthServiceDown(target, up),
  );
  return findings;
}

async function healthMetricsMissing(
  target: Target,
  criterion: string,
  measured: string,
  count: number,
): Promise<Finding> {
  if (count < HEALTH_METRICS_MIN) {
    return fail(
      criterion,
      measured,
      "the gateway does not export the gatewayz_health_* family",
      'look for "Health service metrics collector started" in the gateway\'s log and set HEALTH_SERVICE_URL',
    );
  }
  const health = await target.engine(target.at.health, "/health");
  return health.ok && health.status === 200
    ? fail(
        criterion,
        measured,
        "the health service answers here, but the gateway's rounds do not succeed",
        "compare the URL in the gateway's log with the health service's address (HEALTH_SERVICE_URL)",
      )
    : fail(
        criterion,
        measured,
        `the health service does not answer (${summary(health)})`,
        "start it with `gatewayz up health`",
      );
}

async function healthServiceDown(target: Target, up: number | undefined): Promise<Finding> {
  const criterion = "Health service is reachable";
  const health = await target.engine(target.at.health, "/health");
  const measured = `gatewayz_health_service_up ${up ?? "missing"}`;
  return health.ok
    ? fail(
        criterion,
        measured,
        `the health service answers ${summary(health)} here, but not to the gateway`,
        "set the gateway's HEALTH_SERVICE_URL to an address that it can reach",
      )
    : fail(
        criterion,
        measured,
        `the health service does not answer (${summary(health)})`,
        "start it with `gatewayz up health`, or correct HEALTH_SERVICE_URL",
      );
}

/** Value of a series without labels in exposition text. */
function numberOf(lines: readonly string[], name: string): number | undefined {
  const line = lines.find((text) => text.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.split(" ")[1]);
}

function fail(criterion: string, measured: string, cause: string, fix: string): Finding {
  return { component: "Backend", criterion, measured, verdict: "fail", cause, fix };
}
