import type { Telemetry } from "../request-record.ts";

/** Contract section 5: this share of errors among at least this many requests within the window sets it off. */
const ERROR_SHARE_MIN = 0.25;
const REQUESTS_MIN = 100;
const WINDOW_MS = 60_000;
const LASTS_MS = 180_000;
const SLICES = 12;

/** What remains of a key's limits while it lasts, by tier. */
const MULTIPLIERS: Readonly<Record<string, number>> = { basic: 0.5, pro: 0.75, max: 0.9, admin: 1, demo: 1 };

interface Slice {
  index: number;
  requests: number;
  errors: number;
}

/**
 * Lowers every key's limits for a while when too many requests fail: something is wrong, or somebody tries things out,
 * and less traffic helps in both cases.
 */
export class VelocityMode {
  readonly #telemetry: Telemetry;
  readonly #now: () => number;
  readonly #slices: Slice[] = Array.from({ length: SLICES }, () => ({ index: -1, requests: 0, errors: 0 }));
  #untilMs: number | undefined;

  constructor(telemetry: Telemetry, now: () => number = Date.now) {
    this.#telemetry = telemetry;
    this.#now = now;
  }

  /** Unix ms of its end, or undefined while it is off. */
  get untilMs(): number | undefined {
    if (this.#untilMs !== undefined && this.#now() >= this.#untilMs) this.#end();
    return this.#untilMs;
  }

  multiplier(tier: string): number {
    return this.untilMs === undefined ? 1 : (MULTIPLIERS[tier] ?? 0.5);
  }

  /** Counts a finished request. @param failed The gateway or a provider failed; a client's own mistake does not count. */
  count(failed: boolean): void {
    if (this.untilMs !== undefined) return;
    const index = Math.floor(this.#now() / (WINDOW_MS / SLICES));
    const slice = this.#slices[index % SLICES]!;
    if (slice.index !== index) Object.assign(slice, { index, requests: 0, errors: 0 });
    slice.requests++;
    if (!failed) return;
    slice.errors++;
    const recent = this.#slices.filter((candidate) => candidate.index > index - SLICES);
    const requests = recent.reduce((sum, candidate) => sum + candidate.requests, 0);
    const errors = recent.reduce((sum, candidate) => sum + candidate.errors, 0);
    if (requests >= REQUESTS_MIN && errors / requests >= ERROR_SHARE_MIN) this.#begin(requests, errors);
  }

  #begin(requests: number, errors: number): void {
    this.#untilMs = this.#now() + LASTS_MS;
    const errorRate = errors / requests;
    this.#telemetry.event("velocityModeChanged", { active: true, errorRate, requests, errors, lastedMs: 0 });
    // So that the gauge falls even when no further request comes; it keeps no process alive.
    setTimeout(() => this.untilMs, LASTS_MS).unref();
  }

  #end(): void {
    this.#untilMs = undefined;
    for (const slice of this.#slices) slice.index = -1;
    const detail = { active: false, errorRate: 0, requests: 0, errors: 0, lastedMs: LASTS_MS };
    this.#telemetry.event("velocityModeChanged", detail);
  }
}
