import { afterEach, beforeEach, expect, test } from "vitest";
import { testDatabase } from "../database/testing.ts";
import { type TestContext, testContext } from "../runtime/testing.ts";
import { HealthMetrics } from "./metrics.ts";
import { rollUp } from "./rollup/rollup.ts";
import { type Stores, storesOf } from "./store/stores.ts";
import { type Job, Upkeep } from "./upkeep.ts";

const HOUR_MS = 3_600_000;
let context: TestContext;
let stores: Stores;
let metrics: HealthMetrics;
beforeEach(async () => {
  context = await testContext("health", {});
  stores = storesOf(testDatabase());
  const source = { models: () => [], openIncidents: () => [], databaseUp: () => true, alertsWaiting: () => 0 };
  metrics = new HealthMetrics(context.registry, { ...source, rollup: () => rollUp([], 0) });
});
afterEach(async () => {
  await stores.database.close();
  await context.dispose();
});

/** @param shared As if on Postgres. */
function create(jobs: Job[], owner = "us", shared = false): Upkeep {
  const seen = shared ? { ...stores, health: { shared: true } as Stores["health"] } : stores;
  return new Upkeep({ jobs, stores: () => seen, owner, logger: context.logger, metrics, signal: context.signal });
}
function job(runs: number[], changes: Partial<Job> = {}): Job {
  return { name: "work", everyMs: HOUR_MS, run: async (nowMs) => void runs.push(nowMs), ...changes };
}

test("a job is done at once and then at its interval; an eager one every minute while the service is young", async () => {
  const [plain, eager]: [number[], number[]] = [[], []];
  const upkeep = create([job(plain), job(eager, { name: "eager", eagerAtStart: true })]);
  const startMs = Date.now();
  for (const minute of [0, 0.5, 1, 2, 59, 60, 61]) await upkeep.runDue(startMs + minute * 60_000);
  const minutes = (runs: number[]): number[] => runs.map((ms) => (ms - startMs) / 60_000);
  expect(minutes(plain)).toEqual([0, 60]);
  expect(minutes(eager)).toEqual([0, 1, 2]);
});

test("one that fails is one line, and is tried again at its next time", async () => {
  let broken = true;
  const run = async (): Promise<void> => {
    if (broken) throw new Error("disk is full");
  };
  const others: number[] = [];
  const upkeep = create([job([], { everyMs: 1, run }), job(others, { name: "other", everyMs: 1 })]);
  const startMs = Date.now();
  await upkeep.runDue(startMs);
  await upkeep.runDue(startMs + 10);
  broken = false;
  await upkeep.runDue(startMs + 20);
  expect(others).toHaveLength(3);
  expect(context.lines.map(({ msg, error }) => [msg, error])).toEqual([
    ["upkeep failed; it is tried again", "disk is full"],
    ["upkeep works again", undefined],
  ]);
});

test("of several services one does the shared work, and another one when it is gone", async () => {
  const [first, second, own]: [number[], number[], number[]] = [[], [], []];
  const one = create([job(first, { shared: true, everyMs: 1 })], "one", true);
  const two = create([job(second, { shared: true, everyMs: 1 }), job(own, { name: "own", everyMs: 1 })], "two", true);
  const startMs = Date.now();
  for (const second of [0, 30, 60]) {
    await one.runDue(startMs + second * 1_000);
    await two.runDue(startMs + second * 1_000 + 1);
  }
  expect([first.length, second.length, own.length]).toEqual([3, 0, 3]);
  await two.runDue(startMs + 160_000);
  expect(second).toHaveLength(1);
});
