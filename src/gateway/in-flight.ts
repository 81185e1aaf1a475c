import type { Cancellation } from "./cancellation.ts";
import { GatewayError } from "./errors.ts";

/** The inference requests that are open, so that a shutdown can wait for them and then end them cleanly. */
export class InFlight {
  readonly #requests = new Set<Cancellation>();
  #emptied: (() => void) | undefined;
  #draining = false;

  get draining(): boolean {
    return this.#draining;
  }

  /** How many are open. */
  get size(): number {
    return this.#requests.size;
  }

  /** @throws GatewayError SHUTTING_DOWN once `drain` has begun. */
  enter(request: Cancellation): void {
    if (this.#draining) throw new GatewayError("SHUTTING_DOWN", {}, { retryAfterSeconds: 5 });
    this.#requests.add(request);
  }

  leave(request: Cancellation): void {
    this.#requests.delete(request);
    if (this.#requests.size === 0) this.#emptied?.();
  }

  /** Waits for open requests to end; after `patienceMs` they get SHUTTING_DOWN, and `lastMs` for that to leave. */
  async drain(patienceMs: number, lastMs: number): Promise<void> {
    this.#draining = true;
    if (await this.#empty(patienceMs)) return;
    for (const request of this.#requests) request.abort(new GatewayError("SHUTTING_DOWN", {}));
    await this.#empty(lastMs);
  }

  #empty(limitMs: number): Promise<boolean> {
    if (this.#requests.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), limitMs);
      this.#emptied = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
