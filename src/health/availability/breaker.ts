import type { CircuitState } from "../model-state.ts";

/** Contract section 4, availability breaker. */
const OPENS_AFTER_FAILURES = 5;
const SLOW_MS = 30_000;
const OPENS_AFTER_SLOW = 3;
const OPEN_MS = 300_000;
const CLOSES_AFTER_SUCCESSES = 3;

/**
 * The breaker of one gateway and model in the availability service: it opens after five failures (each success takes one
 * off) or three slow answers in a row, tries again after five minutes, and closes after three successes.
 */
export class AvailabilityBreaker {
  #state: CircuitState = "closed";
  #failures = 0;
  #slow = 0;
  #successes = 0;
  #openedAtMs = 0;

  /** Open becomes half open by itself when its time is over. */
  state(nowMs: number): CircuitState {
    if (this.#state === "open" && nowMs - this.#openedAtMs >= OPEN_MS) {
      this.#state = "half_open";
      this.#successes = 0;
    }
    return this.#state;
  }

  record(success: boolean, responseTimeMs: number, nowMs: number): void {
    const state = this.state(nowMs);
    // Nobody should have asked; an answer of a request that began earlier says nothing new.
    if (state === "open") return;
    if (state === "half_open") this.#recordHalfOpen(success, nowMs);
    else this.#recordClosed(success, responseTimeMs, nowMs);
  }

  #recordHalfOpen(success: boolean, nowMs: number): void {
    if (!success) {
      this.#open(nowMs);
      return;
    }
    if (++this.#successes < CLOSES_AFTER_SUCCESSES) return;
    this.#state = "closed";
    this.#failures = 0;
    this.#slow = 0;
  }

  #recordClosed(success: boolean, responseTimeMs: number, nowMs: number): void {
    this.#slow = responseTimeMs > SLOW_MS ? this.#slow + 1 : 0;
    this.#failures = success ? Math.max(0, this.#failures - 1) : this.#failures + 1;
    if (this.#failures >= OPENS_AFTER_FAILURES || this.#slow >= OPENS_AFTER_SLOW) this.#open(nowMs);
  }

  #open(nowMs: number): void {
    this.#state = "open";
    this.#openedAtMs = nowMs;
  }
}
