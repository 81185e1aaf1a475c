import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDurationMs } from "../../config/duration.ts";
import { formatDuration } from "./format-duration.ts";
import { parseSizeBytes } from "./size.ts";

const cases: [number, string][] = [
  [0, "0s"],
  [1, "1ms"],
  [15_000, "15s"],
  [90_000, "1m30s"],
  [3_600_000, "1h"],
  [86_400_000, "1d"],
  [15 * 86_400_000, "15d"],
  [7 * 86_400_000, "1w"],
  [90 * 86_400_000, "90d"],
];
for (const [ms, text] of cases) test(`${ms} ms is ${text}`, () => expect(formatDuration(ms)).toBe(text));

test("every duration is read back", () => {
  fc.assert(fc.property(fc.nat(), (ms) => parseDurationMs(formatDuration(ms)) === ms));
});

test("sizes are powers of 1,024", () => {
  expect(parseSizeBytes("10MB")).toBe(10 * 1024 ** 2);
  expect(parseSizeBytes("1.5KiB")).toBe(1_536);
  expect(parseSizeBytes("7")).toBe(7);
  expect(parseSizeBytes("7 parsecs")).toBeUndefined();
});
