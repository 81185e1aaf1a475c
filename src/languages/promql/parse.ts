import type { Matcher } from "../../series/queryable.ts";
import type { Expr } from "./ast.ts";
import { ParseError } from "./error.ts";
import { checkExpr } from "./syntax/check.ts";
import { TreeBuilder } from "./syntax/parse-tree.ts";

/** Parses and type-checks one expression. @throws ParseError */
export function parsePromql(text: string): Expr {
  const expr = new TreeBuilder(text).build();
  checkExpr(text, expr);
  return expr;
}

/** The matchers of a series selector such as `up{job="x"}`, for `match[]` parameters. @throws ParseError */
export function matchersOf(selector: string): Matcher[] {
  const expr = new TreeBuilder(selector).build();
  if (expr.kind !== "selector" || expr.offset !== undefined || expr.at !== undefined)
    throw new ParseError(selector, 0, selector.length, "expected a series selector");
  checkExpr(selector, expr);
  return [...expr.matchers];
}
