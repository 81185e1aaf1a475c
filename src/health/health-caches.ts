import type { HealthBook } from "./health-book.ts";
import { type Rollup, rollUp } from "./rollup.ts";

/** How long a roll-up counts as cached (contract section 3c). */
const CACHE_TTL_MS = 360_000;
/** A roll-up younger than this is given out again instead of being computed. */
const FRESH_MS = 1_000;
/** How long one check keeps a model in the availability cache (contract section 3d). */
const AVAILABILITY_TTL_MS = 300_000;

/** The cached roll-ups of system, providers, models and gateways. */
export class HealthCaches {
  readonly #book: HealthBook;
  #rollup: Rollup | undefined;
  #computedAtMs = 0;

  constructor(book: HealthBook) {
    this.#book = book;
  }

  /** At most a second old. */
  rollup(nowMs = Date.now()): Rollup {
    if (this.#rollup === undefined || nowMs - this.#computedAtMs >= FRESH_MS) {
      this.#rollup = rollUp(this.#book.models(), nowMs);
      this.#computedAtMs = nowMs;
    }
    return this.#rollup;
  }

  /** What `GET /cache/stats` says: which roll-ups are there and have something in them. */
  stats(nowMs = Date.now()): { system: boolean; providers: boolean; models: boolean } {
    const rollup = nowMs - this.#computedAtMs < CACHE_TTL_MS ? this.#rollup : undefined;
    return {
      system: rollup !== undefined,
      providers: rollup !== undefined && rollup.providers.length > 0,
      models: rollup !== undefined && Object.keys(rollup.statusDistribution).length > 0,
    };
  }

  /** Models whose availability is known from a check that is young enough. */
  availabilitySize(nowMs = Date.now()): number {
    return this.#book.models().filter((state) => (state.lastCalledAtMs ?? 0) > nowMs - AVAILABILITY_TTL_MS).length;
  }
}
