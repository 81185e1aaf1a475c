import type { Telemetry } from "../request-record.ts";
import { Breaker, type BreakerLimits, type BreakerView } from "./breaker.ts";

/** One breaker per configured provider; their number is the number of providers. */
export class Breakers {
  readonly #byProvider = new Map<string, Breaker>();

  constructor(providers: Iterable<string>, limits: BreakerLimits, telemetry: Telemetry) {
    for (const provider of providers) {
      const breaker = new Breaker(provider, limits, {
        moved: (from, to) => telemetry.event("breakerMoved", { provider, from, to }),
        counted: (state, success) => telemetry.event("breakerResult", { provider, state, success }),
      });
      this.#byProvider.set(provider, breaker);
    }
  }

  of(provider: string): Breaker | undefined {
    return this.#byProvider.get(provider);
  }

  views(): BreakerView[] {
    return [...this.#byProvider.values()].map((breaker) => breaker.view());
  }

  resetAll(): void {
    for (const breaker of this.#byProvider.values()) breaker.reset();
  }
}
