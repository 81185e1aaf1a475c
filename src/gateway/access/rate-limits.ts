import type { Limits as ConfiguredLimits } from "../../config/access.ts";
import { GatewayError } from "../errors.ts";
import type { ClientIdentity, Telemetry } from "../request-record.ts";
import { SlidingCount } from "./sliding-count.ts";
import type { VelocityMode } from "./velocity-mode.ts";

type Limits = Omit<ConfiguredLimits, "dailySpendUsd">;

/** Keys whose counts are held; past it those that have been quiet longest and have nothing open are forgotten. */
const STATES_MAX = 50_000;
const MINUTE_MS = 60_000;
const WINDOWS = [
  { name: "minute", ms: MINUTE_MS, requests: "requestsPerMinute", tokens: "tokensPerMinute" },
  { name: "hour", ms: 60 * MINUTE_MS, requests: "requestsPerHour", tokens: "tokensPerHour" },
  { name: "day", ms: 24 * 60 * MINUTE_MS, requests: "requestsPerDay", tokens: "tokensPerDay" },
] as const;

interface KeyState {
  readonly requests: readonly SlidingCount[];
  readonly tokens: readonly SlidingCount[];
  /** Of the burst: what may come at once, and when that was so. */
  burst: number;
  burstAtMs: number;
  open: number;
}

/** What a request holds of its key's limits until it is settled. */
export interface Reservation {
  /** Reply headers that show the limits (contract 6a); empty for keys without limits. */
  readonly headers: Readonly<Record<string, string>>;
  /** Replaces the reserved tokens by what was used, and ends the request's place among the open ones. Once. */
  settle(usedTokens: number): void;
}

const FREE: Reservation = { headers: {}, settle: () => undefined };

/**
 * Limits per key, in memory: requests and tokens per minute, hour and day, requests that come at once and that are open
 * at once. Tokens are reserved before the call and settled after it, so that limits hold under concurrency.
 */
export class RateLimits {
  #limits: Limits;
  /** Limits of keys that have some of their own. */
  #merged = new WeakMap<object, Limits>();
  readonly #telemetry: Telemetry;
  readonly #velocity: VelocityMode;
  readonly #now: () => number;
  /** By key id; the one that was quiet longest stands first. */
  readonly #states = new Map<string, KeyState>();

  constructor(limits: Limits, telemetry: Telemetry, velocity: VelocityMode, now: () => number = Date.now) {
    this.#limits = limits;
    this.#telemetry = telemetry;
    this.#velocity = velocity;
    this.#now = now;
  }

  /** Takes other defaults from now on; what has been counted stays. */
  configure(limits: Limits): void {
    this.#limits = limits;
    this.#merged = new WeakMap();
  }

  /** What this key may use now, velocity mode included. */
  limitsOf(client: ClientIdentity): Limits {
    const limits = this.#configured(client);
    const multiplier = this.#velocity.multiplier(client.tier);
    if (multiplier === 1) return limits;
    const entries = Object.entries(limits).map(([name, limit]) => [name, Math.max(1, Math.floor(limit * multiplier))]);
    return Object.fromEntries(entries) as Limits;
  }

