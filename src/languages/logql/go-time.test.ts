import fc from "fast-check";
import { expect, test } from "vitest";
import { formatGoTime, parseGoTime } from "./go-time.ts";

const AT = new Date(Date.UTC(2026, 1, 3, 16, 5, 6, 70));

const layouts: [string, string][] = [
  ["2006-01-02T15:04:05Z07:00", "2026-02-03T16:05:06Z"],
  ["2006-01-02T15:04:05.999999999Z07:00", "2026-02-03T16:05:06.07Z"],
  ["RFC3339", "2026-02-03T16:05:06Z"],
  ["15:04:05.000", "16:05:06.070"],
  ["Mon Jan _2 15:04:05 2006", "Tue Feb  3 16:05:06 2026"],
  ["Monday, 02-Jan-06 15:04:05 MST", "Tuesday, 03-Feb-26 16:05:06 UTC"],
  ["January 2, 3:04PM", "February 3, 4:05PM"],
  ["1/2/06 -0700", "2/3/26 +0000"],
];
for (const [layout, text] of layouts) test(`writes ${layout}`, () => expect(formatGoTime(AT, layout)).toBe(text));

test("reads back what it writes, to the millisecond", () => {
  const date = fc.date({ min: new Date("1970-01-01"), max: new Date("2099-12-31"), noInvalidDate: true });
  const layout = fc.constantFrom(
    "2006-01-02T15:04:05.000Z07:00",
    "02 Jan 2006 15:04:05.000",
    "Jan _2 03:04:05.000 PM 2006",
  );
  fc.assert(
    fc.property(date, layout, (at, form) => {
      expect(parseGoTime(formatGoTime(at, form), form).getTime()).toBe(at.getTime());
    }),
  );
});

test("zones count, and what does not follow the layout is no date", () => {
  expect(parseGoTime("2026-02-03 10:00 +0200", "2006-01-02 15:04 -0700").toISOString()).toBe(
    "2026-02-03T08:00:00.000Z",
  );
  expect(parseGoTime("yesterday", "2006-01-02").getTime()).toBeNaN();
  expect(parseGoTime("JanJan", "JanJan").getTime()).toBeNaN();
});
