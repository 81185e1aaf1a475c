import type { Config } from "../../config/schema.ts";
import type { Telemetry } from "../request-record.ts";

export type VelocitySettings = Config["gateway"]["velocityMode"];

/** The window is counted in this many slices, so that old results leave gradually and memory stays constant. */
const SLICES = 12;

/** What the window holds at this moment. */
export interface VelocityView {
  readonly requests: number;
  readonly errors: number;
  /** 0 to 1; 0 without requests. */
  readonly errorRate: number;
}

/**
 * Lowers every key's limits for a while when too many requests fail (contract section 5): something is wrong, or somebody
 * tries things out, and less traffic helps in both cases.
 */
export class VelocityMode {
  readonly settings: VelocitySettings;
  readonly #telemetry: Telemetry;
  readonly #now: () => number;
  readonly #sliceRequests = new Uint32Array(SLICES);
  readonly #sliceErrors = new Uint32Array(SLICES);
  #slice = 0;
  /** Sums over the slices. */
  #requests = 0;
  #errors = 0;
  #untilMs: number | undefined;

  /** @param now Unix ms. */
  constructor(settings: VelocitySettings, telemetry: Telemetry, now: () => number = Date.now) {
    this.settings = settings;
    this.#telemetry = telemetry;
    this.#now = now;
  }

  /** Unix ms of its end, or undefined while it is off. */
  get untilMs(): number | undefined {
    if (this.#untilMs !== undefined && this.#now() >= this.#untilMs) this.#end();
    return this.#untilMs;
  }

  /** What remains of the limits of a key of this tier, 0 to 1. */
  multiplier(tier: string): number {
    return this.untilMs === undefined ? 1 : this.#multiplierOf(tier);
  }

  /** Counts a finished request. @param failed The gateway or a provider failed; a client's own mistake does not count. */
  count(failed: boolean): void {
    if (this.untilMs !== undefined) return;
    this.#advance();
    const index = this.#slice % SLICES;
    this.#sliceRequests[index]!++;
    this.#requests++;
    if (failed) {
      this.#sliceErrors[index]!++;
      this.#errors++;
    }
    const { requestsMin, errorRate } = this.settings;
    if (this.#requests >= requestsMin && this.#errors / this.#requests >= errorRate) this.#begin();
  }

  view(): VelocityView {
    this.#advance();
    const [requests, errors] = [this.#requests, this.#errors];
    return { requests, errors, errorRate: requests === 0 ? 0 : errors / requests };
  }

  #multiplierOf(tier: string): number {
    const { multipliers } = this.settings;
    if (tier === "demo") return 1; // The demo's own traffic has no limits anyway.
    return Object.hasOwn(multipliers, tier) ? multipliers[tier as keyof typeof multipliers] : multipliers.basic;
  }

  #advance(): void {
    const slice = Math.floor(this.#now() / (this.settings.window / SLICES));
    const steps = Math.min(SLICES, Math.max(0, slice - this.#slice));
    for (let step = 1; step <= steps; step++) {
      const index = (slice - steps + step) % SLICES;
      this.#requests -= this.#sliceRequests[index]!;
      this.#errors -= this.#sliceErrors[index]!;
      this.#sliceRequests[index] = 0;
      this.#sliceErrors[index] = 0;
    }
    // A clock that steps back keeps counting in the newest slice.
    this.#slice = Math.max(slice, this.#slice);
  }

  #begin(): void {
    const { lasts } = this.settings;
    const [requests, errors] = [this.#requests, this.#errors];
    this.#untilMs = this.#now() + lasts;
    const detail = { active: true, errorRate: errors / requests, requests, errors, lastedMs: 0 };
    this.#telemetry.event("velocityModeChanged", detail);
    // So that the gauge falls even when no further request comes; it keeps no process alive.
    setTimeout(() => this.untilMs, lasts).unref();
  }

  #end(): void {
    this.#untilMs = undefined;
    this.#sliceRequests.fill(0);
    this.#sliceErrors.fill(0);
    this.#requests = 0;
    this.#errors = 0;
    const detail = { active: false, errorRate: 0, requests: 0, errors: 0, lastedMs: this.settings.lasts };
    this.#telemetry.event("velocityModeChanged", detail);
  }
}
