import { type Check, type CheckStatus, isHardFailure, type Target } from "./check.ts";
import { TIERS, type Tier } from "./probes/tiers.ts";

/** The health monitor's own breaker per model (contract section 4): it reports, it holds nothing back. */
export type CircuitState = "closed" | "open" | "half_open";

const CIRCUIT_OPENS_AFTER_FAILURES = 8;
const CIRCUIT_CLOSES_AFTER_SUCCESSES = 3;
/** More consecutive failures than this, and the model is checked at least every `health.checkInterval`. */
const FAILING_AFTER_FAILURES = 1;

/** Hard failures in a row (`isHardFailure`) after which the catalogue hides the model (contract section 3d). */
const HIDDEN_AFTER_HARD_FAILURES = 3;
/** A check comes up to this share of its interval earlier, so that models that were first seen together drift apart. */
const JITTER_SHARE = 0.1;

/** What is stored per model (contract section 3a). Times are Unix ms. */
export interface ModelState extends Target {
  readonly enabled: boolean;
  readonly tier: Tier;
  readonly lastStatus: CheckStatus | undefined;
  readonly lastCalledAtMs: number | undefined;
  readonly lastResponseTimeMs: number | undefined;
  /** Running mean over all successful checks. */
  readonly averageResponseTimeMs: number | undefined;
  readonly callCount: number;
  readonly successCount: number;
  readonly errorCount: number;
  readonly consecutiveFailures: number;
  readonly consecutiveSuccesses: number;
  /** Consecutive checks that found the model gone. */
  readonly hardFailures: number;
  readonly circuitState: CircuitState;
  readonly lastError: string | undefined;
  readonly lastSuccessAtMs: number | undefined;
  readonly lastFailureAtMs: number | undefined;
  readonly nextCheckAtMs: number;
  /** Percent of checks that succeeded; 100 without any. */
  readonly uptime24h: number;
  readonly uptime7d: number;
  readonly uptime30d: number;
}

export function newModelState(target: Target, nextCheckAtMs: number): ModelState {
  return {
    provider: target.provider,
    model: target.model,
    gateway: target.gateway,
    enabled: true,
    tier: "on_demand",
    lastStatus: undefined,
    lastCalledAtMs: undefined,
    lastResponseTimeMs: undefined,
    averageResponseTimeMs: undefined,
    callCount: 0,
    successCount: 0,
    errorCount: 0,
    consecutiveFailures: 0,
    consecutiveSuccesses: 0,
    hardFailures: 0,
    circuitState: "closed",
    lastError: undefined,
    lastSuccessAtMs: undefined,
    lastFailureAtMs: undefined,
    nextCheckAtMs,
    uptime24h: 100,
    uptime7d: 100,
    uptime30d: 100,
  };
}

/** Time until the next check: the tier's interval, but a failing model is looked at sooner. */
export function checkIntervalMs(tier: Tier, consecutiveFailures: number, baseIntervalMs: number): number {
  const intervalMs = TIERS[tier].intervalFactor * baseIntervalMs;
  return consecutiveFailures > FAILING_AFTER_FAILURES ? Math.min(intervalMs, baseIntervalMs) : intervalMs;
}

/** True when the catalogue should not offer the model any longer. */
export function isHidden(state: ModelState): boolean {
  return state.hardFailures >= HIDDEN_AFTER_HARD_FAILURES;
}

/**
 * The state after one more check. Pure but for the jitter.
 * @param random From 0 to below 1.
 */
export function afterCheck(
  state: ModelState,
  check: Check,
  baseIntervalMs: number,
  random: () => number = Math.random,
): ModelState {
  const success = check.status === "success";
  const consecutiveFailures = success ? 0 : state.consecutiveFailures + 1;
  const consecutiveSuccesses = success ? state.consecutiveSuccesses + 1 : 0;
  const successCount = state.successCount + (success ? 1 : 0);
  const average = state.averageResponseTimeMs ?? 0;
  const intervalMs = checkIntervalMs(state.tier, consecutiveFailures, baseIntervalMs);
  return {
    ...state,
    // A customer's call that was answered shows that the gateway serves the model, whatever its catalogue says.
    enabled: state.enabled || (check.kind === "passive" && success),
    lastStatus: check.status,
    lastCalledAtMs: Math.max(check.atMs, state.lastCalledAtMs ?? 0),
    lastResponseTimeMs: check.responseTimeMs,
    averageResponseTimeMs: success
      ? average + (check.responseTimeMs - average) / successCount
      : state.averageResponseTimeMs,
    callCount: state.callCount + 1,
    successCount,
    errorCount: state.errorCount + (success ? 0 : 1),
    consecutiveFailures,
    consecutiveSuccesses,
    hardFailures: isHardFailure(check) ? state.hardFailures + 1 : 0,
    circuitState: nextCircuitState(state.circuitState, check.kind, success, consecutiveFailures, consecutiveSuccesses),
    lastError: success ? state.lastError : check.error,
    lastSuccessAtMs: success ? check.atMs : state.lastSuccessAtMs,
    lastFailureAtMs: success ? state.lastFailureAtMs : check.atMs,
    nextCheckAtMs: Math.round(check.atMs + intervalMs * (1 - JITTER_SHARE * random())),
  };
}

function nextCircuitState(
  state: CircuitState,
  kind: Check["kind"],
  success: boolean,
  consecutiveFailures: number,
  consecutiveSuccesses: number,
): CircuitState {
  if (state === "closed") return consecutiveFailures >= CIRCUIT_OPENS_AFTER_FAILURES ? "open" : "closed";
  // An open breaker becomes half open at the next check of ours, whose result counts already.
  if (state === "open" && (kind === "passive" || !success)) return "open";
  if (!success) return "open";
  return consecutiveSuccesses >= CIRCUIT_CLOSES_AFTER_SUCCESSES ? "closed" : "half_open";
}
