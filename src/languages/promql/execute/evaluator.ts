import type { Queryable } from "../../../series/queryable.ts";
import type { MatrixPlan, PlanNode, SubqueryPlan } from "../plan/plan.ts";
import type { RangeSeries } from "../range/range-series.ts";
import type { Annotations } from "./annotations.ts";
import type { Grid } from "./grid.ts";
import type { Pacer } from "./pacer.ts";
import type { SampleBudget } from "./sample-budget.ts";
import type { StepSeries } from "./step-series.ts";

/** What one query carries through its evaluation. */
export interface EvalContext {
  readonly queryable: Queryable;
  readonly lookbackMs: number;
  readonly subqueryStepMs: number;
  readonly annotations: Annotations;
  readonly pacer: Pacer;
  readonly budget: SampleBudget;
  readonly signal?: AbortSignal;
}

/** Evaluates plan nodes over a step grid; the operators call back through it for their operands. */
export interface Evaluator {
  readonly context: EvalContext;
  /** A vector-typed node; the caller owns the result. */
  vector(node: PlanNode, grid: Grid): Promise<StepSeries[]>;
  /** A scalar-typed node, shape [steps]. */
  scalar(node: PlanNode, grid: Grid): Promise<Float64Array>;
  /** A vector-typed node series by series; each is lent until `visit` returns. */
  each(node: PlanNode, grid: Grid, visit: (series: StepSeries) => void): Promise<void>;
  /** A matrix-typed node: the samples that the windows of all steps need. */
  ranges(node: MatrixPlan | SubqueryPlan, grid: Grid): Promise<RangeSeries[]>;
}
