import type { Config } from "../../config/schema.ts";
import type { BreakerState } from "../request-record.ts";

export type BreakerLimits = Config["gateway"]["breaker"];

export interface BreakerListener {
  /** @param own False where the move was another gateway's. */
  moved(from: BreakerState, to: BreakerState, own: boolean): void;
  counted(state: BreakerState, success: boolean): void;
  /** Closed by hand while it was closed: what was counted is forgotten. */
  cleared(): void;
}

/** JSON of `GET /circuit-breakers/{provider}` (contract section 4). */
export interface BreakerView {
  readonly provider: string;
  readonly state: BreakerState;
  readonly failure_count: number;
  readonly success_count: number;
  readonly failure_rate: number;
  readonly recent_requests: number;
  readonly opened_at: string | null;
  readonly seconds_until_retry: number;
}

/** What gateways tell each other of a breaker. */
export interface SharedBreakerState {
  readonly state: BreakerState;
  readonly failureCount: number;
  readonly successCount: number;
  /** Unix ms; undefined unless it is open. */
  readonly openedAtMs: number | undefined;
  /** Results within the window in the closed state. */
  readonly window: WindowCounts;
}

export interface WindowCounts {
  readonly total: number;
  readonly failures: number;
}

const NONE: WindowCounts = { total: 0, failures: 0 };

/** The window is counted in this many slices, so that old results leave gradually and memory stays constant. */
export const SLICES = 12;

/**
 * The provider breaker of contract section 4: opens on consecutive failures or on a failure rate over a window, lets
 * everything through again (half-open) after `openFor`, closes on successes and reopens on failures counted there.
 * A success zeroes the consecutive failures, a move resets the counters.
 */
export class Breaker {
  readonly #provider: string;
  readonly #limits: BreakerLimits;
  readonly #listener: BreakerListener;
  readonly #now: () => number;
  #state: BreakerState = "closed";
  #failureCount = 0;
  #successCount = 0;
  #openedAtMs: number | undefined;
  #consecutiveOpens = 0;
  readonly #sliceTotals = new Uint32Array(SLICES);
  readonly #sliceFailures = new Uint32Array(SLICES);
  #slice = 0;
  /** What other gateways saw within the window, as of the last time that we heard of it; counts for one slice's time. */
  #others = NONE;
  #othersAtMs = 0;

  /** @param now Unix ms. */
  constructor(provider: string, limits: BreakerLimits, listener: BreakerListener, now: () => number = Date.now) {
    this.#provider = provider;
    this.#limits = limits;
    this.#listener = listener;
    this.#now = now;
  }

  /** The state, after an open breaker's time is over: half-open. */
  get state(): BreakerState {
    if (this.#state === "open" && this.#now() >= (this.#openedAtMs ?? 0) + this.#limits.openFor)
      this.#move("half_open");
    return this.#state;
  }

  /** Counts the result of a call that was sent. */
  count(success: boolean): void {
    const state = this.state;
    this.#listener.counted(state, success);
    if (state === "closed") this.#countClosed(success);
    else if (state === "half_open") this.#countHalfOpen(success);
    // Results of calls that were under way when it opened say nothing new.
  }

  #countClosed(success: boolean): void {
    this.#advanceWindow();
    this.#sliceTotals[this.#slice % SLICES]!++;
    if (success) {
      this.#successCount++;
      this.#failureCount = 0;
      return;
    }
    this.#sliceFailures[this.#slice % SLICES]!++;
    this.#failureCount++;
    if (this.#failureCount >= this.#limits.consecutiveFailures || this.#rateTooHigh()) this.#move("open");
  }

  #countHalfOpen(success: boolean): void {
    if (success) this.#successCount++;
    else this.#failureCount++;
    this.#judgeHalfOpen();
  }

