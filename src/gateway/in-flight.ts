import { GatewayError } from "./errors.ts";

/** The inference requests that are open, so that a shutdown can wait for them and then end them cleanly. */
export class InFlight {
  readonly #controllers = new Set<AbortController>();
  #emptied: (() => void) | undefined;
  #draining = false;

  get draining(): boolean {
    return this.#draining;
  }

  /** How many are open. */
  get size(): number {
    return this.#controllers.size;
  }

  /** @throws GatewayError SHUTTING_DOWN once `drain` has begun. */
  enter(controller: AbortController): void {
    if (this.#draining) throw new GatewayError("SHUTTING_DOWN", {}, { retryAfterSeconds: 5 });
    this.#controllers.add(controller);
  }

  leave(controller: AbortController): void {
    this.#controllers.delete(controller);
    if (this.#controllers.size === 0) this.#emptied?.();
  }

  /** Waits for open requests to end; after `patienceMs` they get SHUTTING_DOWN, and `lastMs` for that to leave. */
  async drain(patienceMs: number, lastMs: number): Promise<void> {
    this.#draining = true;
    if (await this.#empty(patienceMs)) return;
    for (const controller of this.#controllers) controller.abort(new GatewayError("SHUTTING_DOWN", {}));
    await this.#empty(lastMs);
  }

  #empty(limitMs: number): Promise<boolean> {
    if (this.#controllers.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), limitMs);
      this.#emptied = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
