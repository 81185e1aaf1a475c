import fc from "fast-check";
import { expect, test } from "vitest";
import { LATENCY_MODELS_MAX, LATENCY_SAMPLES_MAX } from "../limits.ts";
import { LatencyBook } from "./latency-book.ts";
import { RateBudget } from "./rate-budget.ts";

test("quantiles of the newest samples", () => {
  const book = new LatencyBook();
  expect(book.quantile("p", "m", 0.5)).toBeUndefined();
  for (let ms = 1; ms <= 100; ms++) book.add("p", "m", ms);
  expect(book.count("p", "m")).toBe(100);
  expect([0, 0.5, 0.95, 1].map((quantile) => book.quantile("p", "m", quantile))).toEqual([1, 51, 96, 100]);
  for (let count = 0; count < LATENCY_SAMPLES_MAX; count++) book.add("p", "m", 7);
  expect(book.quantile("p", "m", 0.95)).toBe(7);
});

test("the model that was quiet longest is forgotten", () => {
  const book = new LatencyBook();
  for (let index = 0; index < LATENCY_MODELS_MAX; index++) book.add("p", `m-${index}`, 1);
  for (let count = 0; count < 40; count++) book.add("p", "m-0", 1);
  book.add("p", "new", 1);
  expect([book.count("p", "m-0"), book.count("p", "m-1"), book.count("p", "new")]).toEqual([41, 0, 1]);
});

test("a quantile is always a sample, and they ascend", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 100 }), (samples) => {
      const book = new LatencyBook();
      for (const ms of samples) book.add("p", "m", ms);
      const found = [0, 0.25, 0.5, 0.95, 1].map((quantile) => book.quantile("p", "m", quantile)!);
      for (const ms of found) expect(samples).toContain(ms);
      expect(found).toEqual([...found].sort((a, b) => a - b));
    }),
  );
});

test("a budget lets a share of requests have more, whatever they ask", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 200 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (asks, share) => {
        const budget = new RateBudget(share);
        let spent = 0;
        for (const wanted of asks) {
          budget.earn();
          for (let count = 0; count < wanted; count++) if (budget.spend()) spent++;
        }
        expect(spent).toBeLessThanOrEqual(share === 0 ? 0 : 10 + asks.length * share + 1e-6);
      },
    ),
  );
});
