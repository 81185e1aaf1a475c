import type { Matcher } from "../../../series/queryable.ts";
import type {
  AggregateOperator,
  AtModifier,
  BinaryOperator,
  Duration,
  Expr,
  Position,
  ValueType,
  VectorMatching,
  VectorSelector,
} from "../ast.ts";
import { typeOf } from "../syntax/check.ts";
import { timeDependentFunctions } from "../syntax/function-table.ts";
import { durationMs, type QueryTimes } from "./duration-value.ts";

interface PlanBase {
  readonly position: Position;
  readonly type: ValueType;
  /** The result is the same at every step: it is evaluated once and repeated. */
  readonly invariant: boolean;
}

interface NumberPlan extends PlanBase {
  readonly kind: "number";
  readonly value: number;
}
interface StringPlan extends PlanBase {
  readonly kind: "string";
  readonly value: string;
}
interface NegatePlan extends PlanBase {
  readonly kind: "negate";
  readonly operand: PlanNode;
}
export interface BinaryPlan extends PlanBase {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: PlanNode;
  readonly right: PlanNode;
  readonly returnBool: boolean;
  readonly matching: VectorMatching;
}
export interface AggregatePlan extends PlanBase {
  readonly kind: "aggregate";
  readonly operator: AggregateOperator;
  readonly inner: PlanNode;
  readonly parameter?: PlanNode;
  /** Sorted. */
  readonly grouping: readonly string[];
  readonly without: boolean;
}
export interface CallPlan extends PlanBase {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly PlanNode[];
}
/** Where in time a selector or subquery looks: at `atMs ?? step` minus `offsetMs`. */
export interface TimeShift {
  readonly offsetMs: number;
  /** Unix ms. */
  readonly atMs?: number;
}
export interface SelectorPlan extends PlanBase, TimeShift {
  readonly kind: "selector";
  readonly matchers: readonly Matcher[];
  readonly extension?: "anchored" | "smoothed";
  /** Only count, sum and counter resets of native histograms matter: buckets may be left out. */
  readonly bucketsUnused: boolean;
}
export interface MatrixPlan extends PlanBase {
  readonly kind: "matrix";
  readonly selector: SelectorPlan;
  readonly rangeMs: number;
}
export interface SubqueryPlan extends PlanBase, TimeShift {
  readonly kind: "subquery";
  readonly inner: PlanNode;
  readonly rangeMs: number;
  /** Absent for the engine's default. */
  readonly stepMs?: number;
}

export type PlanNode =
  | NumberPlan
  | StringPlan
  | NegatePlan
  | BinaryPlan
  | AggregatePlan
  | CallPlan
  | SelectorPlan
  | MatrixPlan
  | SubqueryPlan;

/** Times of the whole query, Unix ms; `stepMs` is 0 for an instant query. */
export interface PlanTimes {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/**
 * Resolves everything in an expression that depends only on the query's times (`start()`, `step()`, durations, `@`),
 * drops parentheses, and marks what is the same at every step. @throws PromqlError for an impossible duration
 */
export function planQuery(expr: Expr, times: PlanTimes): PlanNode {
  return new Planner(times).plan(expr, "unknown");
}

/** What the functions above a selector need of native histograms; the innermost that says something decides. */
type BucketUse = "unknown" | "unused" | "needed";

const STATISTICS_FUNCTIONS: ReadonlySet<string> = new Set(["histogram_count", "histogram_sum", "histogram_avg"]);
const BUCKET_FUNCTIONS: ReadonlySet<string> = new Set([
  "histogram_quantile",
  "histogram_quantiles",
  "histogram_fraction",
]);

class Planner {
  readonly #times: PlanTimes;
  readonly #queryTimes: QueryTimes;

  constructor(times: PlanTimes) {
    this.#times = times;
    this.#queryTimes = {
      stepSeconds: times.stepMs / 1000,
      rangeSeconds: (times.endMs - times.startMs) / 1000,
    };
  }

