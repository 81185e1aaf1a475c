import { GatewayError } from "../errors.ts";
import type { ClientIdentity, Telemetry } from "../request-record.ts";

const DAY_MS = 24 * 3_600_000;
/** Shares of the cap at which a warning is logged, once a day each (contract section 5). */
const WARNING_PERCENTS = [80, 95] as const;

interface Spent {
  day: number;
  usd: number;
}

/**
 * What each key may cost in a UTC day. A request is refused once the cap is reached; what is open at that moment still
 * ends and counts. In memory: a restart begins anew.
 */
export class DailySpend {
  readonly #capUsd: number;
  readonly #telemetry: Telemetry;
  readonly #now: () => number;
  /** One entry per configured key. */
  readonly #spent = new Map<string, Spent>();

  constructor(capUsd: number, telemetry: Telemetry, now: () => number = Date.now) {
    this.#capUsd = capUsd;
    this.#telemetry = telemetry;
    this.#now = now;
  }

  /** @throws GatewayError DAILY_SPEND_QUOTA_EXCEEDED. */
  check(client: ClientIdentity): void {
    if (client.unlimited || this.#today(client).usd < this.#capUsd) return;
    this.#telemetry.event("rateLimited", { limitType: "daily_quota" });
    const retryAfterSeconds = Math.ceil((DAY_MS - (this.#now() % DAY_MS)) / 1_000);
    const headers = { "x-ratelimit-reason": "spend_per_day", "x-ratelimit-scope": "key" };
    const detail = { capUsd: this.#capUsd, retryAfterSeconds };
    throw new GatewayError("DAILY_SPEND_QUOTA_EXCEEDED", detail, { retryAfterSeconds, headers });
  }

  /** Adds what a request cost. */
  add(client: ClientIdentity, usd: number): void {
    if (client.unlimited || usd <= 0) return;
    const spent = this.#today(client);
    const before = (100 * spent.usd) / this.#capUsd;
    spent.usd += usd;
    const after = (100 * spent.usd) / this.#capUsd;
    const percent = WARNING_PERCENTS.findLast((limit) => before < limit && after >= limit);
    if (percent === undefined) return;
    const { keyName } = client;
    this.#telemetry.event("spendWarning", { keyName, percent, spentUsd: spent.usd, capUsd: this.#capUsd });
  }

  #today({ keyName }: ClientIdentity): Spent {
    const day = Math.floor(this.#now() / DAY_MS);
    let spent = this.#spent.get(keyName);
    if (spent === undefined || spent.day !== day) {
      spent = { day, usd: 0 };
      this.#spent.set(keyName, spent);
    }
    return spent;
  }
}
