import { setTimeout as sleep } from "node:timers/promises";
import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "../../languages/logql/parse.ts";
import { QUERIES_RUNNING_MAX, QUERIES_WAITING_MAX, SERIES_MAX } from "../limits.ts";
import { LogMetrics } from "../metrics.ts";
import { entry, evaluateAt, findLines, openTestStore, stream, type TestStore } from "../testing.ts";
import { evaluateMetric } from "./evaluate.ts";
import { QueryGate } from "./query-gate.ts";
import { QueryRun } from "./query-run.ts";

const T0 = 1_795_000_000_000;
let testStore: TestStore;
beforeAll(async () => {
  testStore = await openTestStore();
  const entries = Array.from({ length: 2_000 }, (_, index) =>
    entry(T0 + index, `{"id":"${index}"}`, { rid: `${index}` }),
  );
  await testStore.store.append([stream({ app: "a" }, ...entries)]);
});
afterAll(() => testStore.dispose());

const instant = { startMs: T0 + 60_000, stepMs: 1, steps: 1 };

test(`more than ${SERIES_MAX} series are refused by name`, async () => {
  await expect(evaluateAt(testStore.store, 'count_over_time({app="a"} | json [5m])', instant)).rejects.toThrow(
    `maximum number of series (${SERIES_MAX}) reached for a single query`,
  );
});

test("without a grouping, structured metadata makes no series of its own", async () => {
  expect(await evaluateAt(testStore.store, 'count_over_time({app="a"}[5m])', instant)).toEqual({
    '{app="a"}': [2_000],
  });
  expect(
    await evaluateAt(testStore.store, 'topk(1, sum by (rid) (count_over_time({app="a"} | rid="7" [5m])))', instant),
  ).toEqual({ '{rid="7"}': [1] });
});

test("lines that are too long together are refused by name", async () => {
  const long = await openTestStore();
  const line = "x".repeat(250_000);
  for (let round = 0; round < 20; round++) {
    const entries = Array.from({ length: 10 }, (_, index) =>
      entry(T0 + round * 10 + index, `${round} ${index} ${line}`),
    );
    await long.store.append([stream({ app: "a" }, ...entries)]);
  }
  expect(await findLines(long.store, '{app="a"}', T0, T0 + 1_000, 100)).toHaveLength(100);
  const all = findLines(long.store, '{app="a"} | line_format "{{__line__}}{{__line__}}"', T0, T0 + 1_000, 200);
  await expect(all).rejects.toThrow(/the lines of the result are longer than/);
  await long.dispose();
});

test("a query whose client has gone ends at its next pause", async () => {
  const gone = new AbortController();
  const run = new QueryRun(gone.signal);
  const expr = parse('sum(count_over_time({app="a"} | json | id != "x" [5m]))');
  if (expr.kind === "log") throw new Error("not a metric query");
  const query = evaluateMetric(testStore.store, expr, instant, run);
  gone.abort();
  await expect(query).rejects.toMatchObject({ status: 499, message: "context canceled" });
});

test("a query that takes too long is told so", async () => {
  const run = new QueryRun(AbortSignal.timeout(1));
  await sleep(20);
  expect(() => run.check()).toThrow("context deadline exceeded");
});

describe("the gate", () => {
  test("runs a few queries at once, lets some wait, refuses the rest with 429, and recovers", async () => {
    const gate = new QueryGate(new LogMetrics(new Registry()));
    const never = new AbortController().signal;
    let running = 0;
    let most = 0;
    const one = () =>
      gate.run(never, async () => {
        most = Math.max(most, ++running);
        await sleep(5);
        running--;
      });
    const all = Array.from({ length: QUERIES_RUNNING_MAX + QUERIES_WAITING_MAX + 5 }, one);
    const results = await Promise.allSettled(all);
    expect(results.filter(({ status }) => status === "rejected")).toHaveLength(5);
    expect(results.at(-1)).toMatchObject({ reason: { status: 429 } });
    expect(most).toBe(QUERIES_RUNNING_MAX);
    await one();
  });
});
