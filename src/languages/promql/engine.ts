import type { Queryable } from "../../series/queryable.ts";
import type { Expr, ValueType } from "./ast.ts";
import { PromqlError } from "./error.ts";
import { Annotations } from "./execute/annotations.ts";
import { assembleMatrix, assembleRanges, assembleScalars, assembleVector, dropNames } from "./execute/assemble.ts";
import { PlanEvaluator } from "./execute/evaluate.ts";
import { extendRanges } from "./execute/extended-range.ts";
import { type Grid, makeGrid } from "./execute/grid.ts";
import { Pacer } from "./execute/pacer.ts";
import { SampleBudget } from "./execute/sample-budget.ts";
import { lookedAt } from "./execute/select.ts";
import { LOOKBACK_DELTA_MS, QUERY_TIMEOUT_MS, SAMPLES_MAX, SUBQUERY_STEP_MS } from "./limits.ts";
import { parsePromql } from "./parse.ts";
import { type MatrixPlan, type PlanNode, planQuery, type SubqueryPlan } from "./plan/plan.ts";
import type { QueryResult, QueryValue } from "./result.ts";
import { typeOf } from "./syntax/check.ts";

export interface EngineOptions {
  /** How far an instant selector looks back for a sample; default 300,000. */
  readonly lookbackDeltaMs?: number;
  /** Most samples one query may hold at once; default 50,000,000. */
  readonly maxSamples?: number;
  /** Most wall time of one query; default 120,000. */
  readonly timeoutMs?: number;
  /** Step of a subquery that names none (Prometheus: the evaluation interval); default 60,000. */
  readonly subqueryStepMs?: number;
}

export interface QueryOptions {
  readonly signal?: AbortSignal;
  readonly lookbackDeltaMs?: number;
  readonly timeoutMs?: number;
  /** Most series in the result; 0 or absent for all. A warning says when some were left out. */
  readonly limit?: number;
}

/** Evaluates PromQL over a `Queryable`. Holds no state between queries. */
export class PromqlEngine {
  readonly #options: Required<EngineOptions>;

  constructor(options: EngineOptions = {}) {
    this.#options = {
      lookbackDeltaMs: options.lookbackDeltaMs ?? LOOKBACK_DELTA_MS,
      maxSamples: options.maxSamples ?? SAMPLES_MAX,
      timeoutMs: options.timeoutMs ?? QUERY_TIMEOUT_MS,
      subqueryStepMs: options.subqueryStepMs ?? SUBQUERY_STEP_MS,
    };
  }

  /** One evaluation at `timeMs` (Unix ms). @throws PromqlError (ParseError where the text is not PromQL) */
  async instant(
    queryable: Queryable,
    expression: string,
    timeMs: number,
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    const query: Query = { text: expression, expr: parsePromql(expression), queryable, options };
    const plan = planQuery(query.expr, { startMs: timeMs, endMs: timeMs, stepMs: 0 });
    const grid = makeGrid(timeMs, timeMs, 1);
    return this.#run(query, (evaluator) => instantValue(evaluator, plan, grid));
  }

  /**
   * Evaluations from `startMs` to `endMs` (inclusive) every `stepMs`; the result is always a matrix.
   * @throws PromqlError (ParseError where the text is not PromQL)
   */
  async range(
    queryable: Queryable,
    expression: string,
    startMs: number,
    endMs: number,
    stepMs: number,
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    const query: Query = { text: expression, expr: parsePromql(expression), queryable, options };
    const type = typeOf(query.expr);
    if (type !== "vector" && type !== "scalar")
      throw new PromqlError(
        "bad_data",
        `invalid expression type ${JSON.stringify(TYPE_NAMES[type])} for range query, must be Scalar or instant Vector`,
      );
    const plan = planQuery(query.expr, { startMs, endMs, stepMs });
    const grid = makeGrid(startMs, endMs, stepMs);
    return this.#run(query, async (evaluator) => {
      // Refuses absurd numbers of steps before anything of that size is made.
      evaluator.context.budget.hold(grid.steps);
      return type === "scalar"
        ? assembleScalars(await evaluator.scalar(plan, grid), grid)
        : assembleMatrix(dropNames(await evaluator.vector(plan, grid)), grid, evaluator.context.pacer);
    });
  }

  async #run(query: Query, evaluate: (evaluator: PlanEvaluator) => Promise<QueryValue>): Promise<QueryResult> {
    const { text, queryable, options } = query;
    const annotations = new Annotations();
    const budget = new SampleBudget(this.#options.maxSamples);
    const evaluator = new PlanEvaluator({
      queryable,
      annotations,
      budget,
      lookbackMs: options.lookbackDeltaMs ?? this.#options.lookbackDeltaMs,
      subqueryStepMs: this.#options.subqueryStepMs,
      pacer: new Pacer(options.timeoutMs ?? this.#options.timeoutMs, options.signal),
      signal: options.signal,
    });
    const value = await evaluate(evaluator);
    const { warnings, infos } = annotations.render(text);
    const limited = limitSeries(value, options.limit ?? 0);
    if (limited !== value) warnings.push("results truncated due to limit");
    const statistics = { totalQueryableSamples: budget.read, peakSamples: budget.peak };
    return { value: limited, warnings, infos, statistics };
  }
}

interface Query {
  readonly text: string;
  readonly expr: Expr;
  readonly queryable: Queryable;
  readonly options: QueryOptions;
}

const TYPE_NAMES: Readonly<Record<ValueType, string>> = {
  none: "none",
  scalar: "scalar",
  vector: "instant vector",
  matrix: "range vector",
  string: "string",
};

async function instantValue(evaluator: PlanEvaluator, plan: PlanNode, grid: Grid): Promise<QueryValue> {
  const timeMs = grid.startMs;
  if (plan.kind === "string") return { type: "string", timeMs, value: plan.value };
  if (plan.type === "scalar") return { type: "scalar", timeMs, value: (await evaluator.scalar(plan, grid))[0]! };
  if (plan.kind === "matrix" || plan.kind === "subquery") return rangeValue(evaluator, plan, grid);
  return assembleVector(dropNames(await evaluator.vector(plan, grid)), grid);
}

/** A range on its own: the samples of its window. */
async function rangeValue(evaluator: PlanEvaluator, plan: MatrixPlan | SubqueryPlan, grid: Grid): Promise<QueryValue> {
  const { lastMs } = lookedAt(plan.kind === "matrix" ? plan.selector : plan, grid);
  const startMs = lastMs - plan.rangeMs;
  const list = await evaluator.ranges(plan, grid);
  const extension = plan.kind === "matrix" ? plan.selector.extension : undefined;
  if (extension === undefined) return assembleRanges(list, startMs, lastMs);
  // The borders' samples stand at the very start and end.
  return assembleRanges(extendRanges(list, startMs, lastMs, extension), startMs - 1, lastMs);
}

function limitSeries(value: QueryValue, limit: number): QueryValue {
  if (limit <= 0) return value;
  if (value.type === "vector" && value.samples.length > limit)
    return { ...value, samples: value.samples.slice(0, limit) };
  if (value.type === "matrix" && value.series.length > limit) return { ...value, series: value.series.slice(0, limit) };
  return value;
}
