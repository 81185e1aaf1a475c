import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyPool } from "./key-pool.ts";

/** The same numbers in [0, 1) at every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function poolOf(weights: readonly number[]): { pool: KeyPool<string>; clock: { nowMs: number }; rested: string[] } {
  const clock = { nowMs: 1_700_000_000_000 };
  const rested: string[] = [];
  const keys = weights.map((weight, index) => ({ name: `k${index}`, secret: `s${index}`, weight }));
  const pool = new KeyPool(
    keys,
    (name, state, seconds) => void rested.push(`${name} ${state} ${seconds}`),
    () => clock.nowMs,
    seeded(7),
  );
  return { pool, clock, rested };
}

const NONE: ReadonlySet<string> = new Set();

/** How often each key was taken, one call after the other. */
function spread({ pool, clock }: ReturnType<typeof poolOf>, calls: number, latencyMs: (name: string) => number) {
  const counts: Record<string, number> = {};
  for (let call = 0; call < calls; call++) {
    const lease = pool.take(NONE)!;
    counts[lease.name] = (counts[lease.name] ?? 0) + 1;
    clock.nowMs += 50;
    lease.answered(latencyMs(lease.name));
    lease.released();
  }
  return counts;
}

test("open calls weigh: ten at once are spread evenly over five keys", () => {
  const { pool } = poolOf([1, 1, 1, 1, 1]);
  const counts: Record<string, number> = {};
  for (let call = 0; call < 50; call++) {
    const { name } = pool.take(NONE)!;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  for (const count of Object.values(counts)) expect(Math.abs(count - 10)).toBeLessThanOrEqual(2);
});

test("open calls follow the weights", () => {
  const { pool } = poolOf([3, 1]);
  const counts: Record<string, number> = {};
  for (let call = 0; call < 40; call++) {
    const { name } = pool.take(NONE)!;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  expect(counts["k0"]).toBeGreaterThanOrEqual(28);
  expect(counts["k1"]).toBeGreaterThanOrEqual(8);
});

test("weights hold for calls that come one by one, and for a few at once", () => {
  const alone = spread(poolOf([3, 1]), 400, (name) => (name === "k0" ? 210 : 190));
  expect(alone["k1"]).toBeGreaterThan(70);
  expect(alone["k1"]).toBeLessThan(130);
  const equal = spread(poolOf([1, 1]), 400, (name) => (name === "k0" ? 210 : 190));
  expect(Math.abs(equal["k0"]! - equal["k1"]!)).toBeLessThan(80);
  const { pool, clock } = poolOf([3, 1]);
  const counts: Record<string, number> = { k0: 0, k1: 0 };
  for (let round = 0; round < 100; round++) {
    const leases = [pool.take(NONE)!, pool.take(NONE)!, pool.take(NONE)!];
    clock.nowMs += 200;
    for (const lease of leases) {
      counts[lease.name]!++;
      lease.answered(200);
      lease.released();
    }
  }
  expect(counts["k1"]).toBeGreaterThan(50);
  expect(counts["k1"]).toBeLessThan(110);
});

test("a key that has not answered yet does not draw all calls", () => {
  const { pool, clock } = poolOf([1, 1]);
  const known = pool.take(NONE)!;
  clock.nowMs += 300;
  known.answered(300);
  known.released();
  const taken = Array.from({ length: 20 }, () => pool.take(NONE)!.name);
  expect(taken.filter((name) => name === known.name).length).toBeGreaterThan(7);
});

test("a slow key is avoided, and tried again after a while", () => {
  const parts = poolOf([1, 1, 1]);
  const counts = spread(parts, 300, (name) => (name === "k2" ? 4_000 : 200));
  expect(counts["k2"]).toBeLessThan(30);
  expect(counts["k2"]).toBeGreaterThan(0);
});

test("a limited key rests as long as the provider asked; when all rest the one that is back first is used", () => {
  const { pool, clock, rested } = poolOf([1, 1]);
  const first = pool.take(NONE)!;
  first.limited(30);
  const second = pool.take(NONE)!;
  expect(second.name).not.toBe(first.name);
  second.limited(10);
  expect(pool.hasReady(NONE)).toBe(false);
  const anyway = pool.take(NONE)!;
  expect(anyway.name).toBe(second.name);
  anyway.released();
  expect(rested).toEqual([`${first.name} cooling 30`, `${second.name} cooling 10`]);
  clock.nowMs += 10_000;
  expect(pool.views().map(({ name, state }) => [name, state])).toContainEqual([second.name, "ready"]);
  clock.nowMs += 20_000;
  expect(pool.views().every(({ state }) => state === "ready")).toBe(true);
});

test("a key that is refused again rests twice as long; an answer forgives", () => {
  const { pool, clock, rested } = poolOf([1, 1]);
  const take = () => pool.take(new Set(["k1"]))!;
  for (let time = 0; time < 3; time++) {
    take().refused();
    clock.nowMs += 3_600_000;
  }
  const accepted = take();
  accepted.answered(5);
  accepted.released();
  take().refused();
  expect(rested).toEqual(["k0 refused 60", "k0 refused 120", "k0 refused 240", "k0 refused 60"]);
});

test("one key is always taken, whatever became of it, unless it was tried", () => {
  const { pool } = poolOf([1]);
  pool.take(NONE)!.refused();
  pool.take(NONE)!.limited(60);
  expect(pool.take(NONE)?.name).toBe("k0");
  expect(pool.take(new Set(["k0"]))).toBeUndefined();
});

test("whatever happens: never a tried key, and never one that rests while another is ready", () => {
  const step = fc.record({
    tried: fc.subarray([0, 1, 2, 3]),
    result: fc.constantFrom("answered", "limited", "refused", "released", "open"),
    laterMs: fc.integer({ min: 0, max: 40_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { pool, clock } = poolOf([1, 2, 3, 4]);
      let open = 0;
      for (const { tried, result, laterMs } of steps) {
        const names = new Set(tried.map((index) => `k${index}`));
        const before = pool.views();
        const ready = before.filter(({ name, state }) => state === "ready" && !names.has(name)).map(({ name }) => name);
        const lease = pool.take(names);
        if (names.size === 4) expect(lease).toBeUndefined();
        else expect(names.has(lease!.name)).toBe(false);
        if (ready.length > 0) expect(ready).toContain(lease!.name);
        if (result === "answered") lease?.answered(laterMs);
        else if (result === "limited") lease?.limited(laterMs / 1_000);
        else if (result === "refused") lease?.refused();
        else if (result === "released") lease?.released();
        else if (lease !== undefined) open++;
        if (result !== "open") lease?.released(); // A second end changes nothing.
        expect(pool.views().reduce((sum, { in_flight }) => sum + in_flight, 0)).toBe(open);
        clock.nowMs += laterMs;
      }
    }),
    { numRuns: 200 },
  );
});
