/**
 * Money is counted in whole billionths of a dollar: sums are exact in any order, on every database, and 2^53 of them are
 * nine million dollars.
 */
const NANO = 1e9;

export function toNanoUsd(usd: number): number {
  return Math.round(usd * NANO);
}

export function toUsd(nanoUsd: number): number {
  return nanoUsd / NANO;
}
