import type { CancelSignal } from "../cancellation.ts";
import { GatewayError } from "../errors.ts";
import type { Telemetry } from "../request-record.ts";

export interface GateLimits {
  readonly active: number;
  readonly queued: number;
  /** Longest wait, ms. */
  readonly queueWait: number;
}

interface Waiter {
  admit(): void;
  refuse(error: GatewayError): void;
}

/** Lets a fixed number of inference requests run; the next ones wait in order, for a limited time. */
export class ConcurrencyGate {
  readonly #limits: GateLimits;
  readonly #telemetry: Telemetry;
  readonly #waiters = new Set<Waiter>();
  #active = 0;

  constructor(limits: GateLimits, telemetry: Telemetry) {
    this.#limits = limits;
    this.#telemetry = telemetry;
  }

  /**
   * Takes a slot. The caller calls the returned function once, when the request is over.
   * @param signal Ends the wait when the client goes away.
   * @throws GatewayError CONCURRENCY_QUEUE_FULL, CONCURRENCY_QUEUE_TIMEOUT; the signal's reason.
   */
  async enter(signal: CancelSignal): Promise<() => void> {
    signal.throwIfAborted();
    const { active, queued, queueWait } = this.#limits;
    if (this.#active < active) {
      this.#active++;
      this.#changed();
      return this.#leaveOnce();
    }
    if (this.#waiters.size >= queued) {
      this.#telemetry.event("concurrencyRejected", { reason: "queue_full" });
      const detail = { active: this.#active, queued: this.#waiters.size };
      throw new GatewayError("CONCURRENCY_QUEUE_FULL", detail, { retryAfterSeconds: 1 });
    }
    await this.#wait(signal, queueWait);
    return this.#leaveOnce();
  }

  #wait(signal: CancelSignal, queueWaitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#waiters.delete(waiter);
        clearTimeout(timer);
        signal.removeEventListener("abort", aborted);
        this.#changed();
      };
      const waiter: Waiter = {
        admit: () => {
          settle();
          resolve();
        },
        refuse: (error) => {
          settle();
          reject(error);
        },
      };
      const aborted = (): void => waiter.refuse(signal.reason as GatewayError);
      const timer = setTimeout(() => {
        this.#telemetry.event("concurrencyRejected", { reason: "queue_timeout" });
        waiter.refuse(new GatewayError("CONCURRENCY_QUEUE_TIMEOUT", { waitMs: queueWaitMs }, { retryAfterSeconds: 1 }));
      }, queueWaitMs);
      signal.addEventListener("abort", aborted);
      this.#waiters.add(waiter);
      this.#changed();
    });
  }

  #leaveOnce(): () => void {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = this.#waiters.values().next().value;
      // The slot passes on without ever being free, so a newcomer cannot overtake the queue.
      if (next !== undefined) next.admit();
      else {
        this.#active--;
        this.#changed();
      }
    };
  }

  #changed(): void {
    this.#telemetry.event("concurrencyChanged", { active: this.#active, queued: this.#waiters.size });
  }
}
