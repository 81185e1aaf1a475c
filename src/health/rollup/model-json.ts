import { isHidden, type ModelState } from "../model-state.ts";

/** A model's state under the contract's names (section 3a), times in ISO 8601. */
export function modelJson(state: ModelState): Record<string, unknown> {
  return {
    model: state.model,
    provider: state.provider,
    gateway: state.gateway,
    enabled: state.enabled,
    hidden: isHidden(state),
    tier: state.tier,
    last_status: state.lastStatus ?? null,
    last_called_at: isoTime(state.lastCalledAtMs),
    last_response_time_ms: state.lastResponseTimeMs ?? null,
    average_response_time_ms: state.averageResponseTimeMs ?? null,
    call_count: state.callCount,
    success_count: state.successCount,
    error_count: state.errorCount,
    consecutive_failures: state.consecutiveFailures,
    consecutive_successes: state.consecutiveSuccesses,
    circuit_state: state.circuitState,
    last_error: state.lastError ?? null,
    last_success_at: isoTime(state.lastSuccessAtMs),
    last_failure_at: isoTime(state.lastFailureAtMs),
    next_check_at: isoTime(state.nextCheckAtMs),
    uptime_24h: state.uptime24h,
    uptime_7d: state.uptime7d,
    uptime_30d: state.uptime30d,
  };
}

export function isoTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
