import { expect, test } from "vitest";
import { parsePromql } from "../parse.ts";
import { planQuery } from "./plan.ts";

const TIMES = { startMs: 60_000, endMs: 180_000, stepMs: 30_000 };
const plan = (query: string) => planQuery(parsePromql(query), TIMES);

test("what depends on the query's times becomes a number", () => {
  expect(plan("start()")).toMatchObject({ kind: "number", value: 60 });
  expect(plan("end() - start()")).toMatchObject({ left: { value: 180 }, right: { value: 60 } });
  expect(plan("step()")).toMatchObject({ value: 30 });
  expect(plan("x @ end()")).toMatchObject({ atMs: 180_000, invariant: true });
  expect(plan("x[step() * 2 + range()]")).toMatchObject({ rangeMs: 180_000 });
  expect(plan("x offset -(min_of(step(), 7s))")).toMatchObject({ offsetMs: -7_000 });
});

test.each([
  ["x[step() - 30]", "1:3: duration must be greater than 0"],
  ["x[1h / (step() - 30s)]", "division by zero"],
  ["x[1h % (step() - 30s)]", "modulo by zero"],
  ["x[1h ^ 1e9 * range()]", "duration is NaN or infinite"],
])("refuses %s", (query, reason) => {
  expect(() => plan(query)).toThrow(reason.replace(/^1:3: /, ""));
});

test.each<[string, boolean]>([
  ["rate(x[5m] @ 10)", true],
  ["rate(x[5m])", false],
  ["sum(x @ 10) + 1", true],
  ["x @ 10 + x", false],
  ["predict_linear(x[5m] @ 10, 60)", false],
  ["timestamp(x @ 10)", true],
  ["timestamp(abs(x @ 10))", false],
  ["sum_over_time(x[5m:] @ 10)", true],
  ["vector(time())", false],
  ["pi()", true],
])("%s is the same at every step: %s", (query, invariant) => {
  expect(plan(query).invariant).toBe(invariant);
});

test("buckets are unused under histogram_count, unless something around it needs them", () => {
  const selectorOf = (query: string) => JSON.stringify(plan(query)).match(/"bucketsUnused":(\w+)/)![1];
  expect(selectorOf("histogram_count(rate(x[5m]))")).toBe("true");
  expect(selectorOf("histogram_count(sum(x))")).toBe("true");
  expect(selectorOf("histogram_quantile(0.9, histogram_count(x))")).toBe("false");
  expect(selectorOf("histogram_count(max_over_time(x[5m:]))")).toBe("false");
  expect(selectorOf("histogram_count(x </ 5)")).toBe("false");
});
