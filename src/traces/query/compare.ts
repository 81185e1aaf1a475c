import type { MetricsStage } from "../../languages/traceql/ast.ts";
import { type AttributeScope, startMs as rowStartMs } from "../store/span-block.ts";
import type { TraceStore } from "../store/trace-store.ts";
import { anyValue } from "./attribute-value.ts";
import { BlockFacts } from "./block-facts.ts";
import { compilePredicate, compileValue } from "./compile.ts";
import type { Getter } from "./field-getter.ts";
import type { MetricsOptions, MetricsResult, MetricsSeries } from "./metrics-query.ts";
import { columnRequests, fieldsOf, Pipeline } from "./pipeline.ts";
import { blockFilter } from "./prune.ts";
import { QueryBudget } from "./query-budget.ts";
import type { Value } from "./values.ts";

/** Attributes compared; the rest of a block's keys is left out. */
const ATTRIBUTES_MAX = 200;
/** Distinct values counted per attribute before further ones are left out. */
const VALUES_MAX = 2_000;
const SCOPES: readonly AttributeScope[] = ["span", "resource"];

/** Counts by step of each attribute's values, in the selection or in the baseline. */
class Side {
  readonly attributes = new Map<string, Map<Value, Float64Array>>();
  readonly totals = new Map<string, Float64Array>();
  readonly #steps: number;

  constructor(steps: number) {
    this.#steps = steps;
  }

  add(attribute: string, value: Value, step: number): void {
    const single = typeof value === "object" ? JSON.stringify(value) : value;
    let values = this.attributes.get(attribute);
    if (values === undefined) {
      if (this.attributes.size >= ATTRIBUTES_MAX) return;
      values = new Map();
      this.attributes.set(attribute, values);
      this.totals.set(attribute, new Float64Array(this.#steps));
    }
    this.totals.get(attribute)![step]!++;
    let counts = values.get(single);
    if (counts === undefined) {
      if (values.size >= VALUES_MAX) return;
      counts = new Float64Array(this.#steps);
      values.set(single, counts);
    }
    counts[step]!++;
  }
}

/** `compare({…})`: what spans of the selection have in common that the others (the baseline) have not. */
export async function compareSpans(
  store: TraceStore,
  { query, grid, signal }: MetricsOptions,
  compare: NonNullable<MetricsStage["compare"]>,
): Promise<MetricsResult> {
  const endMs = grid.startMs + grid.steps * grid.stepMs;
  const requests = columnRequests(fieldsOf(query));
  const selection = new Side(grid.steps);
  const baseline = new Side(grid.steps);
  const budget = new QueryBudget(signal);
  let inspectedSpans = 0;
  let inspectedBlocks = 0;
  for await (const block of store.blocks(grid.startMs, endMs, requests, blockFilter(query))) {
    await budget.pause();
    inspectedBlocks++;
    inspectedSpans += block.rowCount;
    const columns = SCOPES.flatMap((scope) => [...block.attributeKeys(scope)].map((key) => ({ scope, key })));
    await block.prepare(columns);
    const facts = new BlockFacts(block);
    const pipeline = new Pipeline(query.elements, facts);
    const isSelected = compilePredicate(compare.filter.expression, facts);
    const getters: { name: string; getter: Getter }[] = columns.map(({ scope, key }) => ({
      name: `${scope}.${key}`,
      getter: compileValue({ type: "attribute", scope, parent: false, name: key }, facts),
    }));
    for (const name of ["name", "kind", "status"] as const) {
      getters.push({ name, getter: compileValue({ type: "intrinsic", name, parent: false, text: name }, facts) });
    }
    for (let trace = 0; trace < block.traceCount; trace++) {
      for (const row of pipeline.run(trace).flatMap(({ rows }) => rows)) {
        const startedMs = rowStartMs(block, row);
        const step = Math.floor((startedMs - grid.startMs) / grid.stepMs);
        if (step < 0 || step >= grid.steps) continue;
        const inRange =
          (compare.startNs === 0 || startedMs >= compare.startNs / 1e6) &&
          (compare.endNs === 0 || startedMs < compare.endNs / 1e6);
        const side = inRange && isSelected(row) ? selection : baseline;
        for (const { name, getter } of getters) {
          const value = getter(row);
          if (value !== undefined) side.add(name, value, step);
        }
      }
    }
  }
  const series = [...render(baseline, "baseline", compare.topN), ...render(selection, "selection", compare.topN)];
  return { series, inspectedSpans, inspectedBlocks };
}

function render(side: Side, type: string, topN: number): MetricsSeries[] {
  const series: MetricsSeries[] = [];
  const label = (metaType: string) => ({ key: "__meta_type", value: { stringValue: metaType } });
  for (const [attribute, values] of side.attributes) {
    const sum = (counts: Float64Array): number => counts.reduce((total, count) => total + count, 0);
    const largest = [...values].sort(([, left], [, right]) => sum(right) - sum(left)).slice(0, topN);
    for (const [value, counts] of largest) {
      series.push({ labels: [label(type), { key: attribute, value: anyValue(value, undefined) }], values: counts });
    }
    const total = { key: attribute, value: { stringValue: "nil" } };
    series.push({ labels: [label(`${type}_total`), total], values: side.totals.get(attribute)! });
  }
  return series;
}
