import type { Limits as ConfiguredLimits } from "../../config/access.ts";
import { GatewayError } from "../errors.ts";
import type { ClientIdentity } from "../request-record.ts";
import type { VelocityMode } from "./velocity-mode.ts";

export type Limits = Omit<ConfiguredLimits, "dailySpendUsd">;

const MINUTE_MS = 60_000;
export const WINDOWS = [
  { name: "minute", ms: MINUTE_MS, requests: "requestsPerMinute", tokens: "tokensPerMinute" },
  { name: "hour", ms: 60 * MINUTE_MS, requests: "requestsPerHour", tokens: "tokensPerHour" },
  { name: "day", ms: 24 * 60 * MINUTE_MS, requests: "requestsPerDay", tokens: "tokensPerDay" },
] as const;
type WindowName = (typeof WINDOWS)[number]["name"];

/** Why a request is refused; `X-RateLimit-Reason` of the reply. */
export type LimitReason = "concurrent_requests" | "burst" | `${"requests" | "tokens"}_per_${WindowName}`;

/** How things stand in the minute that counts now. */
export interface LimitState {
  readonly nowMs: number;
  readonly requestsUsed: number;
  readonly tokensUsed: number;
  /** Until the minute has ended. */
  readonly resetMs: number;
}

/** Reply headers that show a key's limits (contract 6a). */
export function limitHeaders(
  client: ClientIdentity,
  limits: Limits,
  velocity: VelocityMode,
  { nowMs, requestsUsed, tokensUsed, resetMs }: LimitState,
): Record<string, string> {
  const { requestsPerMinute, tokensPerMinute, burst } = limits;
  const requestsLeft = String(Math.max(0, Math.floor(requestsPerMinute - requestsUsed)));
  const resetUnix = String(Math.ceil((nowMs + resetMs) / 1_000));
  const { untilMs } = velocity;
  const headers: Record<string, string> = {
    "ratelimit-limit": String(requestsPerMinute),
    "ratelimit-remaining": requestsLeft,
    "ratelimit-reset": String(Math.ceil(resetMs / 1_000)),
    "x-ratelimit-limit-requests": String(requestsPerMinute),
    "x-ratelimit-remaining-requests": requestsLeft,
    "x-ratelimit-reset-requests": resetUnix,
    "x-ratelimit-limit-tokens": String(tokensPerMinute),
    "x-ratelimit-remaining-tokens": String(Math.max(0, Math.floor(tokensPerMinute - tokensUsed))),
    "x-ratelimit-reset-tokens": resetUnix,
    "x-ratelimit-burst-window": `${burst} per 60 seconds`,
    "x-ratelimit-mode": untilMs === undefined ? "normal" : "velocity",
    "x-user-tier": client.tier,
  };
  if (untilMs !== undefined) {
    headers["x-velocity-mode-active"] = "true";
    headers["x-velocity-mode-until"] = String(Math.ceil(untilMs / 1_000));
    headers["x-velocity-mode-multiplier"] = String(velocity.multiplier(client.tier));
  }
  return headers;
}

/** The value of `limit_type` that telemetry knows a refusal by. */
export function limitTypeOf(reason: LimitReason): "daily_quota" | "request_rate" {
  return reason.endsWith("_day") ? "daily_quota" : "request_rate";
}

/** The error of a refused request. @param headers Those of `limitHeaders`. */
export function limitRefusal(
  reason: LimitReason,
  limits: Limits,
  retryAfterMs: number,
  headers: Readonly<Record<string, string>>,
): GatewayError {
  const retryAfterSeconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  const extra = {
    retryAfterSeconds,
    headers: { ...headers, "x-ratelimit-reason": reason, "x-ratelimit-scope": "key" },
  };
  if (reason === "concurrent_requests") {
    return new GatewayError("CONCURRENT_REQUEST_LIMIT", { limit: limits.concurrent }, extra);
  }
  if (reason === "burst") {
    return new GatewayError("RATE_LIMIT_EXCEEDED", { limit: limits.burst, window: "burst", retryAfterSeconds }, extra);
  }
  const window = WINDOWS.find(({ name }) => reason.endsWith(name))!;
  const isTokens = reason.startsWith("tokens");
  const detail = { limit: limits[isTokens ? window.tokens : window.requests], window: window.name, retryAfterSeconds };
  return new GatewayError(isTokens ? "TOKEN_RATE_LIMIT" : "RATE_LIMIT_EXCEEDED", detail, extra);
}
