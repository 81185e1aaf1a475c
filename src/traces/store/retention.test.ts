import { describe, expect, test } from "vitest";
import { expiredSegments } from "./retention.ts";
import type { SegmentSummary } from "./segment-set.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW_MS = 1_760_000_000_000;

function segment(sequence: number, createdAtMs: number, fileBytes = 100): SegmentSummary {
  return { sequence, path: "", fileBytes, startMs: 0, endMs: 0, createdAtMs, walEnd: 0, spanCount: 1 };
}

const limits = { nowMs: NOW_MS, retentionMs: 15 * DAY_MS, bytesMax: 1e9, walBytes: 0 };
const numbers = (...parameters: Parameters<typeof expiredSegments>): string[] =>
  expiredSegments(...parameters).map(({ segment: { sequence }, reason }) => `${sequence} ${reason}`);

describe("retention", () => {
  const daily = [20, 16, 14, 0].map((days, sequence) => segment(sequence, NOW_MS - days * DAY_MS));

  test("deletes what was written before the retention time", () => {
    expect(numbers(daily, limits)).toEqual(["0 age", "1 age"]);
  });

  test("deletes the oldest until everything fits, the log counted", () => {
    expect(numbers(daily.slice(2), { ...limits, bytesMax: 250, walBytes: 100 })).toEqual(["2 size"]);
    expect(numbers(daily.slice(2), { ...limits, bytesMax: 300, walBytes: 100 })).toEqual([]);
    expect(numbers(daily.slice(2), { ...limits, bytesMax: 10, walBytes: 0 })).toEqual(["2 size", "3 size"]);
  });

  test("a clock that jumps to the year 2100 or back to 1970 deletes nothing that is young", () => {
    const young = [segment(0, NOW_MS - HOUR_MS), segment(1, NOW_MS)];
    expect(numbers(young, { ...limits, nowMs: Date.UTC(2100, 0) })).toEqual([]);
    expect(numbers(young, { ...limits, nowMs: 0 })).toEqual([]);
  });
});
