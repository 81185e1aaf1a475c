import { randomBytes } from "node:crypto";
import type { Redis } from "../../redis/redis.ts";
import type { ClientIdentity, Telemetry } from "../request-record.ts";
import type { Admission, AdmissionAsk, Admitted, LocalAdmission } from "./admission.ts";
import type { Budgets, Charge, PeriodName } from "./budgets.ts";
import { addressRefusal } from "./ip-limits.ts";
import { toNanoUsd } from "./nano-usd.ts";
import {
  type LimitReason,
  type Limits,
  limitHeaders,
  limitRefusal,
  limitTypeOf,
  WINDOWS,
} from "./rate-limit-answers.ts";
import type { RateLimits } from "./rate-limits.ts";
import { ADMIT, SETTLE, TAKE_ADDRESS } from "./shared-limits-script.ts";
import type { VelocityMode } from "./velocity-mode.ts";

/** A request that was never settled, as its gateway died, stops counting as open after this time. */
const LEASE_MS = 15 * 60_000;
/** Budgets are remembered for so long after their day or month, for requests that end late. */
const AFTERWARDS_MS = 3_600_000;

export interface SharedAdmissionParts {
  readonly redis: Redis;
  readonly local: LocalAdmission;
  readonly limits: RateLimits;
  readonly budgets: Budgets;
  readonly velocity: VelocityMode;
  readonly telemetry: Telemetry;
  /** Of one address, at all gateways together. */
  readonly ipRequestsPerMinute: () => number;
  readonly now?: () => number;
}

/** One budget of a request, as Redis keeps it. */
interface SharedBudget {
  readonly charge: Charge;
  readonly period: PeriodName;
  readonly key: string;
  /** -1 without a cap. */
  readonly capNanoUsd: number;
  /** What this gateway knows, for a Redis that does not know it yet. */
  readonly seedNanoUsd: number;
  readonly ttlMs: number;
}

/**
 * Admission by counts that several gateways share in Redis: one round trip per request. This gateway counts beside it,
 * and goes on with its own counts while Redis is away.
 */
export class SharedAdmission implements Admission {
  readonly #parts: SharedAdmissionParts;
  readonly #now: () => number;
  /** Names of open requests: this process, and a number. */
  readonly #name = randomBytes(6).toString("hex");
  #next = 1;

  constructor(parts: SharedAdmissionParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  admit(ask: AdmissionAsk): Admitted | Promise<Admitted> {
    const { client } = ask;
    if (client.unlimited || client.anonymous === true) return this.#parts.local.admit(ask);
    return this.#ask(ask);
  }

  async #ask(ask: AdmissionAsk): Promise<Admitted> {
    const { redis, limits, telemetry } = this.#parts;
    const { client, tokens, nanoUsd } = ask;
    const allowed = limits.limitsOf(client);
    const budgets = this.#budgetsOf(client);
    const id = `${this.#name}:${this.#next++}`;
    const address = this.#askAddress(ask.address);
    const answer = await redis.script(
      ADMIT,
      [...this.#countKeys(client), ...budgets.map(({ key }) => key)],
      [
        ...[id, tokens, nanoUsd, LEASE_MS],
        ...WINDOWS.map(({ requests }) => allowed[requests]),
        ...WINDOWS.map((window) => allowed[window.tokens]),
        ...[allowed.burst, allowed.concurrent],
        ...budgets.flatMap(({ capNanoUsd, seedNanoUsd, ttlMs }) => [capNanoUsd, seedNanoUsd, ttlMs]),
      ],
    );
    if (!Array.isArray(answer)) {
      telemetry.event("failedOpen", { part: "limits" });
      return this.#admittedAlone(id, ask, budgets);
    }
    const [reason, detail, requestsUsed, tokensUsed, resetMs] = answer as [string, string, string, string, string];
    const headers = limitHeaders(client, allowed, this.#parts.velocity, {
      nowMs: this.#now(),
      requestsUsed: Number(requestsUsed),
      tokensUsed: Number(tokensUsed),
      resetMs: Number(resetMs),
    });
    if (reason !== "ok") throw this.#refusal(reason, Number(detail), ask, allowed, budgets, headers);
    const admitted = this.#admitted(id, ask, budgets, headers);
    const waitMs = await address;
    if (waitMs === 0) return admitted;
    admitted.settle(0, 0);
    telemetry.event("rateLimited", { limitType: "security_ip_tier" });
    throw addressRefusal(this.#parts.ipRequestsPerMinute(), waitMs);
  }

  /** The ms that an address has to wait, 0 where it need not; sent together with the other question. */
  async #askAddress(address: string | undefined): Promise<number> {
    if (address === undefined) return 0;
    const { redis, ipRequestsPerMinute } = this.#parts;
    const waitMs = await redis.script(TAKE_ADDRESS, [redis.key(`address:${address}`)], [ipRequestsPerMinute()]);
    return typeof waitMs === "number" ? waitMs : 0;
  }

