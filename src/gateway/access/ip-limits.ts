import { GatewayError } from "../errors.ts";
import { LIMITED_ADDRESSES_MAX } from "../limits.ts";
import type { Telemetry } from "../request-record.ts";
import { SlidingCount } from "./sliding-count.ts";

const MINUTE_MS = 60_000;

/** Requests per minute of each address, whatever keys it tries; unlimited keys do not count. */
export class IpLimits {
  #perMinute: number;
  readonly #telemetry: Telemetry;
  readonly #now: () => number;
  /** The address that was quiet longest stands first. */
  readonly #counts = new Map<string, SlidingCount>();
  /** Told of each request that was counted here, for other processes of this gateway. */
  onCounted: (address: string) => void = () => undefined;

  constructor(perMinute: number, telemetry: Telemetry, now: () => number = Date.now) {
    this.#perMinute = perMinute;
    this.#telemetry = telemetry;
    this.#now = now;
  }

  /** Takes another limit from now on; what has been counted stays. */
  configure(perMinute: number): void {
    this.#perMinute = perMinute;
  }

  /**
   * Counts a request.
   * @param address Undefined for this machine, which has no limit.
   * @throws GatewayError IP_RATE_LIMIT_EXCEEDED.
   */
  take(address: string | undefined): void {
    if (address === undefined) return;
    const nowMs = this.#now();
    const count = this.#countOf(address);
    if (count.at(nowMs) + 1 > this.#perMinute) {
      this.#telemetry.event("rateLimited", { limitType: "security_ip_tier" });
      throw addressRefusal(this.#perMinute, count.resetMs(nowMs));
    }
    count.add(nowMs, 1);
    this.onCounted(address);
  }

  /** A request that another process of this gateway counted. */
  note(address: string): void {
    this.#countOf(address).add(this.#now(), 1);
  }

  #countOf(address: string): SlidingCount {
    const count = this.#counts.get(address) ?? new SlidingCount(MINUTE_MS);
    this.#counts.delete(address);
    this.#counts.set(address, count);
    if (this.#counts.size > LIMITED_ADDRESSES_MAX) this.#counts.delete(this.#counts.keys().next().value!);
    return count;
  }
}

/** The error of a request whose address has sent too many. */
export function addressRefusal(limit: number, retryAfterMs: number): GatewayError {
  const retryAfterSeconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  const headers = { "x-ratelimit-reason": "requests_per_minute", "x-ratelimit-scope": "ip" };
  return new GatewayError("IP_RATE_LIMIT_EXCEEDED", { limit, retryAfterSeconds }, { retryAfterSeconds, headers });
}
