/** US dollars with the six decimals that every reply has (contract 6b). */
export function usd(amount: number): number {
  return Math.round(amount * 1e6) / 1e6;
}

/** Milliseconds, shares and percentages: more decimals than anybody reads are noise. */
export function rounded(value: number, decimals = 2): number {
  const factor = 10 ** decimals;
  return Math.round(value * factor) / factor;
}
