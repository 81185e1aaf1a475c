import { keyOf } from "../check.ts";
import type { Incident } from "../incidents/incidents.ts";
import { ALERTS_MAX } from "../limits.ts";
import type { ModelState } from "../model-state.ts";
import { isChecked, type ProviderHealth, type Rollup } from "../rollup/rollup.ts";
import type { ProviderHour } from "../store/aggregate-store.ts";
import { type Alert, type AlertSeverity, type AlertType, alertKey, rankOf } from "./alert.ts";

/** Contract section 3b: percent of checked models that answer. */
const SYSTEM_ERROR_BELOW = 90;
const SYSTEM_CRITICAL_BELOW = 85;
/** Failures in a row after which a model is told about: one may be an accident. */
const FAILURES_MIN = 3;
const ERROR_RATE_MIN = 0.25;
/** A share of fewer calls says nothing. */
const CALLS_MIN = 20;
/** From here on the latency score of a provider is 0 (contract section 6c). */
const SLOW_P95_MS = 10_000;

export interface RuleInput {
  readonly rollup: Rollup;
  readonly models: readonly ModelState[];
  readonly openIncidents: readonly Incident[];
  readonly lastHour: ReadonlyMap<string, ProviderHour>;
  inMaintenance(state: ModelState): boolean;
}

/**
 * Everything that is wrong now, the most severe first. A model is not named while its provider as a whole is down, while
 * it is in maintenance, or while somebody has acknowledged its incident.
 */
export function alertsOf(input: RuleInput): Alert[] {
  const { rollup, models, lastHour } = input;
  const checked = models.filter((state) => isChecked(state) && !input.inMaintenance(state));
  const down = new Set(rollup.providers.filter(({ status }) => status === "offline").map(({ provider }) => provider));
  const watched = new Set(checked.map(({ provider }) => provider));
  const acknowledged = new Set(
    input.openIncidents.filter(({ status }) => status === "acknowledged").map((incident) => keyOf(incident)),
  );
  const named = checked.filter((state) => !down.has(state.provider) && !acknowledged.has(keyOf(state)));
  const alerts = [
    ...systemAlert(checked),
    ...rollup.providers.filter(({ provider }) => watched.has(provider)).flatMap(providerAlert),
    ...[...lastHour].filter(([provider]) => watched.has(provider)).flatMap(hourAlerts),
    ...named.flatMap(modelAlerts),
  ];
  return alerts.sort((a, b) => rankOf(b.severity) - rankOf(a.severity)).slice(0, ALERTS_MAX);
}

function alert(
  type: AlertType,
  severity: AlertSeverity,
  title: string,
  message: string,
  about: { provider?: string; model?: string },
  details: Alert["details"],
): Alert {
  const { provider, model } = about;
  return { key: alertKey(type, provider, model), type, severity, title, message, provider, model, details };
}

function systemAlert(checked: readonly ModelState[]): Alert[] {
  if (checked.length === 0) return [];
  const healthy = checked.filter(({ lastStatus }) => lastStatus === "success").length;
  const percent = (100 * healthy) / checked.length;
  if (percent >= SYSTEM_ERROR_BELOW) return [];
  const critical = percent < SYSTEM_CRITICAL_BELOW;
  const message = `${healthy} of ${checked.length} models answer (${percent.toFixed(1)} %); expected are ${SYSTEM_ERROR_BELOW} %.`;
  return [
    alert(
      "system_health",
      critical ? "critical" : "high",
      "System health is low",
      message,
      {},
      {
        level: critical ? "critical" : "error",
        healthy_percentage: Number(percent.toFixed(2)),
        healthy_models: healthy,
        total_models: checked.length,
      },
    ),
  ];
}

function providerAlert({ provider, status, unhealthy_models, total_models }: ProviderHealth): Alert[] {
  if (status === "online") return [];
  const details = { unhealthy_models, total_models };
  const message = `${unhealthy_models} of ${total_models} models of ${provider} do not answer.`;
  if (status === "offline") {
    return [alert("provider_down", "critical", `${provider} is down`, message, { provider }, details)];
  }
  return [alert("provider_degraded", "medium", `${provider} is degraded`, message, { provider }, details)];
}

function hourAlerts([provider, hour]: [string, ProviderHour]): Alert[] {
  const alerts: Alert[] = [];
  const rate = hour.requests === 0 ? 0 : hour.errors / hour.requests;
  if (hour.requests >= CALLS_MIN && rate >= ERROR_RATE_MIN) {
    const message = `${hour.errors} of ${hour.requests} calls of the last hour failed (${(100 * rate).toFixed(1)} %).`;
    const details = { error_rate: Number(rate.toFixed(4)), requests: hour.requests, errors: hour.errors };
    alerts.push(alert("high_error_rate", "high", `${provider} fails often`, message, { provider }, details));
  }
  if (hour.requests >= CALLS_MIN && hour.p95Ms !== undefined && hour.p95Ms >= SLOW_P95_MS) {
    const seconds = (hour.p95Ms / 1_000).toFixed(1);
    const message = `One of twenty answers of the last hour took longer than ${seconds} s.`;
    const details = { p95_ms: Math.round(hour.p95Ms), requests: hour.requests };
    alerts.push(alert("slow_response", "medium", `${provider} is slow`, message, { provider }, details));
  }
  return alerts;
}

function modelAlerts(state: ModelState): Alert[] {
  const { provider, model, consecutiveFailures, lastError, tier, circuitState } = state;
  if (consecutiveFailures < FAILURES_MIN) return [];
  const about = { provider, model };
  const details = { consecutive_failures: consecutiveFailures, last_status: state.lastStatus!, tier };
  const message = `${consecutiveFailures} calls in a row failed: ${lastError ?? state.lastStatus}`;
  const name = `${model} at ${provider}`;
  const failing =
    tier === "critical"
      ? alert("critical_model_down", "critical", `${name} is down`, message, about, details)
      : alert(
          "model_degraded",
          consecutiveFailures >= 5 ? "high" : "medium",
          `${name} is failing`,
          message,
          about,
          details,
        );
  if (circuitState !== "open") return [failing];
  return [failing, alert("circuit_breaker_open", "high", `Breaker of ${name} is open`, message, about, details)];
}
