/** What may be spent at once after a quiet time, and at the start. */
const TOKENS_MAX = 10;

/**
 * Lets a share of requests have something extra (a retry, a hedge), whatever the rate: each request earns `share` of one,
 * up to TOKENS_MAX saved. So a provider that fails everything is asked 1 + `share` times as often, not many times.
 */
export class RateBudget {
  #share: number;
  #tokens = TOKENS_MAX;

  constructor(share: number) {
    this.#share = share;
  }

  /** Takes another share from now on. */
  configure(share: number): void {
    this.#share = share;
  }

  /** Counts a request. */
  earn(): void {
    this.#tokens = Math.min(TOKENS_MAX, this.#tokens + this.#share);
  }

  /** Takes one if there is one. */
  spend(): boolean {
    if (this.#share === 0 || this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
