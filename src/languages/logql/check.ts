import type { Grouping, RangeAggregation, RangeOp, VectorOp } from "./ast.ts";
import { ParseError } from "./parse-error.ts";

/** Operations over lines: without `unwrap`. `rate` and `absent_over_time` take both. */
const OVER_LINES = new Set<RangeOp>(["count_over_time", "rate", "bytes_over_time", "bytes_rate", "absent_over_time"]);
const ONLY_OVER_LINES = new Set<RangeOp>(["count_over_time", "bytes_over_time", "bytes_rate"]);
const GROUPING_ALLOWED = new Set<RangeOp>([
  "avg_over_time",
  "stddev_over_time",
  "stdvar_over_time",
  "quantile_over_time",
  "max_over_time",
  "min_over_time",
  "first_over_time",
  "last_over_time",
]);

/** @throws ParseError where the parts of a range aggregation do not go together, worded as Loki does. */
export function checkRangeAggregation(expr: RangeAggregation): void {
  const { op, parameter, unwrap, grouping } = expr;
  if (op === "quantile_over_time") {
    if (parameter === undefined) throw new ParseError(`parameter required for operation ${op}`);
  } else if (parameter !== undefined) throw new ParseError(`parameter ${parameter} not supported for operation ${op}`);
  if (grouping !== undefined && !GROUPING_ALLOWED.has(op)) {
    throw new ParseError(`grouping not allowed for ${op} aggregation`);
  }
  if (unwrap !== undefined && ONLY_OVER_LINES.has(op)) throw new ParseError(`invalid aggregation ${op} with unwrap`);
  if (unwrap === undefined && !OVER_LINES.has(op)) throw new ParseError(`invalid aggregation ${op} without unwrap`);
  if (!(expr.rangeMs > 0)) throw new ParseError("duration must be greater than 0");
}

/** @throws ParseError for a missing, superfluous or useless parameter or grouping. */
export function checkVectorAggregation(op: VectorOp, parameter: number | undefined, grouping?: Grouping): void {
  if (op === "topk" || op === "bottomk") {
    if (parameter === undefined) throw new ParseError(`parameter required for operation ${op}`);
    if (!Number.isInteger(parameter)) throw new ParseError(`invalid parameter ${op}(${parameter},`);
    if (parameter <= 0) throw new ParseError(`invalid parameter (must be greater than 0) ${op}(${parameter}`);
    return;
  }
  if (parameter !== undefined) throw new ParseError(`unsupported parameter for operation ${op}(${parameter},`);
  if ((op === "sort" || op === "sort_desc") && grouping !== undefined) {
    throw new ParseError("sort and sort_desc doesn't allow grouping by ");
  }
}
