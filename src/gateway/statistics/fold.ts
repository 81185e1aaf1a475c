import type { Row } from "./request-statistics.ts";
import { Totals } from "./totals.ts";

/** All rows together. */
export function sumOf(rows: readonly Row[]): Totals {
  const sum = new Totals();
  for (const { totals } of rows) sum.merge(totals);
  return sum;
}

/** Rows added up by provider or by model, the one with the most requests first. */
export function groupRows(rows: readonly Row[], by: "provider" | "model"): { name: string; totals: Totals }[] {
  const groups = new Map<string, Totals>();
  for (const row of rows) {
    let totals = groups.get(row[by]);
    if (totals === undefined) {
      totals = new Totals();
      groups.set(row[by], totals);
    }
    totals.merge(row.totals);
  }
  return [...groups]
    .map(([name, totals]) => ({ name, totals }))
    .sort((a, b) => b.totals.requests - a.totals.requests || (a.name < b.name ? -1 : 1));
}
