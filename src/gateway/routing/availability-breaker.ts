import type { Config } from "../../config/schema.ts";
import { AVAILABILITY_BREAKERS_MAX } from "../limits.ts";
import type { BreakerState } from "../request-record.ts";

type AvailabilityLimits = Config["gateway"]["availabilityBreaker"];

interface ModelBreaker {
  state: BreakerState;
  failures: number;
  successes: number;
  slowInRow: number;
  openedAtMs: number;
}

/** State of one model's breaker, for the routes. */
export interface AvailabilityView {
  readonly gateway: string;
  readonly model: string;
  readonly state: BreakerState;
  readonly failure_count: number;
  readonly slow_responses: number;
  readonly seconds_until_retry: number;
}

/**
 * The availability breaker of contract section 4, one per provider and model: opens on failures (a success takes one off)
 * or on slow responses in a row, lets requests through again after `openFor`, closes on successes, slow ones too, and
 * opens again on a failure. Models that never failed have no entry; beyond AVAILABILITY_BREAKERS_MAX the oldest goes.
 */
export class AvailabilityBreakers {
  readonly #limits: AvailabilityLimits;
  readonly #moved: (provider: string, model: string, from: BreakerState, to: BreakerState) => void;
  readonly #now: () => number;
  readonly #byModel = new Map<string, ModelBreaker>();
  /** Told of each result that counted, for other processes of this gateway. */
  onCounted: (provider: string, model: string, success: boolean, responseMs: number) => void = () => undefined;

  constructor(
    limits: AvailabilityLimits,
    moved: (provider: string, model: string, from: BreakerState, to: BreakerState) => void,
    now: () => number = Date.now,
  ) {
    this.#limits = limits;
    this.#moved = moved;
    this.#now = now;
  }

  state(provider: string, model: string): BreakerState {
    if (this.#byModel.size === 0) return "closed";
    const breaker = this.#byModel.get(`${provider}\n${model}`);
    if (breaker === undefined) return "closed";
    if (breaker.state === "open" && this.#now() >= breaker.openedAtMs + this.#limits.openFor) {
      this.#move(provider, model, breaker, "half_open");
    }
    return breaker.state;
  }

  /** Counts a call that ended. @param responseMs To the end of a whole reply, or to the head of a stream. */
  count(provider: string, model: string, success: boolean, responseMs: number): void {
    const state = this.state(provider, model);
    const key = `${provider}\n${model}`;
    const slow = success && responseMs > this.#limits.slowResponse;
    let breaker = this.#byModel.get(key);
    if (breaker === undefined) {
      if (success && !slow) return; // What every good call of a good model does: nothing.
      breaker = { state: "closed", failures: 0, successes: 0, slowInRow: 0, openedAtMs: 0 };
      if (this.#byModel.size >= AVAILABILITY_BREAKERS_MAX) this.#byModel.delete(this.#byModel.keys().next().value!);
      this.#byModel.set(key, breaker);
    }
    this.onCounted(provider, model, success, responseMs);
    if (state === "half_open") this.#countHalfOpen(provider, model, breaker, success);
    else if (state === "closed") this.#countClosed(provider, model, breaker, success, slow);
  }

  #countClosed(provider: string, model: string, breaker: ModelBreaker, success: boolean, slow: boolean): void {
    breaker.slowInRow = slow ? breaker.slowInRow + 1 : 0;
    breaker.failures = success ? Math.max(0, breaker.failures - 1) : breaker.failures + 1;
    const { failures, slowResponses } = this.#limits;
    if (breaker.failures >= failures || breaker.slowInRow >= slowResponses)
      this.#move(provider, model, breaker, "open");
    else if (breaker.failures === 0 && breaker.slowInRow === 0) this.#byModel.delete(`${provider}\n${model}`);
  }

  #countHalfOpen(provider: string, model: string, breaker: ModelBreaker, success: boolean): void {
    if (success) breaker.successes++;
    else breaker.failures++;
    if (breaker.failures >= this.#limits.halfOpenFailures) this.#move(provider, model, breaker, "open");
    else if (breaker.successes >= this.#limits.halfOpenSuccesses) {
      this.#move(provider, model, breaker, "closed");
      this.#byModel.delete(`${provider}\n${model}`);
    }
  }

  #move(provider: string, model: string, breaker: ModelBreaker, to: BreakerState): void {
    const from = breaker.state;
    Object.assign(breaker, { state: to, failures: 0, successes: 0, slowInRow: 0 });
    if (to === "open") breaker.openedAtMs = this.#now();
    this.#moved(provider, model, from, to);
  }

  /** The breakers of models with something to tell. */
  views(): AvailabilityView[] {
    return [...this.#byModel].map(([key, breaker]) => {
      const [gateway, model] = key.split("\n") as [string, string];
      const state = this.state(gateway, model);
      const waitMs = state === "open" ? breaker.openedAtMs + this.#limits.openFor - this.#now() : 0;
      return {
        gateway,
        model,
        state,
        failure_count: breaker.failures,
        slow_responses: breaker.slowInRow,
        seconds_until_retry: Math.max(0, Math.ceil(waitMs / 1_000)),
      };
    });
  }

  resetAll(): void {
    this.#byModel.clear();
  }
}
