import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatFloat, formatG, formatSampleValue } from "./format-value.ts";

describe("sample values as Prometheus' JSON writes them", () => {
  test.each<[number, string]>([
    [0, "0"],
    [-0, "-0"],
    [1.5, "1.5"],
    [1e20, "100000000000000000000"],
    [1e21, "1e+21"],
    [1e-6, "0.000001"],
    [1e-7, "1e-07"],
    [1.5e300, "1.5e+300"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
  ])("%d", (value, text) => expect(formatSampleValue(value)).toBe(text));

  test("read back as the same number", () => {
    const property = fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (value) => {
      expect(Number(formatSampleValue(value))).toBe(value);
      expect(Number(formatFloat(value))).toBe(value);
      expect(formatFloat(value)).not.toContain("e");
      expect(Number(formatG(value))).toBe(value);
    });
    fc.assert(property, { seed: 1 });
  });
});

test.each<[number, string]>([
  [1e21, "1000000000000000000000"],
  [1.5e-9, "0.0000000015"],
  [-2.5e22, "-25000000000000000000000"],
])("%d without exponent", (value, text) => expect(formatFloat(value)).toBe(text));

test.each<[number, string]>([
  [100_000, "100000"],
  [1_000_000, "1e+06"],
  [1_234_567, "1.234567e+06"],
  [0.0001, "0.0001"],
  [0.00001, "1e-05"],
  [0, "0"],
])("%d as Go's %%g", (value, text) => expect(formatG(value)).toBe(text));
