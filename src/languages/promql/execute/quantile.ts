/**
 * The `q`-quantile of values in any order, between two of them their weighted mean; NaN counts as the least value.
 * Outside [0, 1] an infinity. Source: Prometheus promql/quantile.go.
 */
export function quantileOf(q: number, values: Float64Array): number {
  if (values.length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  // Typed arrays sort NaN to the end; it belongs to the front.
  const sorted = values.slice().sort();
  let ordered = sorted.length;
  while (ordered > 0 && Number.isNaN(sorted[ordered - 1]!)) ordered--;
  const nans = sorted.length - ordered;
  const at = (index: number): number => (index < nans ? Number.NaN : sorted[index - nans]!);
  const rank = q * (values.length - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(values.length - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return at(lower) * (1 - weight) + at(upper) * weight;
}
