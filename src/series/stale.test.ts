import { expect, test } from "vitest";
import { bitsOf, isStale, setStale } from "./stale.ts";

test("a staleness marker is a NaN of its own", () => {
  const values = Float64Array.of(1, Number.NaN, 0, -1);
  const bits = bitsOf(values.subarray(1));
  setStale(bits, 1);
  expect([...values.keys()].slice(1).map((index) => isStale(bits, index - 1))).toEqual([false, true, false]);
  expect(values[2]).toBeNaN();
  expect(Buffer.from(values.buffer, 16, 8).readBigUInt64LE()).toBe(0x7ff0000000000002n);
});
