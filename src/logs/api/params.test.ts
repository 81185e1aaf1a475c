import { describe, expect, test } from "vitest";
import { parseBackward, parseLimit, parseRange, parseStepMs, parseTime } from "./params.ts";

describe("times", () => {
  const good: [string, number, number][] = [
    ["0", 0, 0],
    ["1795000000", 1_795_000_000_000, 0],
    ["1795000000.5", 1_795_000_000_500, 0],
    ["1795000000123", 1_795_000, 123],
    ["1795000000000000001", 1_795_000_000_000, 1],
    ["4000000000", 4_000_000_000_000, 0],
    ["2026-11-18T10:13:20Z", Date.UTC(2026, 10, 18, 10, 13, 20), 0],
    ["2026-11-18T10:13:20.123456789+02:00", Date.UTC(2026, 10, 18, 8, 13, 20, 123), 456_789],
    ["1.795e9", 1_795_000_000_000, 0],
  ];
  for (const [text, ms, ns] of good) test(text, () => expect(parseTime(text)).toEqual({ ms, ns }));

  for (const text of ["now", "2026-11-18", "1e", "12345678901234567890", "2026-13-40T00:00:00Z"]) {
    test(`refuses ${text}`, () => expect(() => parseTime(text)).toThrow(/could not parse .* as a timestamp/));
  }
});

const NOW_MS = 1_795_000_000_000;
const range = (params: Record<string, string>) => parseRange(new URLSearchParams(params), NOW_MS);

describe("ranges", () => {
  test("are the last hour by default", () => {
    expect(range({})).toEqual({ from: { ms: NOW_MS - 3_600_000, ns: 0 }, to: { ms: NOW_MS, ns: 0 } });
  });
  test("go back by `since`", () => {
    expect(range({ since: "90s" }).from.ms).toBe(NOW_MS - 90_000);
    expect(range({ since: "2h", end: "1794999000" }).from.ms).toBe(1_794_999_000_000 - 7_200_000);
  });
  test("end after they begin, and not too far", () => {
    expect(() => range({ start: "10", end: "9" })).toThrow("end timestamp must not be before or equal to start time");
    expect(() => range({ start: "0", end: "2595601" })).toThrow(
      "the query time range exceeds the limit (query length: 721h0m0s, limit: 721h0m0s)",
    );
  });
});

test("steps are durations or seconds, about 250 per range by default, 11,000 at most", () => {
  const step = (text: string | undefined, spanMs: number) =>
    parseStepMs(new URLSearchParams(text === undefined ? {} : { step: text }), 0, spanMs);
  expect(step(undefined, 3_600_000)).toBe(14_000);
  expect(step(undefined, 1_000)).toBe(1_000);
  expect(step("0.5", 1_000)).toBe(500);
  expect(step("15000ms", 60_000)).toBe(15_000);
  expect(step("1m", 60_000)).toBe(60_000);
  expect(step("1", 11_000_000)).toBe(1_000);
  expect(() => step("1", 11_001_000)).toThrow(/exceeded maximum resolution of 11,000 points/);
  expect(() => step("0", 1_000)).toThrow(/zero or negative query resolution/);
  expect(() => step("soon", 1_000)).toThrow(/cannot parse "soon" to a valid duration/);
});

test("limits and directions", () => {
  const limit = (text: string) => parseLimit(new URLSearchParams({ limit: text }));
  expect(parseLimit(new URLSearchParams())).toBe(100);
  expect(limit("5000")).toBe(5_000);
  for (const bad of ["5001", "0", "-1", "x", "1.5"])
    expect(() => limit(bad)).toThrow(expect.objectContaining({ status: 400 }));
  expect(parseBackward(new URLSearchParams())).toBe(true);
  expect(parseBackward(new URLSearchParams({ direction: "FORWARD" }))).toBe(false);
  expect(() => parseBackward(new URLSearchParams({ direction: "up" }))).toThrow("invalid direction 'up'");
});
