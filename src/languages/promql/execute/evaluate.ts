import { invariant } from "../../../runtime/invariant.ts";
import { multiplyHistogram } from "../../../series/histogram-arithmetic.ts";
import { aggregate } from "../aggregate/aggregate.ts";
import { binary } from "../binary/binary.ts";
import { scalarOperation } from "../binary/operators.ts";
import type { CallPlan, MatrixPlan, PlanNode, SelectorPlan, SubqueryPlan } from "../plan/plan.ts";
import { rangeCall } from "../range/range-call.ts";
import { rangeFunctions } from "../range/range-functions.ts";
import { isEmptySeries, type RangeSeries, rangeSeriesOf, rangeSeriesOfSteps, timesOf } from "../range/range-series.ts";
import { evaluateCall } from "./call.ts";
import type { EvalContext, Evaluator } from "./evaluator.ts";
import { goMax, goMin } from "./float-math.ts";
import { firstStepOf, type Grid, makeGrid } from "./grid.ts";
import { fetchColumns, lookedAt, selectInstant } from "./select.ts";
import { selectSmoothed } from "./select-smoothed.ts";
import { broadcast, copySeries, countSamples, FLOAT, HISTOGRAM, histogramAt, type StepSeries } from "./step-series.ts";

/** Evaluates a plan, node by node, each node over the whole grid at once. */
export class PlanEvaluator implements Evaluator {
  readonly context: EvalContext;

  constructor(context: EvalContext) {
    this.context = context;
  }

  async scalar(node: PlanNode, grid: Grid): Promise<Float64Array> {
    this.context.pacer.check();
    if (node.invariant && grid.steps > 1 && node.kind !== "number")
      return new Float64Array(grid.steps).fill((await this.scalar(node, firstStepOf(grid)))[0]!);
    switch (node.kind) {
      case "number":
        return new Float64Array(grid.steps).fill(node.value);
      case "negate":
        return (await this.scalar(node.operand, grid)).map((value) => -value);
      case "binary": {
        const left = await this.scalar(node.left, grid);
        const right = await this.scalar(node.right, grid);
        const compute = scalarOperation(node.operator);
        return left.map((value, step) => compute(value, right[step]!));
      }
      case "call":
        return this.#scalarCall(node, grid);
      default:
        invariant(false, `${node.kind} is no scalar`);
    }
  }

