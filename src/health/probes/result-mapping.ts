import type { CheckStatus } from "../check.ts";

/** Error codes of the gateway that say nothing about the model: the gateway itself was busy, stopping or ours to fix. */
const INCONCLUSIVE_CODES = new Set([
  "CONCURRENCY_QUEUE_FULL",
  "CONCURRENCY_QUEUE_TIMEOUT",
  "CONCURRENT_REQUEST_LIMIT",
  "SERVICE_UNAVAILABLE",
  "MAINTENANCE_MODE",
  "NO_PROVIDER_CONFIGURED",
  "AUTHENTICATION_REQUIRED",
  "MISSING_API_KEY",
  "INVALID_API_KEY",
  "PERMISSION_DENIED",
]);

/** Words of a 400 that only says that the few tokens of a probe were not enough to answer: the model works. */
const BUDGET_RAN_OUT =
  /max_(completion_)?tokens|output (token )?(limit|budget)|length limit|finish the (message|response)/i;

/**
 * What the gateway's answer to a probe says about the model, or undefined when it says nothing (contract section 3a).
 * @param code The gateway's code in the answer's body (`error.gateway_code`), when there is one.
 */
export function probeStatus(httpStatus: number, code: string | undefined, message: string): CheckStatus | undefined {
  if (httpStatus >= 200 && httpStatus < 300) return "success";
  const gatewayCode = code?.toUpperCase();
  if (gatewayCode !== undefined && INCONCLUSIVE_CODES.has(gatewayCode)) return undefined;
  if (gatewayCode === "PROVIDER_AUTHENTICATION_ERROR") return "unauthorized";
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