  /** Counts a request that somebody else has let in. */
  note(client: ClientIdentity, tokens: number): Reservation {
    return this.#take(
      client,
      this.#stateOf(client.keyId ?? client.keyName),
      this.#now(),
      tokens,
      this.limitsOf(client),
    );
  }

  /** @throws GatewayError RATE_LIMIT_EXCEEDED, TOKEN_RATE_LIMIT, CONCURRENT_REQUEST_LIMIT. */
  reserve(client: ClientIdentity, tokens: number): Reservation {
    if (client.unlimited) return FREE;
    const state = this.#stateOf(client.keyId ?? client.keyName);
    const nowMs = this.#now();
    const limits = this.limitsOf(client);
    this.#check(client, state, nowMs, tokens, limits);
    return this.#take(client, state, nowMs, tokens, limits);
  }

  #take(client: ClientIdentity, state: KeyState, nowMs: number, tokens: number, limits: Limits): Reservation {
    state.open++;
    state.burst = Math.max(0, burstAt(state, nowMs, limits) - 1);
    state.burstAtMs = nowMs;
    for (const count of state.requests) count.add(nowMs, 1);
    for (const count of state.tokens) count.add(nowMs, tokens);
    let settled = false;
    return {
      headers: this.#headers(client, state, nowMs, limits),
      settle: (usedTokens) => {
        if (settled) return;
        settled = true;
        state.open--;
        const settledMs = this.#now();
        for (const count of state.tokens) count.add(settledMs, usedTokens - tokens);
      },
    };
  }

  #check(client: ClientIdentity, state: KeyState, nowMs: number, tokens: number, limits: Limits): void {
    if (state.open >= limits.concurrent) {
      this.#refuse(client, state, nowMs, limits, "request_rate", "concurrent_requests", 1, (extra) => {
        return new GatewayError("CONCURRENT_REQUEST_LIMIT", { limit: limits.concurrent }, extra);
      });
    }
    for (const [index, window] of WINDOWS.entries()) {
      const limitType = window.name === "day" ? "daily_quota" : "request_rate";
      const requests = state.requests[index]!;
      if (requests.at(nowMs) + 1 > limits[window.requests]) {
        const seconds = Math.max(1, Math.ceil(requests.resetMs(nowMs) / 1_000));
        this.#refuse(client, state, nowMs, limits, limitType, `requests_per_${window.name}`, seconds, (extra) => {
          const detail = { limit: limits[window.requests], window: window.name, retryAfterSeconds: seconds };
          return new GatewayError("RATE_LIMIT_EXCEEDED", detail, extra);
        });
      }
      const used = state.tokens[index]!;
      // One request larger than what is left passes while the window is still untouched, or it could never be sent.
      if (used.at(nowMs) > 0 && used.at(nowMs) + tokens > limits[window.tokens]) {
        const seconds = Math.max(1, Math.ceil(used.resetMs(nowMs) / 1_000));
        this.#refuse(client, state, nowMs, limits, limitType, `tokens_per_${window.name}`, seconds, (extra) => {
          const detail = { limit: limits[window.tokens], window: window.name, retryAfterSeconds: seconds };
          return new GatewayError("TOKEN_RATE_LIMIT", detail, extra);
        });
      }
    }
    const burst = burstAt(state, nowMs, limits);
    if (burst < 1) {
      const seconds = Math.max(1, Math.ceil(((1 - burst) * MINUTE_MS) / limits.requestsPerMinute / 1_000));
      this.#refuse(client, state, nowMs, limits, "request_rate", "burst", seconds, (extra) => {
        const detail = { limit: limits.burst, window: "burst", retryAfterSeconds: seconds };
        return new GatewayError("RATE_LIMIT_EXCEEDED", detail, extra);
      });
    }
  }

  #refuse(
    client: ClientIdentity,
    state: KeyState,
    nowMs: number,
    limits: Limits,
    limitType: string,
    reason: string,
    retryAfterSeconds: number,
    make: (extra: { retryAfterSeconds: number; headers: Record<string, string> }) => GatewayError,
  ): never {
    this.#telemetry.event("rateLimited", { limitType });
    const headers = {
      ...this.#headers(client, state, nowMs, limits),
      "x-ratelimit-reason": reason,
      "x-ratelimit-scope": "key",
    };
    throw make({ retryAfterSeconds, headers });
  }

  #headers(client: ClientIdentity, state: KeyState, nowMs: number, limits: Limits): Record<string, string> {
    const { requestsPerMinute, tokensPerMinute } = limits;
    const requests = state.requests[0]!;
    const remaining = String(Math.max(0, Math.floor(requestsPerMinute - requests.at(nowMs))));
    const tokensLeft = String(Math.max(0, Math.floor(tokensPerMinute - state.tokens[0]!.at(nowMs))));
    const resetMs = requests.resetMs(nowMs);
    const resetUnix = String(Math.ceil((nowMs + resetMs) / 1_000));
    return {
      "ratelimit-limit": String(requestsPerMinute),
      "ratelimit-remaining": remaining,
      "ratelimit-reset": String(Math.ceil(resetMs / 1_000)),
      "x-ratelimit-limit-requests": String(requestsPerMinute),
      "x-ratelimit-remaining-requests": remaining,
      "x-ratelimit-reset-requests": resetUnix,
      "x-ratelimit-limit-tokens": String(tokensPerMinute),
      "x-ratelimit-remaining-tokens": tokensLeft,
      "x-ratelimit-reset-tokens": resetUnix,
      "x-ratelimit-burst-window": `${limits.burst} per 60 seconds`,
      "x-ratelimit-mode": this.#velocity.untilMs === undefined ? "normal" : "velocity",
      "x-user-tier": client.tier,
      ...this.#velocityHeaders(client),
    };
  }

  #velocityHeaders(client: ClientIdentity): Record<string, string> {
    const { untilMs } = this.#velocity;
    if (untilMs === undefined) return {};
    return {
      "x-velocity-mode-active": "true",
      "x-velocity-mode-until": String(Math.ceil(untilMs / 1_000)),
      "x-velocity-mode-multiplier": String(this.#velocity.multiplier(client.tier)),
    };
  }

  #configured(client: ClientIdentity): Limits {
    if (client.limits === undefined) return this.#limits;
    let merged = this.#merged.get(client.limits);
    if (merged === undefined) {
      merged = { ...this.#limits, ...client.limits };
      this.#merged.set(client.limits, merged);
    }
    return merged;
  }

  #stateOf(id: string): KeyState {
    let state = this.#states.get(id);
    if (state === undefined) {
      const counts = (): SlidingCount[] => WINDOWS.map(({ ms }) => new SlidingCount(ms));
      state = { requests: counts(), tokens: counts(), burst: Number.POSITIVE_INFINITY, burstAtMs: 0, open: 0 };
    } else this.#states.delete(id);
    this.#states.set(id, state);
    if (this.#states.size > STATES_MAX) {
      for (const [oldest, { open }] of this.#states) {
        if (open > 0) continue;
        this.#states.delete(oldest);
        break;
      }
    }
    return state;
  }
}

/** Requests that may come at once: given back at the rate of the minute, never more than the burst. */
function burstAt(state: KeyState, nowMs: number, limits: Limits): number {
  const givenBack = (Math.max(0, nowMs - state.burstAtMs) * limits.requestsPerMinute) / MINUTE_MS;
  return Math.min(limits.burst, state.burst + givenBack);
}
