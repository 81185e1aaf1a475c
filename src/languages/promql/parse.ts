import type { Matcher } from "../../series/queryable.ts";
import type { Expr } from "./ast.ts";
import { ParseError } from "./error.ts";

/** Parses and type-checks one expression. @throws ParseError */
export function parsePromql(text: string): Expr {
  throw new ParseError(text, 0, text.length, "no parser yet");
}

/** The matchers of a series selector such as `up{job="x"}`, for `match[]` parameters. @throws ParseError */
export function matchersOf(selector: string): Matcher[] {
  throw new ParseError(selector, 0, selector.length, "no parser yet");
}
