import type { MetricsStage, Query } from "../../languages/traceql/ast.ts";
import { impliedType } from "../../languages/traceql/check.ts";
import { formatFieldRef } from "../../languages/traceql/format.ts";
import { HttpError } from "../../runtime/http-error.ts";
import { startMs as rowStartMs } from "../store/span-block.ts";
import type { TraceStore } from "../store/trace-store.ts";
import { type AnyValueJson, anyValue } from "./attribute-value.ts";
import { BlockFacts } from "./block-facts.ts";
import { compareSpans } from "./compare.ts";
import { compileValue } from "./compile.ts";
import type { Getter } from "./field-getter.ts";
import { columnRequests, fieldsOf, Pipeline } from "./pipeline.ts";
import { blockFilter } from "./prune.ts";
import { QueryBudget } from "./query-budget.ts";
import { applySecondStages } from "./second-stage.ts";
import { newStepAggregator, type StepAggregator } from "./step-aggregator.ts";
import type { Value } from "./values.ts";

/** Most series of an answer, as Tempo's max_response_series. */
const SERIES_MAX = 1_000;
/** Groups that may exist while a query runs; a query with more is refused rather than cut. */
const GROUPS_MAX = 20_000;

export interface StepGrid {
  /** Unix ms of the first step, a multiple of the step. */
  readonly startMs: number;
  readonly stepMs: number;
  readonly steps: number;
}

/** A label of a result series. */
export interface SeriesLabel {
  readonly key: string;
  readonly value: AnyValueJson;
}

export interface MetricsSeries {
  readonly labels: readonly SeriesLabel[];
  /** By step; NaN where there is no sample. */
  readonly values: Float64Array;
}

export interface MetricsResult {
  readonly series: readonly MetricsSeries[];
  readonly inspectedSpans: number;
  readonly inspectedBlocks: number;
}

export interface MetricsOptions {
  readonly query: Query;
  readonly metrics: MetricsStage;
  readonly grid: StepGrid;
  readonly signal: AbortSignal | undefined;
}

interface Group {
  readonly labels: readonly SeriesLabel[];
  readonly aggregator: StepAggregator;
}

/**
 * Evaluates a metrics query: each matching span counts in the step in which it starts. Durations come out in seconds.
 * @throws HttpError 422 for too many groups, 504 past the time limit.
 */
export async function evaluateMetrics(store: TraceStore, options: MetricsOptions): Promise<MetricsResult> {
  const { query, metrics, grid } = options;
  if (metrics.compare !== undefined) return compareSpans(store, options, metrics.compare);
  const endMs = grid.startMs + grid.steps * grid.stepMs;
  const requests = columnRequests(fieldsOf(query));
  const groups = new Map<string, Group>();
  const budget = new QueryBudget(options.signal);
  let inspectedSpans = 0;
  let inspectedBlocks = 0;
  for await (const block of store.blocks(grid.startMs, endMs, requests, blockFilter(query))) {
    await budget.pause();
    inspectedBlocks++;
    inspectedSpans += block.rowCount;
    const facts = new BlockFacts(block);
    const pipeline = new Pipeline(query.elements, facts);
    const by = metrics.by.map((field) => ({ field, getter: compileValue(field, facts) }));
    const measure = compileMeasure(metrics, facts);
    const values: Value[] = new Array(by.length);
    for (let trace = 0; trace < block.traceCount; trace++) {
      for (const { rows } of pipeline.run(trace)) {
        for (const row of rows) {
          const step = Math.floor((rowStartMs(block, row) - grid.startMs) / grid.stepMs);
          if (step < 0 || step >= grid.steps) continue;
          const measured = measure(row);
          if (typeof measured !== "number") continue;
          for (let index = 0; index < by.length; index++) values[index] = by[index]!.getter(row);
          groupOf(groups, values, metrics, grid).aggregator.add(step, measured);
        }
      }
    }
  }
  const series = [...groups.values()].flatMap(({ labels, aggregator }) =>
    aggregator.results().map(({ label, values }) => ({
      labels: label === undefined ? labels : [...labels, { key: label.key, value: { doubleValue: label.value } }],
      values,
    })),
  );
  return {
    series: applySecondStages(series, query.secondStages).slice(0, SERIES_MAX),
    inspectedSpans,
    inspectedBlocks,
  };
}

/** The number that a span contributes; counting functions need none. */
function compileMeasure({ field }: MetricsStage, facts: BlockFacts): Getter {
  if (field === undefined) return () => 1;
  const getter = compileValue(field, facts);
  if (impliedType(field) !== "duration") return getter;
  return (row) => {
    const value = getter(row);
    return typeof value === "number" ? value / 1e9 : undefined;
  };
}

function groupOf(groups: Map<string, Group>, values: readonly Value[], metrics: MetricsStage, grid: StepGrid): Group {
  const key = values.length === 0 ? "" : JSON.stringify(values.map((value) => [typeof value, value ?? null]));
  let group = groups.get(key);
  if (group === undefined) {
    if (groups.size >= GROUPS_MAX) {
      throw new HttpError(422, `query has more than ${GROUPS_MAX} series; group by fewer or less varied attributes`);
    }
    const labels = metrics.by.map((field, index) => ({
      key: formatFieldRef(field),
      value: anyValue(values[index], field),
    }));
    // Without labels of its own a series is named after the function, as Tempo does it.
    const named = labels.length > 0 || metrics.op === "quantile_over_time" || metrics.op === "histogram_over_time";
    group = {
      labels: named ? labels : [{ key: "__name__", value: { stringValue: metrics.op } }],
      aggregator: newStepAggregator(metrics, grid.steps, grid.stepMs / 1e3),
    };
    groups.set(key, group);
  }
  return group;
}
