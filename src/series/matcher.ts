import type { Matcher, MatchType } from "./queryable.ts";
import { compileRegex } from "./regex.ts";

/** A label matcher with its test compiled. @throws RegexError for a pattern RE2 refuses. */
export function makeMatcher(type: MatchType, name: string, value: string): Matcher {
  return { type, name, value, matches: testOf(type, value) };
}

function testOf(type: MatchType, value: string): (value: string) => boolean {
  if (type === "=") return (candidate) => candidate === value;
  if (type === "!=") return (candidate) => candidate !== value;
  const regex = compileRegex(value);
  if (type === "=~") return (candidate) => regex.matchesWhole(candidate);
  return (candidate) => !regex.matchesWhole(candidate);
}
