import type { ClientIdentity, Telemetry } from "../request-record.ts";
import {
  type LimitReason,
  type Limits,
  limitHeaders,
  limitRefusal,
  limitTypeOf,
  WINDOWS,
} from "./rate-limit-answers.ts";
import { SlidingCount } from "./sliding-count.ts";
import type { VelocityMode } from "./velocity-mode.ts";

/** Keys whose counts are held: more than there can be (`KEYS_MAX`), with some revoked ones. */
const STATES_MAX = 120_000;
const MINUTE_MS = 60_000;

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
  /** By key id. */
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

  /** What this key has used in the running windows, and how many of its requests are open. Changes nothing. */
  used(client: ClientIdentity): { requests: number[]; tokens: number[]; open: number } {
    const state = this.#states.get(client.keyId ?? client.keyName);
    const nowMs = this.#now();
    const read = (counts: readonly SlidingCount[] | undefined): number[] =>
      WINDOWS.map((_, index) => Math.round(counts?.[index]?.at(nowMs) ?? 0));
    return { requests: read(state?.requests), tokens: read(state?.tokens), open: state?.open ?? 0 };
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
    const refuse = (reason: LimitReason, retryAfterMs: number): never => {
      this.#telemetry.event("rateLimited", { limitType: limitTypeOf(reason) });
      throw limitRefusal(reason, limits, retryAfterMs, this.#headers(client, state, nowMs, limits));
    };
    if (state.open >= limits.concurrent) refuse("concurrent_requests", 0);
    for (const [index, window] of WINDOWS.entries()) {
      const requests = state.requests[index]!;
      if (requests.at(nowMs) + 1 > limits[window.requests]) {
        refuse(`requests_per_${window.name}`, requests.resetMs(nowMs));
      }
      const used = state.tokens[index]!;
      // A request that is alone passes while anything is left: most use a small part of their `max_tokens`, which is
      // what is held, and a client that works one request at a time must not wait for a new minute after each.
      const left = limits[window.tokens] - used.at(nowMs);
      if (tokens > left && (state.open > 0 || left <= 0)) {
        refuse(`tokens_per_${window.name}`, used.resetMs(nowMs));
      }
    }
    const burst = burstAt(state, nowMs, limits);
    if (burst < 1) refuse("burst", ((1 - burst) * MINUTE_MS) / limits.requestsPerMinute);
  }

  #headers(client: ClientIdentity, state: KeyState, nowMs: number, limits: Limits): Record<string, string> {
    return limitHeaders(client, limits, this.#velocity, {
      nowMs,
      requestsUsed: state.requests[0]!.at(nowMs),
      tokensUsed: state.tokens[0]!.at(nowMs),
      resetMs: state.requests[0]!.resetMs(nowMs),
    });
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
      if (this.#states.size >= STATES_MAX) this.#forgetOne();
      this.#states.set(id, state);
    }
    return state;
  }

  /** The oldest one that has nothing open. */
  #forgetOne(): void {
    for (const [id, { open }] of this.#states) {
      if (open > 0) continue;
      this.#states.delete(id);
      return;
    }
  }
}

/** Requests that may come at once: given back at the rate of the minute, never more than the burst. */
function burstAt(state: KeyState, nowMs: number, limits: Limits): number {
  const givenBack = (Math.max(0, nowMs - state.burstAtMs) * limits.requestsPerMinute) / MINUTE_MS;
  return Math.min(limits.burst, state.burst + givenBack);
}
