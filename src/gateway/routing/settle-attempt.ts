import { ERROR_TEXT_CHARS_MAX } from "../limits.ts";
import { nowMs } from "../record.ts";
import type { AttemptRecord } from "../request-record.ts";
import { AttemptFailure } from "./attempt-failure.ts";
import type { FailoverContext } from "./failover.ts";

type SettleContext = Pick<FailoverContext, "breakers" | "availability" | "latency" | "openLeases">;

/**
 * Closes the attempt's record and tells the breakers. `undefined` is a success.
 * @param counts Whether a failure is the provider's.
 */
export function settleAttempt(
  { breakers, availability, latency, openLeases }: SettleContext,
  probe: boolean,
  attempt: AttemptRecord,
  result: AttemptFailure | "cancelled" | undefined,
  counts = result instanceof AttemptFailure && result.countsAsFailure,
): void {
  const { provider, model, startedAtMs, answeredAtMs } = attempt;
  openLeases.get(attempt)?.released();
  attempt.durationMs = nowMs() - startedAtMs;
  if (result === "cancelled") {
    attempt.result = "cancelled";
    return;
  }
  const answerMs = (answeredAtMs ?? nowMs()) - startedAtMs;
  if (result === undefined) {
    attempt.result = "success";
    latency.add(provider, model, answerMs);
  } else {
    attempt.result = "error";
    attempt.errorType = result.error.code;
    attempt.errorMessage = result.error.message.slice(0, ERROR_TEXT_CHARS_MAX);
    if (!counts) return;
  }
  if (probe) return;
  breakers.of(provider)?.count(result === undefined);
  availability.count(provider, model, result === undefined, answerMs);
}