  async #scalarCall({ name, args }: CallPlan, grid: Grid): Promise<Float64Array> {
    switch (name) {
      case "pi":
        return new Float64Array(grid.steps).fill(Math.PI);
      case "time":
        return timesOf(grid).map((time) => time / 1000);
      case "max_of":
      case "min_of": {
        const left = await this.scalar(args[0]!, grid);
        const right = await this.scalar(args[1]!, grid);
        const choose = name === "max_of" ? goMax : goMin;
        return left.map((value, step) => choose(value, right[step]!));
      }
      case "scalar":
        return this.#onlyFloats(args[0]!, grid);
      default:
        invariant(false, `${name} is no scalar function`);
    }
  }

  /** `scalar(v)`: the value where exactly one series has a float, else NaN. */
  async #onlyFloats(node: PlanNode, grid: Grid): Promise<Float64Array> {
    const values = new Float64Array(grid.steps).fill(Number.NaN);
    const found = new Uint8Array(grid.steps);
    await this.each(node, grid, (series) => {
      for (let step = 0; step < grid.steps; step++) {
        if (series.kinds[step] !== FLOAT) continue;
        values[step] = found[step] === 0 ? series.values[step]! : Number.NaN;
        found[step] = 1;
      }
    });
    return values;
  }

  async vector(node: PlanNode, grid: Grid): Promise<StepSeries[]> {
    this.context.pacer.check();
    if (node.invariant && grid.steps > 1) {
      const once = await this.vector(node, firstStepOf(grid));
      this.context.budget.hold(once.length * (grid.steps - 1));
      return once.map((series) => broadcast(series, grid.steps));
    }
    switch (node.kind) {
      case "negate":
        return negate(await this.vector(node.operand, grid));
      case "binary":
        return binary(this, node, grid);
      case "aggregate":
        return aggregate(this, node, grid);
      case "selector": {
        const list: StepSeries[] = [];
        await this.#select(node, grid, (series) => {
          this.context.budget.hold(countSamples(series));
          list.push(copySeries(series));
        });
        return list;
      }
      case "call":
        if (rangeFunctions.has(node.name)) {
          const list: StepSeries[] = [];
          await rangeCall(this, node, grid, (series) => {
            this.context.budget.hold(countSamples(series));
            list.push(copySeries(series));
          });
          return list;
        }
        return evaluateCall(this, node, grid);
      default:
        invariant(false, `${node.kind} is no vector`);
    }
  }

  async each(node: PlanNode, grid: Grid, visit: (series: StepSeries) => void): Promise<void> {
    if (!node.invariant || grid.steps <= 1) {
      if (node.kind === "selector") return this.#select(node, grid, visit);
      if (node.kind === "call" && rangeFunctions.has(node.name)) return rangeCall(this, node, grid, visit);
    }
    for (const series of await this.vector(node, grid)) {
      if (this.context.pacer.due()) await this.context.pacer.breathe();
      this.context.budget.release(countSamples(series));
      visit(series);
    }
  }

  async #select(node: SelectorPlan, grid: Grid, visit: (series: StepSeries) => void): Promise<void> {
    const { budget } = this.context;
    const counted = (series: StepSeries): void => {
      budget.countRead(countSamples(series));
      visit(series);
    };
    if (node.extension === "smoothed") return selectSmoothed(this.context, node, grid, counted);
    return selectInstant(this.context, node, grid, "value", counted);
  }

  async ranges(node: MatrixPlan | SubqueryPlan, grid: Grid): Promise<RangeSeries[]> {
    return node.kind === "matrix" ? this.#matrix(node, grid) : this.#subquery(node, grid);
  }

  async #matrix({ selector, rangeMs }: MatrixPlan, grid: Grid): Promise<RangeSeries[]> {
    const { firstMs, lastMs } = lookedAt(selector, grid);
    const before = selector.extension === undefined ? 0 : this.context.lookbackMs;
    const after = selector.extension === "smoothed" ? this.context.lookbackMs : 0;
    const columns = await fetchColumns(this.context, selector, firstMs - rangeMs - before + 1, lastMs + after);
    const ranges: RangeSeries[] = [];
    for (const column of columns) {
      if (this.context.pacer.due()) await this.context.pacer.breathe();
      ranges.push(rangeSeriesOf(column));
    }
    return ranges;
  }

  /** Evaluates the inner expression once, over all the times that any step's window can see. */
  async #subquery(node: SubqueryPlan, grid: Grid): Promise<RangeSeries[]> {
    const { firstMs, lastMs } = lookedAt(node, grid);
    const stepMs = node.stepMs ?? this.context.subqueryStepMs;
    let startMs = stepMs * Math.trunc((firstMs - node.rangeMs) / stepMs);
    if (startMs <= firstMs - node.rangeMs) startMs += stepMs;
    const inner = makeGrid(startMs, lastMs, stepMs);
    if (inner.steps === 0) return [];
    this.context.budget.hold(inner.steps);
    const times = timesOf(inner);
    const list = node.inner.type === "scalar" ? [] : await this.vector(node.inner, inner);
    const ranges: RangeSeries[] = [];
    for (const series of list) if (!isEmptySeries(series)) ranges.push(rangeSeriesOfSteps(series, times));
    return ranges;
  }
}

function negate(list: StepSeries[]): StepSeries[] {
  for (const series of list) {
    series.dropName = true;
    const { kinds, values } = series;
    for (let step = 0; step < kinds.length; step++) {
      values[step] = -values[step]!;
      if (kinds[step] === HISTOGRAM) series.histograms![step] = multiplyHistogram(histogramAt(series, step), -1);
    }
  }
  return list;
}