  #admitted(
    id: string,
    ask: AdmissionAsk,
    held: readonly SharedBudget[],
    headers: Readonly<Record<string, string>>,
  ): Admitted {
    const { limits, budgets } = this.#parts;
    const { client, tokens, nanoUsd } = ask;
    const place = limits.note(client, tokens);
    const hold = budgets.note(client, budgets.chargesOf(client), nanoUsd);
    let settled = false;
    return {
      headers,
      settle: (usedTokens, usedNanoUsd) => {
        if (settled) return;
        settled = true;
        // Before this gateway's own counts take it in: without it, they are what a Redis that forgot begins with.
        const spent = this.#budgetsOf(client);
        place.settle(usedTokens);
        hold.settle(usedNanoUsd);
        this.#tellSettled(id, ask, held, spent, usedTokens, usedNanoUsd, true);
      },
    };
  }

  /** Redis did not answer in time: this gateway decides by what it knows, and tells Redis when the request is over. */
  #admittedAlone(id: string, ask: AdmissionAsk, held: readonly SharedBudget[]): Admitted {
    const tell = (spent: readonly SharedBudget[], tokens: number, nanoUsd: number): void =>
      this.#tellSettled(id, ask, held, spent, tokens, nanoUsd, false);
    try {
      const admitted = this.#parts.local.admit(ask);
      return {
        headers: admitted.headers,
        settle: (usedTokens, usedNanoUsd) => {
          const spent = this.#budgetsOf(ask.client);
          admitted.settle(usedTokens, usedNanoUsd);
          tell(spent, usedTokens, usedNanoUsd);
        },
      };
    } catch (error) {
      // The question may have arrived all the same, and what it holds must not stay.
      tell(held, 0, 0);
      throw error;
    }
  }

  /** @param sure False where nobody knows whether Redis has let the request in. */
  #tellSettled(
    id: string,
    { client, tokens, nanoUsd }: AdmissionAsk,
    held: readonly SharedBudget[],
    spent: readonly SharedBudget[],
    usedTokens: number,
    usedNanoUsd: number,
    sure: boolean,
  ): void {
    void this.#parts.redis.script(
      SETTLE,
      [...this.#countKeys(client), ...held.map(({ key }) => key), ...spent.map(({ key }) => key)],
      [
        ...[id, usedTokens - tokens, nanoUsd, usedNanoUsd, held.length, sure ? "" : tokens],
        ...spent.flatMap(({ seedNanoUsd, ttlMs }) => [Math.max(0, seedNanoUsd - nanoUsd), ttlMs]),
      ],
    );
  }

  #refusal(
    reason: string,
    detail: number,
    { nanoUsd }: AdmissionAsk,
    allowed: Limits,
    shared: readonly SharedBudget[],
    headers: Readonly<Record<string, string>>,
  ): Error {
    const { budgets, telemetry } = this.#parts;
    const [kind, number] = reason.split("_") as [string, string];
    if (kind === "budget") {
      const { charge, period } = shared[Number(number) - 1]!;
      return budgets.refusal(charge, period, detail, nanoUsd);
    }
    const named: LimitReason =
      kind === "requests" || kind === "tokens"
        ? `${kind}_per_${WINDOWS[Number(number) - 1]!.name}`
        : (reason as "burst" | "concurrent_requests");
    telemetry.event("rateLimited", { limitType: limitTypeOf(named) });
    return limitRefusal(named, allowed, detail, headers);
  }

  #countKeys(client: ClientIdentity): string[] {
    const id = client.keyId ?? client.keyName;
    return [this.#parts.redis.key(`limits:${id}`), this.#parts.redis.key(`open:${id}`)];
  }

  /** Days and months of the key and of its team, capped or not: a cap may come while they last. */
  #budgetsOf(client: ClientIdentity): SharedBudget[] {
    const { budgets, redis } = this.#parts;
    const nowMs = this.#now();
    const { periods } = budgets;
    return budgets.chargesOf(client).flatMap((charge) => {
      const known = budgets.spentBy(charge.scope);
      return (["day", "month"] as const).map((period) => {
        const { startMs, endMs } = period === "day" ? periods.day(nowMs) : periods.month(nowMs);
        const capUsd = period === "day" ? charge.caps.dayUsd : charge.caps.monthUsd;
        return {
          charge,
          period,
          key: redis.key(`spent:${charge.scope}:${period}:${startMs}`),
          capNanoUsd: capUsd === undefined ? -1 : toNanoUsd(capUsd),
          seedNanoUsd: known[period] + known.held,
          ttlMs: endMs - nowMs + AFTERWARDS_MS,
        };
      });
    });
  }
}
