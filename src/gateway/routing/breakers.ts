import type { BreakerState, Telemetry } from "../request-record.ts";
import { Breaker, type BreakerLimits, type BreakerView } from "./breaker.ts";

/** Told of every result and every move of our own. */
export interface BreakerObserver {
  counted(provider: string, success: boolean): void;
  moved(provider: string, to: BreakerState): void;
  /** A closed one was reset by hand. */
  cleared(provider: string): void;
}

/** One breaker per configured provider; their number is the number of providers. */
export class Breakers {
  readonly #byProvider = new Map<string, Breaker>();
  /** At most one; the store that gateways share. */
  observer: BreakerObserver | undefined;
  /** Told of every move, whoever caused it, and of every reset, for other processes of this gateway. */
  onMove: (provider: string, breaker: Breaker) => void = () => undefined;

  readonly #limits: BreakerLimits;
  readonly #telemetry: Telemetry;

  constructor(providers: Iterable<string>, limits: BreakerLimits, telemetry: Telemetry) {
    this.#limits = limits;
    this.#telemetry = telemetry;
    for (const provider of providers) this.put(provider);
  }

  /** Gives a provider its breaker; one that it has already stays as it is. */
  put(provider: string): void {
    if (this.#byProvider.has(provider)) return;
    const telemetry = this.#telemetry;
    const breaker = new Breaker(provider, this.#limits, {
      moved: (from, to, own) => {
        telemetry.event("breakerMoved", { provider, from, to });
        if (own) this.observer?.moved(provider, to);
        this.onMove(provider, breaker);
      },
      counted: (state, success) => {
        telemetry.event("breakerResult", { provider, state, success });
        this.observer?.counted(provider, success);
      },
      cleared: () => {
        this.observer?.cleared(provider);
        this.onMove(provider, breaker);
      },
    });
    this.#byProvider.set(provider, breaker);
  }

  remove(provider: string): void {
    this.#byProvider.delete(provider);
  }

  of(provider: string): Breaker | undefined {
    return this.#byProvider.get(provider);
  }

  /** How far the failure rate looks back. */
  get windowMs(): number {
    return this.#limits.window;
  }

  names(): string[] {
    return [...this.#byProvider.keys()];
  }

  views(): BreakerView[] {
    return [...this.#byProvider.values()].map((breaker) => breaker.view());
  }

  resetAll(): void {
    for (const breaker of this.#byProvider.values()) breaker.reset();
  }
}
