import type { SecondStage } from "../../languages/traceql/ast.ts";
import type { MetricsSeries } from "./metrics-query.ts";
import { compareOrder } from "./values.ts";

/** Applies `topk`, `bottomk` and comparisons to finished series; series that keep no sample are left out. */
export function applySecondStages(series: readonly MetricsSeries[], stages: readonly SecondStage[]): MetricsSeries[] {
  let current = [...series];
  for (const stage of stages) {
    if (stage.type === "filter") {
      const { op, value } = stage;
      current = current.map(({ labels, values }) => ({
        labels,
        values: values.map((sample) => (compareOrder(op, sample, value) ? sample : Number.NaN)),
      }));
    } else current = keepExtremes(current, stage.limit, stage.type === "topk");
  }
  if (stages.length === 0) return current;
  return current.filter(({ values }) => values.some((value) => !Number.isNaN(value)));
}

/** At each step the `limit` largest (or smallest) samples; of equal ones the first series'. */
function keepExtremes(series: readonly MetricsSeries[], limit: number, largest: boolean): MetricsSeries[] {
  const kept = series.map(({ labels, values }) => ({
    labels,
    values: new Float64Array(values.length).fill(Number.NaN),
  }));
  const steps = series[0]?.values.length ?? 0;
  for (let step = 0; step < steps; step++) {
    const present: number[] = [];
    for (let index = 0; index < series.length; index++)
      if (!Number.isNaN(series[index]!.values[step]!)) present.push(index);
    const sampleOf = (index: number): number => series[index]!.values[step]!;
    present.sort(
      (left, right) => (largest ? sampleOf(right) - sampleOf(left) : sampleOf(left) - sampleOf(right)) || left - right,
    );
    for (const index of present.slice(0, limit)) kept[index]!.values[step] = sampleOf(index);
  }
  return kept;
}
