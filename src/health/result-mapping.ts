import type { CheckStatus } from "./check.ts";

/** Error codes of the gateway that say nothing about the model: the gateway itself was busy, stopping or ours to fix. */
const INCONCLUSIVE_CODES = new Set([
  "concurrency_queue_full",
  "concurrency_queue_timeout",
  "service_unavailable",
  "no_provider_configured",
  "missing_api_key",
  "invalid_api_key",
  "permission_denied",
]);

/** Words of a 400 that only says that the few tokens of a probe were not enough to answer: the model works. */
const BUDGET_RAN_OUT =
  /max_(completion_)?tokens|output (token )?(limit|budget)|length limit|finish the (message|response)/i;

/**
 * What the gateway's answer to a probe says about the model, or undefined when it says nothing.
 * @param code `error.code` of the answer's body, when there is one.
 */
export function probeStatus(httpStatus: number, code: string | undefined, message: string): CheckStatus | undefined {
  if (httpStatus >= 200 && httpStatus < 300) return "success";
  if (code !== undefined && INCONCLUSIVE_CODES.has(code)) return undefined;
  if (code === "provider_authentication_error") return "unauthorized";
  switch (httpStatus) {
    case 429:
      return "rate_limited";
    case 401:
    case 403:
      return "unauthorized";
    case 404:
      return "not_found";
    case 408:
    case 504:
      return "timeout";
    case 400:
      return BUDGET_RAN_OUT.test(message) ? "success" : "error";
    default:
      return "error";
  }
}
