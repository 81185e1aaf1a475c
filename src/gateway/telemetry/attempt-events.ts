import type { AttemptRecord, RequestRecord } from "../request-record.ts";
import type { SpanEvent } from "./otlp-spans.ts";
import type { Redact } from "./redact.ts";

/** Longest text of a reason. */
const REASON_CHARS_MAX = 200;

/**
 * What happened between a request's calls, as events of its span: `provider_skipped` with the reason for each that was
 * passed over, and `retry`, `key_rotation`, `fallback` or `hedge` for each call after the first, with what went before.
 */
export function attemptEvents({ attempts }: RequestRecord, redact: Redact): SpanEvent[] {
  // Most requests have one call, and nothing happened.
  if (attempts.length < 2 && attempts[0]?.result !== "skipped") return [];
  const events: SpanEvent[] = [];
  let before: AttemptRecord | undefined;
  for (const attempt of attempts) {
    if (attempt.result === "skipped") {
      events.push(skipped(attempt, redact));
      continue;
    }
    if (before !== undefined) events.push(again(attempt, before));
    before = attempt;
  }
  return events;
}

function skipped(attempt: AttemptRecord, redact: Redact): SpanEvent {
  return {
    name: "provider_skipped",
    atMs: attempt.startedAtMs,
    attributes: {
      "ai.provider": attempt.provider,
      "ai.model": attempt.model,
      "ai.routing.reason": attempt.errorType?.toLowerCase(),
      "ai.routing.detail":
        attempt.errorMessage === undefined ? undefined : redact(attempt.errorMessage).slice(0, REASON_CHARS_MAX),
      "ai.circuit.state": attempt.breakerState,
    },
  };
}

function again(attempt: AttemptRecord, before: AttemptRecord): SpanEvent {
  return {
    name: attemptKind(attempt, before),
    atMs: attempt.startedAtMs,
    attributes: {
      "ai.provider": attempt.provider,
      "ai.model": attempt.model,
      "ai.routing.from_provider": before.provider,
      "ai.routing.from_model": before.model,
      "ai.routing.reason": before.errorType?.toLowerCase(),
      "ai.routing.waited_ms": attempt.waitedMs,
      "http.response.status_code": before.statusCode,
    },
  };
}

/** Why a call was made after another: as routing said, else by whom it asked. */
function attemptKind(attempt: AttemptRecord, before: AttemptRecord): string {
  if (attempt.kind !== undefined && attempt.kind !== "first") return attempt.kind;
  return attempt.provider === before.provider && attempt.model === before.model ? "retry" : "fallback";
}
