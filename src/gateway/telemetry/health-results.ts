import type { AttemptRecord, RequestRecord } from "../request-record.ts";

/** One call's result as the health service takes it (POST /internal/results); `at` is Unix ms. */
export interface HealthResult {
  readonly provider: string;
  readonly model: string;
  readonly gateway: string;
  /** As on spans: `chat_completion`, `embedding` and so on. */
  readonly request_type: string;
  readonly status: "success" | "error" | "timeout" | "rate_limited" | "unauthorized" | "not_found";
  readonly response_time_ms: number;
  readonly error: string | undefined;
  readonly tokens: number;
  readonly at: number;
}

/** What a finished request of a customer says about the health of the models it called. */
export function healthResults(record: RequestRecord, redact: (text: string) => string): HealthResult[] {
  const { inference } = record;
  if (record.probe || inference === undefined) return [];
  const tokens = record.usage === undefined ? 0 : record.usage.inputTokens + record.usage.outputTokens;
  return record.attempts.flatMap((attempt) => {
    const status = statusOf(attempt);
    if (status === undefined) return [];
    return {
      provider: attempt.provider,
      model: attempt.model,
      gateway: attempt.provider,
      request_type: inference.requestType,
      status,
      response_time_ms: attempt.durationMs,
      error: attempt.errorMessage === undefined ? undefined : redact(attempt.errorMessage),
      tokens: status === "success" ? tokens : 0,
      at: Math.round(attempt.startedAtMs + attempt.durationMs),
    };
  });
}

/** Undefined where the call says nothing about the provider: not made, cancelled, or the client's own mistake. */
function statusOf({ result, statusCode, errorType }: AttemptRecord): HealthResult["status"] | undefined {
  if (result === "success") return "success";
  if (result !== "error") return undefined;
  switch (statusCode) {
    case 400:
    case 413:
    case 415:
    case 422:
      return undefined;
    case 401:
    case 402:
    case 403:
      return "unauthorized";
    case 404:
      return "not_found";
    case 429:
      return "rate_limited";
    case 408:
    case 504:
      return "timeout";
    default:
      return errorType?.endsWith("_TIMEOUT") ? "timeout" : "error";
  }
}
