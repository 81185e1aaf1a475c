import { setMaxListeners } from "node:events";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { QUERIES_RUNNING_MAX, QUERIES_WAITING_MAX } from "../limits.ts";
import { QueryGate } from "./query-gate.ts";

/** Runs that end when told to. */
function blockers(gate: QueryGate, count: number, signal = new AbortController().signal) {
  setMaxListeners(0, signal);
  const ends: (() => void)[] = [];
  let started = 0;
  const runs = Array.from({ length: count }, () =>
    gate.run(signal, () => {
      started++;
      return new Promise<void>((resolve) => ends.push(resolve));
    }),
  );
  return { ends, runs, started: () => started };
}

test("a bounded number runs, the others wait in line", async () => {
  const registry = new Registry();
  const gate = new QueryGate(registry);
  const { ends, runs, started } = blockers(gate, QUERIES_RUNNING_MAX + 2);
  expect(started()).toBe(QUERIES_RUNNING_MAX);
  expect(await registry.metrics()).toContain(`prometheus_engine_queries ${QUERIES_RUNNING_MAX + 2}`);
  ends.shift()!();
  await expect.poll(started).toBe(QUERIES_RUNNING_MAX + 1);
  while (ends.length > 0 || started() < QUERIES_RUNNING_MAX + 2) {
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(runs);
  expect(await registry.metrics()).toContain("prometheus_engine_queries 0");
});

test("a client that leaves the line frees its place; a full line refuses", async () => {
  const gate = new QueryGate(new Registry());
  const running = blockers(gate, QUERIES_RUNNING_MAX);
  const leaving = new AbortController();
  const waiting = blockers(gate, QUERIES_WAITING_MAX, leaving.signal);
  const refused = gate.run(new AbortController().signal, async () => undefined);
  await expect(refused).rejects.toMatchObject({ type: "unavailable" });
  leaving.abort();
  const results = await Promise.allSettled(waiting.runs);
  expect(results.every((result) => result.status === "rejected")).toBe(true);
  const next = gate.run(new AbortController().signal, async () => "ran");
  running.ends[0]!();
  expect(await next).toBe("ran");
});

test("an error of the query is passed on and frees its place", async () => {
  const gate = new QueryGate(new Registry());
  for (let round = 0; round < QUERIES_RUNNING_MAX + 1; round++) {
    const run = gate.run(new AbortController().signal, async () => {
      throw new Error("broken");
    });
    await expect(run).rejects.toThrow("broken");
  }
});