  plan(expr: Expr, buckets: BucketUse): PlanNode {
    const { position } = expr;
    switch (expr.kind) {
      case "number":
        return this.#number(expr.value, position);
      case "string":
        return { kind: "string", value: expr.value, position, type: "string", invariant: true };
      case "paren":
        return this.plan(expr.inner, buckets);
      case "unary": {
        const operand = this.plan(expr.operand, buckets);
        if (expr.operator === "+") return operand;
        return { kind: "negate", operand, position, type: operand.type, invariant: operand.invariant };
      }
      case "binary": {
        const trims = expr.operator === "</" || expr.operator === ">/";
        const left = this.plan(expr.left, trims ? "needed" : buckets);
        const right = this.plan(expr.right, trims ? "needed" : buckets);
        const { operator, returnBool } = expr;
        const matching = expr.matching!;
        const invariant = left.invariant && right.invariant;
        return { kind: "binary", operator, left, right, returnBool, matching, position, type: typeOf(expr), invariant };
      }
      case "aggregate": {
        const inner = this.plan(expr.inner, buckets);
        const parameter = expr.parameter === undefined ? undefined : this.plan(expr.parameter, "unknown");
        const invariant = inner.invariant && (parameter?.invariant ?? true);
        const grouping = [...expr.grouping].sort();
        const { operator, without } = expr;
        return {
          kind: "aggregate",
          operator,
          inner,
          parameter,
          grouping,
          without,
          position,
          type: "vector",
          invariant,
        };
      }
      case "call":
        return this.#call(expr, buckets);
      case "selector":
        return this.#selector(expr, buckets);
      case "matrix": {
        const selector = this.#selector(expr.selector, buckets);
        const rangeMs = this.#duration(expr.range, false);
        return { kind: "matrix", selector, rangeMs, position, type: "matrix", invariant: selector.invariant };
      }
      case "subquery": {
        const inner = this.plan(expr.inner, "needed");
        const rangeMs = this.#duration(expr.range, false);
        const stepMs = expr.step === undefined ? undefined : this.#duration(expr.step, false);
        const shift = this.#shift(expr);
        const invariant = shift.atMs !== undefined;
        return { kind: "subquery", inner, rangeMs, stepMs, ...shift, position, type: "matrix", invariant };
      }
    }
  }

  #number(value: number, position: Position): NumberPlan {
    return { kind: "number", value, position, type: "scalar", invariant: true };
  }

  #call(expr: Expr & { kind: "call" }, buckets: BucketUse): PlanNode {
    const { name, position } = expr;
    const { startMs, endMs, stepMs } = this.#times;
    if (name === "start") return this.#number(startMs / 1000, position);
    if (name === "end") return this.#number(endMs / 1000, position);
    if (name === "range") return this.#number((endMs - startMs) / 1000, position);
    if (name === "step") return this.#number(startMs === endMs ? 0 : stepMs / 1000, position);
    const args = expr.args.map((arg) => this.plan(arg, useBelow(name, buckets)));
    const overBareSelector = name === "timestamp" && args[0]?.kind === "selector";
    const invariant = args.every((arg) => arg.invariant) && (overBareSelector || !timeDependentFunctions.has(name));
    return { kind: "call", name, args, position, type: typeOf(expr), invariant };
  }

  #selector(selector: VectorSelector, buckets: BucketUse): SelectorPlan {
    const shift = this.#shift(selector);
    const { matchers, extension, position } = selector;
    const invariant = shift.atMs !== undefined;
    const bucketsUnused = buckets === "unused";
    return { kind: "selector", matchers, extension, ...shift, position, type: "vector", invariant, bucketsUnused };
  }

  #shift(modifiers: { offset?: Duration; at?: AtModifier }): TimeShift {
    const offsetMs = modifiers.offset === undefined ? 0 : this.#duration(modifiers.offset, true);
    const { at } = modifiers;
    if (at === "start") return { offsetMs, atMs: this.#times.startMs };
    if (at === "end") return { offsetMs, atMs: this.#times.endMs };
    return { offsetMs, atMs: at };
  }

  #duration(duration: Duration, negativeAllowed: boolean): number {
    return durationMs(duration, this.#queryTimes, negativeAllowed);
  }
}

/** A function that needs whole histograms overrides what was decided above it; so does a subquery (see `plan`). */
function useBelow(name: string, above: BucketUse): BucketUse {
  if (above === "needed" || BUCKET_FUNCTIONS.has(name)) return "needed";
  return STATISTICS_FUNCTIONS.has(name) ? "unused" : above;
}
