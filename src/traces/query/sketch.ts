/** Ratio between neighbouring bounds: a quantile is off by at most 1 %. */
const GAMMA = 1.02;
const LOG_GAMMA = Math.log(GAMMA);

/**
 * Counts of numbers by size, from which quantiles are read; bounded however many numbers are added.
 * Source: Masson, Rim and Lee 2019 (DDSketch), with logarithmic buckets.
 */
export class Sketch {
  readonly #positive = new Map<number, number>();
  #zeroOrLess = 0;
  count = 0;

  add(value: number): void {
    this.count++;
    if (!(value > 0)) {
      this.#zeroOrLess++;
      return;
    }
    const bucket = Math.ceil(Math.log(value) / LOG_GAMMA);
    this.#positive.set(bucket, (this.#positive.get(bucket) ?? 0) + 1);
  }

  /** The value below which the share `quantile` (0 to 1) lies; numbers below zero count as zero. */
  quantile(quantile: number): number {
    let rank = quantile * (this.count - 1) - this.#zeroOrLess;
    if (rank < 0) return 0;
    const buckets = [...this.#positive.keys()].sort((left, right) => left - right);
    for (const bucket of buckets) {
      rank -= this.#positive.get(bucket)!;
      if (rank < 0) return middle(bucket);
    }
    const last = buckets.at(-1);
    return last === undefined ? 0 : middle(last);
  }
}

function middle(bucket: number): number {
  return (2 * GAMMA ** bucket) / (GAMMA + 1);
}
