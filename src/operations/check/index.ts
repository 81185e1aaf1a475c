import { checkBackend } from "./backend.ts";
import { checkLoki, checkPrometheus, checkTempo } from "./engines.ts";
import { checkGrafana } from "./grafana.ts";
import { checkPlatform, checkUptime } from "./platform.ts";
import { type Finding, type Installation, Target } from "./target.ts";

export type { Finding, Installation } from "./target.ts";

/** The guide's Phases 4 and 5 and its success criteria, measured; in the guide's order. */
export async function runChecks(installation: Installation): Promise<Finding[]> {
  const target = new Target(installation);
  const groups = await Promise.all([
    measured("Backend", installation.gateway, checkBackend(target)),
    measured("Prometheus", installation.metrics, checkPrometheus(target)),
    measured("Loki", installation.logs, checkLoki(target)),
    measured("Tempo", installation.traces, checkTempo(target)),
    measured("Grafana", installation.dashboards, checkGrafana(target)),
    measured("Overall", installation.metrics, checkUptime(target)),
  ]);
  return [...groups.flat().map(keyRefused), ...checkPlatform(target)];
}

/** An answer that is not what the system at this address would say is a finding, not the end of all checks. */
async function measured(component: Finding["component"], url: string, checks: Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await checks;
  } catch (error) {
    const finding: Finding = {
      component,
      criterion: "Answers as expected",
      measured: (error as Error).message,
      verdict: "fail",
      cause: `something else answers at ${url}`,
      fix: "correct the address, or the port of the role",
    };
    return [finding];
  }
}

/** Beyond loopback the engines' readiness is open and all else asks for a key: that, not the data, is what is wrong. */
function keyRefused(finding: Finding): Finding {
  const ofEngine = ["Prometheus", "Loki", "Tempo"].includes(finding.component);
  if (!ofEngine || finding.verdict !== "fail" || !finding.measured.startsWith("401")) return finding;
  return {
    ...finding,
    cause: `${finding.component} refuses the key`,
    fix: "set GATEWAYZ_ENGINE_KEY to the engines' key (kept in the data folder as engine-key)",
  };
}