  #judgeHalfOpen(): void {
    if (this.#failureCount >= this.#limits.halfOpenFailures) this.#move("open");
    else if (this.#successCount >= this.#limits.halfOpenSuccesses) this.#move("closed");
  }

  /** Unix ms since when it is open. */
  get openedAtMs(): number | undefined {
    return this.#openedAtMs;
  }

  /** How often it has opened since it was last closed. */
  get consecutiveOpens(): number {
    return this.#consecutiveOpens;
  }

  /** Takes over what all gateways together know; their counts may be what opens or closes it. */
  adopt(shared: SharedBreakerState): void {
    if (shared.state !== this.state) this.#move(shared.state, false, shared.openedAtMs);
    if (shared.state === "open") return;
    this.#failureCount = shared.failureCount;
    this.#successCount = shared.successCount;
    if (shared.state === "half_open") this.#judgeHalfOpen();
    else this.#adoptWindow(shared.window);
  }

  #adoptWindow({ total, failures }: WindowCounts): void {
    this.#advanceWindow();
    const own = this.#ownWindow();
    const known = this.#others.failures;
    this.#others = { total: Math.max(0, total - own.total), failures: Math.max(0, failures - own.failures) };
    this.#othersAtMs = this.#now();
    // As with one gateway, it is a failure that opens it, never a success or the mere passing of time.
    const failed = this.#others.failures > known;
    if (this.#failureCount >= this.#limits.consecutiveFailures || (failed && this.#rateTooHigh())) this.#move("open");
  }

  /** Closes it by hand. */
  reset(): void {
    this.#clear();
    if (this.#state !== "closed") this.#move("closed");
    else this.#listener.cleared();
  }

  view(): BreakerView {
    const state = this.state;
    this.#advanceWindow();
    const { total, failures } = this.#window();
    const opened = state === "open" ? this.#openedAtMs : undefined;
    const retryMs = opened === undefined ? 0 : opened + this.#limits.openFor - this.#now();
    return {
      provider: this.#provider,
      state,
      failure_count: this.#failureCount,
      success_count: this.#successCount,
      failure_rate: total === 0 ? 0 : failures / total,
      recent_requests: total,
      opened_at: opened === undefined ? null : new Date(opened).toISOString(),
      seconds_until_retry: Math.max(0, Math.ceil(retryMs / 1_000)),
    };
  }

  /** @param openedAtMs Where another gateway opened it; a clock that is ahead of ours does not keep it open for longer. */
  #move(to: BreakerState, own = true, openedAtMs?: number): void {
    const from = this.#state;
    this.#state = to;
    this.#openedAtMs = to === "open" ? Math.min(this.#now(), openedAtMs ?? Number.POSITIVE_INFINITY) : undefined;
    if (to === "open") this.#consecutiveOpens++;
    else if (to === "closed") this.#consecutiveOpens = 0;
    this.#clear();
    this.#listener.moved(from, to, own);
  }

  #clear(): void {
    this.#failureCount = 0;
    this.#successCount = 0;
    this.#sliceTotals.fill(0);
    this.#sliceFailures.fill(0);
    this.#others = NONE;
  }

  #rateTooHigh(): boolean {
    const { total, failures } = this.#window();
    return total >= this.#limits.windowRequestsMin && failures / total >= this.#limits.failureRate;
  }

  #advanceWindow(): void {
    const slice = Math.floor(this.#now() / (this.#limits.window / SLICES));
    const steps = Math.min(SLICES, Math.max(0, slice - this.#slice));
    for (let step = 1; step <= steps; step++) {
      const index = (slice - steps + step) % SLICES;
      this.#sliceTotals[index] = 0;
      this.#sliceFailures[index] = 0;
    }
    // A clock that steps back keeps counting in the newest slice.
    this.#slice = Math.max(slice, this.#slice);
  }

  #window(): WindowCounts {
    const own = this.#ownWindow();
    if (this.#now() - this.#othersAtMs > this.#limits.window / SLICES) return own; // Nothing is heard any more.
    return { total: own.total + this.#others.total, failures: own.failures + this.#others.failures };
  }

  #ownWindow(): WindowCounts {
    let total = 0;
    let failures = 0;
    for (let index = 0; index < SLICES; index++) {
      total += this.#sliceTotals[index]!;
      failures += this.#sliceFailures[index]!;
    }
    return { total, failures };
  }
}
