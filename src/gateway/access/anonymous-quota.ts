import { GatewayError } from "../errors.ts";
import type { Telemetry } from "../request-record.ts";
import type { AdmissionAsk, Admitted } from "./admission.ts";
import type { Periods } from "./periods.ts";

/** Addresses whose requests of the day are held; past it the oldest are forgotten. */
const ADDRESSES_MAX = 100_000;
const THIS_MACHINE = "this machine";

/** Requests without a key: a few a day from one address, for models that cost nothing. */
export class AnonymousQuota {
  readonly #perDay: () => number;
  readonly #periods: () => Periods;
  readonly #telemetry: Telemetry;
  readonly #now: () => number;
  readonly #counts = new Map<string, number>();
  #dayStartMs = 0;

  constructor(perDay: () => number, periods: () => Periods, telemetry: Telemetry, now: () => number = Date.now) {
    this.#perDay = perDay;
    this.#periods = periods;
    this.#telemetry = telemetry;
    this.#now = now;
  }

  /** @throws GatewayError MODEL_NEEDS_KEY, ANONYMOUS_QUOTA_EXCEEDED. */
  take({ nanoUsd, model, address = THIS_MACHINE, client }: AdmissionAsk): Admitted {
    if (nanoUsd > 0) throw new GatewayError("MODEL_NEEDS_KEY", { model }, { param: "model" });
    const nowMs = this.#now();
    const day = this.#periods().day(nowMs);
    if (day.startMs !== this.#dayStartMs) this.#counts.clear();
    this.#dayStartMs = day.startMs;
    const limit = this.#perDay();
    const count = (this.#counts.get(address) ?? 0) + 1;
    const retryAfterSeconds = Math.max(1, Math.ceil((day.endMs - nowMs) / 1_000));
    if (count > limit) {
      this.#telemetry.event("rateLimited", { limitType: "daily_quota" });
      const headers = {
        "x-ratelimit-reason": "requests_per_day",
        "x-ratelimit-scope": "ip",
        "x-should-retry": "false",
      };
      throw new GatewayError("ANONYMOUS_QUOTA_EXCEEDED", { limit }, { retryAfterSeconds, headers });
    }
    if (this.#counts.size >= ADDRESSES_MAX) this.#counts.delete(this.#counts.keys().next().value!);
    this.#counts.set(address, count);
    const remaining = String(limit - count);
    return {
      headers: {
        "ratelimit-limit": String(limit),
        "ratelimit-remaining": remaining,
        "ratelimit-reset": String(retryAfterSeconds),
        "x-ratelimit-limit-requests": String(limit),
        "x-ratelimit-remaining-requests": remaining,
        "x-ratelimit-reset-requests": String(Math.ceil(day.endMs / 1_000)),
        "x-user-tier": client.tier,
      },
      settle: () => undefined,
    };
  }
}
