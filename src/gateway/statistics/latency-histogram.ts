/** Four buckets per doubling: a quantile read from them is at most 19 % above the true one. */
const BUCKETS_PER_DOUBLING = 4;
/** 2^(80/4) ms are 17 minutes, longer than any request may take; more counts as that. */
const BUCKETS = 80;

/** How long things took, in ms, in 320 bytes whatever their number. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKETS + 1);
  count = 0;
  sumMs = 0;
  maxMs = 0;

  add(ms: number): void {
    const bucket = ms <= 1 ? 0 : Math.min(BUCKETS, Math.ceil(Math.log2(ms) * BUCKETS_PER_DOUBLING));
    this.#counts[bucket]!++;
    this.count++;
    this.sumMs += ms;
    if (ms > this.maxMs) this.maxMs = ms;
  }

  merge(other: LatencyHistogram): void {
    for (let bucket = 0; bucket <= BUCKETS; bucket++) this.#counts[bucket]! += other.#counts[bucket]!;
    this.count += other.count;
    this.sumMs += other.sumMs;
    this.maxMs = Math.max(this.maxMs, other.maxMs);
  }

  get meanMs(): number {
    return this.count === 0 ? 0 : this.sumMs / this.count;
  }

  /** @param quantile 0 to 1. Returns ms, 0 without samples; never above the longest sample. */
  quantileMs(quantile: number): number {
    if (this.count === 0) return 0;
    const rank = Math.max(1, Math.ceil(quantile * this.count));
    let seen = 0;
    for (let bucket = 0; bucket <= BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return Math.min(this.maxMs, 2 ** (bucket / BUCKETS_PER_DOUBLING));
    }
    return this.maxMs;
  }
}
