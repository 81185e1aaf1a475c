import fc from "fast-check";
import { expect, test } from "vitest";
import { Periods } from "./periods.ts";

const iso = ({ startMs, endMs }: { startMs: number; endMs: number }): string[] => [
  new Date(startMs).toISOString(),
  new Date(endMs).toISOString(),
];

test.each([
  { zone: "UTC", at: "2026-03-29T12:00:00Z", day: ["2026-03-29T00:00:00.000Z", "2026-03-30T00:00:00.000Z"] },
  // The clock goes forward: 23 hours.
  { zone: "Europe/Berlin", at: "2026-03-29T12:00:00Z", day: ["2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"] },
  // And back: 25.
  { zone: "Europe/Berlin", at: "2026-10-25T12:00:00Z", day: ["2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"] },
  { zone: "Asia/Kathmandu", at: "2026-01-01T00:00:00Z", day: ["2025-12-31T18:15:00.000Z", "2026-01-01T18:15:00.000Z"] },
  {
    zone: "America/New_York",
    at: "2026-11-01T04:00:00Z",
    day: ["2026-11-01T04:00:00.000Z", "2026-11-02T05:00:00.000Z"],
  },
  // Midnight does not exist on this day: it begins at one o'clock.
  { zone: "Africa/Cairo", at: "2026-04-24T12:00:00Z", day: ["2026-04-23T22:00:00.000Z", "2026-04-24T21:00:00.000Z"] },
  { zone: "Pacific/Apia", at: "2026-06-01T12:00:00Z", day: ["2026-06-01T11:00:00.000Z", "2026-06-02T11:00:00.000Z"] },
])("the day of $at in $zone", ({ zone, at, day }) => {
  expect(iso(new Periods(zone).day(Date.parse(at)))).toEqual(day);
});

test("months, one of them with a change of the clock", () => {
  const periods = new Periods("Europe/Berlin");
  const march = ["2026-02-28T23:00:00.000Z", "2026-03-31T22:00:00.000Z"];
  expect(iso(periods.month(Date.parse("2026-03-01T00:00:00Z")))).toEqual(march);
  expect(iso(periods.month(Date.parse("2026-03-31T21:59:59.999Z")))).toEqual(march);
  expect(iso(periods.month(Date.parse("2026-03-31T22:00:00Z")))[0]).toBe(march[1]);
  expect(() => new Periods("Nowhere/Land")).toThrow(RangeError);
});

test("days follow each other without gap, each instant lies in its own, 22 to 26 hours long", () => {
  const zones = ["UTC", "Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago"];
  const instants = fc.integer({ min: Date.parse("2020-01-01"), max: Date.parse("2035-01-01") });
  fc.assert(
    fc.property(fc.constantFrom(...zones), instants, (zone, atMs) => {
      const periods = new Periods(zone);
      for (const period of [periods.day(atMs), periods.month(atMs)]) {
        expect(period.startMs <= atMs && atMs < period.endMs).toBe(true);
      }
      const day = periods.day(atMs);
      expect(periods.day(day.endMs).startMs).toBe(day.endMs);
      expect((day.endMs - day.startMs) / 3_600_000).toBeGreaterThanOrEqual(22);
      expect((day.endMs - day.startMs) / 3_600_000).toBeLessThanOrEqual(26);
      expect(periods.month(atMs).startMs).toBeLessThanOrEqual(periods.day(atMs).startMs);
    }),
    { numRuns: 60 },
  );
});
