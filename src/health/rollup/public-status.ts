import type { ModelState } from "../model-state.ts";
import { isChecked, mean, type Rollup } from "./rollup.ts";

/** Share of offline models from which on it is an outage (contract section 3d). */
const OUTAGE_SHARE = 0.1;

export interface PublicStatus {
  readonly status: "operational" | "degraded" | "major_outage";
  readonly status_message: string;
  /** Mean of the models' last 24 h, percent. */
  readonly uptime_percentage: number;
  readonly total_models: number;
  readonly healthy_models: number;
  readonly offline_models: number;
  readonly total_providers: number;
  readonly total_gateways: number;
  readonly healthy_gateways: number;
  readonly gateway_health_percentage: number;
  readonly active_incidents: number;
  readonly last_updated: string;
}

const MESSAGES: Readonly<Record<PublicStatus["status"], string>> = {
  operational: "All systems operational",
  degraded: "Some models are not answering",
  major_outage: "Many models are not answering",
};

/** What everybody may know. Models that have not been checked yet are not counted as offline. */
export function publicStatus(
  { system }: Rollup,
  models: readonly ModelState[],
  activeIncidents: number,
  nowMs: number,
): PublicStatus {
  const checked = models.filter(isChecked);
  const healthy = checked.filter(({ lastStatus }) => lastStatus === "success").length;
  const offline = checked.length - healthy;
  const status = statusOf(offline, checked.length);
  return {
    status,
    status_message: MESSAGES[status],
    uptime_percentage: mean(checked.map(({ uptime24h }) => uptime24h)) ?? 100,
    total_models: system.total_models,
    healthy_models: healthy,
    offline_models: offline,
    total_providers: system.total_providers,
    total_gateways: system.total_gateways,
    healthy_gateways: system.healthy_gateways,
    gateway_health_percentage:
      system.total_gateways === 0 ? 100 : (100 * system.healthy_gateways) / system.total_gateways,
    active_incidents: activeIncidents,
    last_updated: new Date(nowMs).toISOString(),
  };
}

/** Contract section 3d: nothing offline, less than a tenth, more. */
export function statusOf(offline: number, total: number): PublicStatus["status"] {
  if (offline === 0 || total === 0) return "operational";
  return offline / total < OUTAGE_SHARE ? "degraded" : "major_outage";
}
