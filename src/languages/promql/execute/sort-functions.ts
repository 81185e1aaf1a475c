import { compareLabels } from "../../../series/labels.ts";
import type { CallPlan } from "../plan/plan.ts";
import { stringOf } from "./label-functions.ts";
import { ABSENT, FLOAT, type StepSeries } from "./step-series.ts";

/**
 * `sort`, `sort_desc`, `sort_by_label`, `sort_by_label_desc`. Only the order of an instant query's result can change;
 * the series of a range query are ordered by their labels in the end.
 */
export function sortSeries(call: CallPlan, list: StepSeries[]): StepSeries[] {
  const descending = call.name.endsWith("_desc");
  if (call.name.startsWith("sort_by_label")) {
    const labels = call.args.slice(1).map(stringOf);
    const sign = descending ? -1 : 1;
    return list.sort((left, right) => {
      for (const label of labels) {
        const order = compareNatural(left.labels.get(label), right.labels.get(label));
        if (order !== 0) return sign * order;
      }
      return sign * compareLabels(left.labels, right.labels);
    });
  }
  for (const series of list) {
    // Histograms have no order; they are left out.
    for (let step = 0; step < series.kinds.length; step++)
      if (series.kinds[step] !== FLOAT) series.kinds[step] = ABSENT;
    series.histograms = undefined;
  }
  return list.sort((left, right) => compareValues(left.values[0]!, right.values[0]!, descending));
}

/** NaN always comes last. */
function compareValues(left: number, right: number, descending: boolean): number {
  if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
  if (left === right) return 0;
  return left < right === descending ? 1 : -1;
}

/** Order of texts in which runs of digits count as numbers: `a2` before `a10`. */
function compareNatural(left: string, right: string): number {
  if (left === right) return 0;
  const leftChunks = left.match(/\d+|\D+/g) ?? [];
  const rightChunks = right.match(/\d+|\D+/g) ?? [];
  for (let index = 0; index < Math.min(leftChunks.length, rightChunks.length); index++) {
    const leftChunk = leftChunks[index]!;
    const rightChunk = rightChunks[index]!;
    if (leftChunk === rightChunk) continue;
    const numbers = /^\d/.test(leftChunk) && /^\d/.test(rightChunk);
    if (numbers && Number(leftChunk) !== Number(rightChunk)) return Number(leftChunk) - Number(rightChunk);
    if (!numbers) return leftChunk < rightChunk ? -1 : 1;
  }
  return leftChunks.length - rightChunks.length;
}
