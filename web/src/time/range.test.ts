import { expect, test } from "vitest";
import { alignRange, queryInterval, roundStepMs } from "./interval.ts";
import { describeRange, formatDuration, isRelative, parseDurationMs, parseTime, resolveRange } from "./range.ts";

const NOW = Date.UTC(2026, 0, 15, 12, 34, 56, 789);

const durations: [string, number | undefined][] = [
  ["5m", 300_000],
  ["1h30m", 5_400_000],
  ["250ms", 250],
  ["10", 10_000],
  [">30s", 30_000],
  ["1y", 31_536_000_000],
  ["", undefined],
  ["soon", undefined],
];
for (const [text, ms] of durations) {
  test(`duration "${text}"`, () => expect(parseDurationMs(text)).toBe(ms));
}

test("durations are written as Prometheus reads them", () => {
  expect([15, 1_000, 15_000, 90_000, 5_400_000, 93_600_000].map(formatDuration)).toEqual([
    "15ms",
    "1s",
    "15s",
    "1m30s",
    "1h30m",
    "1d2h",
  ]);
});

test("relative times count from now", () => {
  expect(parseTime("now", NOW)).toBe(NOW);
  expect(parseTime("now-15m", NOW)).toBe(NOW - 900_000);
  expect(parseTime("now-1d+2h", NOW)).toBe(NOW - 86_400_000 + 7_200_000);
  expect(parseTime("now/h", NOW)).toBe(NOW - ((34 * 60 + 56) * 1_000 + 789));
  expect(parseTime("now/h", NOW, true)).toBe(parseTime("now/h", NOW) + 3_600_000 - 1);
  expect(new Date(parseTime("now/M", NOW)).getDate()).toBe(1);
});

test("absolute times are epoch milliseconds or ISO dates; nonsense is now", () => {
  expect(parseTime("1700000000000", NOW)).toBe(1_700_000_000_000);
  expect(parseTime("2026-01-15T12:00:00Z", NOW)).toBe(Date.UTC(2026, 0, 15, 12));
  expect(parseTime("yesterday-ish", NOW)).toBe(NOW);
});

test("a reversed range becomes the minute before its end", () => {
  const range = resolveRange({ from: "now", to: "now-1h" }, NOW);
  expect(range.toMs - range.fromMs).toBe(60_000);
});

test("ranges are described as the picker shows them", () => {
  const format = (ms: number) => new Date(ms).toISOString();
  expect(describeRange({ from: "now-15m", to: "now" }, format)).toBe("Last 15 minutes");
  expect(describeRange({ from: "now-1h", to: "now" }, format)).toBe("Last 1 hour");
  expect(describeRange({ from: "now/d", to: "now/d" }, format)).toBe("Today");
  expect(describeRange({ from: "1700000000000", to: "now" }, format)).toBe("2023-11-14T22:13:20.000Z to now");
  expect([isRelative({ from: "now-1h", to: "now" }), isRelative({ from: "1", to: "2" })]).toEqual([true, false]);
});

test("steps are round, and never ask for more points than Prometheus answers", () => {
  expect([700, 1_100, 14_000, 40_000, 70_000].map(roundStepMs)).toEqual([500, 1_000, 15_000, 30_000, 60_000]);
  const hour = resolveRange({ from: "now-1h", to: "now" }, NOW);
  const interval = queryInterval(hour, 600, 5_000, 5_000);
  expect(interval).toMatchObject({ intervalMs: 5_000, interval: "5s", rateInterval: "20s" });
  const month = resolveRange({ from: "now-30d", to: "now" }, NOW);
  expect((month.toMs - month.fromMs) / queryInterval(month, 1e9, 1_000, 1_000).intervalMs).toBeLessThanOrEqual(11_000);
});

test("aligned ranges lie on the step grid", () => {
  const { startMs, endMs } = alignRange(resolveRange({ from: "now-1h", to: "now" }, NOW), 15_000);
  expect([startMs % 15_000, endMs % 15_000]).toEqual([0, 0]);
});
