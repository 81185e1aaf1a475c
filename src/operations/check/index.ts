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
    checkBackend(target),
    checkPrometheus(target),
    checkLoki(target),
    checkTempo(target),
    checkGrafana(target),
    checkUptime(target),
  ]);
  return [...groups.flat(), ...checkPlatform(target)];
}
