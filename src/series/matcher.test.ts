import { expect, test } from "vitest";
import { makeMatcher } from "./matcher.ts";
import type { MatchType } from "./queryable.ts";
import { RegexError } from "./regex.ts";

test.each<[MatchType, string, string, boolean]>([
  ["=", "a", "a", true],
  ["=", "", "", true],
  ["!=", "a", "", true],
  ["=~", "a|b", "b", true],
  ["=~", "a", "ab", false],
  ["!~", "a.*", "abc", false],
  ["!~", "a.*", "", true],
])("%s %j over %j", (type, value, candidate, matches) => {
  expect(makeMatcher(type, "label", value).matches(candidate)).toBe(matches);
});

test("a bad pattern is refused when the matcher is made", () => {
  expect(() => makeMatcher("=~", "label", "[")).toThrow(RegexError);
});
