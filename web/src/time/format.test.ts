import { expect, test } from "vitest";
import { axisLabels, formatAgo, formatDateTime, formatDateTimeMs, formatMs, intlZone } from "./format.ts";

const TIME = Date.UTC(2026, 0, 31, 13, 45, 9, 123);

test("times are written in the zone asked for; an unknown zone falls back to the browser's", () => {
  expect(formatDateTime(TIME, "utc")).toBe("2026-01-31 13:45:09");
  expect(formatDateTime(TIME, "Asia/Tokyo")).toBe("2026-01-31 22:45:09");
  expect(formatDateTimeMs(TIME, "utc")).toBe("2026-01-31 13:45:09.123");
  expect(formatDateTime(TIME, "Mars/Olympus")).toMatch(/^2026-0[12]-/);
  expect([intlZone("browser"), intlZone("UTC"), intlZone("Europe/Berlin")]).toEqual([
    undefined,
    "UTC",
    "Europe/Berlin",
  ]);
});

test("axis labels are as coarse as the ticks", () => {
  const ticks = [TIME / 1_000];
  expect(axisLabels(ticks, 5, "utc")).toEqual(["13:45:09"]);
  expect(axisLabels(ticks, 300, "utc")).toEqual(["13:45"]);
  expect(axisLabels(ticks, 86_400, "utc")).toEqual(["01/31"]);
  expect(axisLabels(ticks, 30 * 86_400, "utc")).toEqual(["2026-01"]);
});

test("durations keep three digits", () => {
  expect([0.0004, 0.82, 12.44, 1_530, 61_000, 7_320_000].map(formatMs)).toEqual([
    "400 ns",
    "820 µs",
    "12.4 ms",
    "1.53 s",
    "1m 1s",
    "2h 2m",
  ]);
});

test("ages", () => {
  expect([0, 5, 90, 7_300, 200_000].map((seconds) => formatAgo(TIME - seconds * 1_000, TIME))).toEqual([
    "just now",
    "5 s ago",
    "1 min ago",
    "2 h ago",
    "2 d ago",
  ]);
});
