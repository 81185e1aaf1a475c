import type { Config } from "../../config/schema.ts";
import { GatewayError } from "../errors.ts";
import { ERROR_TEXT_CHARS_MAX } from "../limits.ts";
import { nowMs, randomHex } from "../record.ts";
import type { AttemptRecord, Telemetry } from "../request-record.ts";
import { type Answer, type AttemptInput, sendAttempt } from "./attempt.ts";
import { AttemptFailure } from "./attempt-failure.ts";
import type { Breakers } from "./breakers.ts";
import type { Target } from "./resolve.ts";

/** Less time than this is not worth another attempt. */
const ATTEMPT_MS_MIN = 250;

export interface FailoverContext {
  readonly breakers: Breakers;
  readonly telemetry: Telemetry;
  readonly timeouts: Config["gateway"]["timeouts"];
}

/**
 * Tries the targets in order until one answers. Providers with an open breaker are passed over, unless all are open:
 * then the first is tried anyway (contract section 5). A probe tries exactly its target and asks no breaker.
 * @throws GatewayError of the catalogue; the signal's reason.
 */
export async function answerFrom(
  context: FailoverContext,
  input: AttemptInput,
  targets: readonly Target[],
): Promise<Answer> {
  const { breakers, telemetry, timeouts } = context;
  const { record } = input;
  const open = (target: Target): boolean => !record.probe && breakers.of(target.provider.name)?.state === "open";
  const allOpen = targets.every(open);
  const deadlineMs = record.startedAtMs + timeouts.request;
  const failures: AttemptFailure[] = [];
  for (const target of targets) {
    const attempt = newAttempt(context, target, input.conversation.pathFor(target.provider, target.model));
    record.attempts.push(attempt);
    if (open(target) && !(allOpen && target === targets[0])) {
      telemetry.event("breakerRejected", { provider: target.provider.name });
      Object.assign(attempt, {
        result: "skipped",
        errorType: "CIRCUIT_BREAKER_OPEN",
        errorMessage: "circuit breaker open",
      });
      continue;
    }
    const slow = target.provider.quirks.slowModels;
    const ownLimitMs = slow?.pattern.test(target.model) ? slow.attemptMs : timeouts.attempt;
    const limitMs = slow?.pattern.test(target.model) ? ownLimitMs : Math.min(ownLimitMs, deadlineMs - nowMs());
    if (limitMs < ATTEMPT_MS_MIN && failures.length > 0) break;
    if (failures.length > 0) {
      telemetry.event("fallbackActivated", { primary: targets[0]!.provider.name, fallback: target.provider.name });
    }
    const outcome = await tryTarget(context, input, target, attempt, Math.max(limitMs, 1));
    if (!(outcome instanceof AttemptFailure)) return outcome;
    failures.push(outcome);
    if (!outcome.failover || record.probe) break;
  }
  throw finalError(failures, record.attempts);
}

async function tryTarget(
  context: FailoverContext,
  input: AttemptInput,
  target: Target,
  attempt: AttemptRecord,
  limitMs: number,
): Promise<Answer | AttemptFailure> {
  try {
    const answer = await sendAttempt(input, target, attempt, limitMs);
    // A stream's attempt is settled when the stream is over.
    if (answer.kind === "json") settleAttempt(context, input.record.probe, attempt, undefined);
    return answer;
  } catch (error) {
    if (error instanceof GatewayError && error.code === "NOT_TRANSLATABLE") {
      // Nothing was sent, so it says nothing about the provider.
      Object.assign(attempt, { result: "skipped", errorType: error.code, errorMessage: error.message });
      return new AttemptFailure(error, true, false);
    }
    if (!(error instanceof AttemptFailure)) {
      settleAttempt(context, input.record.probe, attempt, "cancelled");
      throw error;
    }
    settleAttempt(context, input.record.probe, attempt, error);
    return error;
  }
}

function newAttempt({ breakers }: FailoverContext, { provider, model }: Target, path: string): AttemptRecord {
  return {
    provider: provider.name,
    model,
    url: new URL(path, provider.displayUrl).href,
    spanId: randomHex(8),
    startedAtMs: nowMs(),
    durationMs: 0,
    statusCode: undefined,
    result: "pending",
    errorType: undefined,
    errorMessage: undefined,
    breakerState: breakers.of(provider.name)?.state ?? "closed",
  };
}

/** Closes the attempt's record and tells the breaker. `undefined` is a success. */
export function settleAttempt(
  { breakers }: Pick<FailoverContext, "breakers">,
  probe: boolean,
  attempt: AttemptRecord,
  result: AttemptFailure | "cancelled" | undefined,
): void {
  attempt.durationMs = nowMs() - attempt.startedAtMs;
  const breaker = probe ? undefined : breakers.of(attempt.provider);
  if (result === "cancelled") {
    attempt.result = "cancelled";
  } else if (result === undefined) {
    attempt.result = "success";
    breaker?.count(true);
  } else {
    attempt.result = "error";
    attempt.errorType = result.error.code;
    attempt.errorMessage = result.error.message.slice(0, ERROR_TEXT_CHARS_MAX);
    if (result.countsAsFailure) breaker?.count(false);
  }
}

/** One failure speaks for itself; several that differ are summed up, the last one in full. */
function finalError(failures: readonly AttemptFailure[], attempts: readonly AttemptRecord[]): GatewayError {
  const last = failures.at(-1);
  if (last === undefined) {
    const provider = attempts[0]?.provider ?? "none";
    return new GatewayError("PROVIDER_UNAVAILABLE", { provider, reason: "its circuit breaker is open." });
  }
  const same = failures.every((failure) => failure.error.code === last.error.code);
  if (failures.length === 1 || same || !last.failover) return last.error;
  const tried = attempts.filter(({ result }) => result === "error").map(({ provider }) => provider);
  return new GatewayError("ALL_PROVIDERS_FAILED", { tried: tried.join(", "), reason: last.error.message });
}
