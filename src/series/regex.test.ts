import fc from "fast-check";
import { RE2JS } from "re2js";
import { describe, expect, test } from "vitest";
import { compileRegex, RegexError } from "./regex.ts";

describe("whole-text matches", () => {
  test.each<[string, string, boolean]>([
    ["a|b", "b", true],
    ["a|b", "ab", false],
    ["(?:a|b)", "a", true],
    ["", "", true],
    ["", "x", false],
    [".*", "", true],
    [".+", "", false],
    ["5..", "503", true],
    ["foo.*", "foobar", true],
    ["foo.+", "foo", false],
    [".*bar", "foobar", true],
    [".+foo.+", "xfoox", true],
    [".+foo.+", "foofoofoo", true],
    [".+foo.+", "foofoo", false],
    ["a.b", "a\nb", true],
    ["(?i)ab", "AB", true],
  ])("%s over %s", (pattern, text, matches) => expect(compileRegex(pattern).matchesWhole(text)).toBe(matches));

  test("shortcuts agree with RE2", () => {
    const pieces = fc
      .array(fc.constantFrom("a", "b", ".*", ".+", "|", "."), { maxLength: 5 })
      .map((list) => list.join(""));
    const texts = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 6 });
    fc.assert(
      fc.property(pieces, texts, (pattern, text) => {
        expect(compileRegex(pattern).matchesWhole(text)).toBe(RE2JS.compile(pattern, RE2JS.DOTALL).testExact(text));
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });
});

test("groups of a match of the whole text", () => {
  const regex = compileRegex("(?P<name>[a-z]+)-(\\d+)(x)?");
  expect(regex.groupsOfWhole("job-12")).toEqual(["job-12", "job", "12", undefined]);
  expect(regex.groupNames).toEqual({ name: 1 });
  expect(regex.groupsOfWhole("job-")).toBeUndefined();
});

test("parts match too, and a bad pattern has Go's message", () => {
  expect(compileRegex("b+").matchesPart("abbc")).toBe(true);
  expect(() => compileRegex("a(")).toThrow(new RegexError("error parsing regexp: missing closing ): `a(`"));
});

test("a pattern that makes backtracking engines hang is answered at once", () => {
  const started = performance.now();
  expect(compileRegex("(a+)+b").matchesWhole("a".repeat(5_000))).toBe(false);
  expect(performance.now() - started).toBeLessThan(1_000);
});
