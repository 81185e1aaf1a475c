import { describe, expect, test } from "vitest";
import { Breaker } from "./breaker.ts";

const LIMITS = {
  consecutiveFailures: 5,
  failureRate: 0.5,
  window: 60_000,
  windowRequestsMin: 10,
  openFor: 60_000,
  halfOpenSuccesses: 2,
  halfOpenFailures: 2,
};

function breakerAt(): { breaker: Breaker; clock: { nowMs: number }; moves: string[] } {
  const clock = { nowMs: 1_700_000_000_000 };
  const moves: string[] = [];
  const listener = {
    moved: (from: string, to: string) => void moves.push(`${from}>${to}`),
    counted: () => undefined,
    cleared: () => void moves.push("cleared"),
  };
  return { breaker: new Breaker("p", LIMITS, listener, () => clock.nowMs), clock, moves };
}

const times = (count: number, call: () => void): void => {
  for (let index = 0; index < count; index++) call();
};

test("five consecutive failures open it; a success in between starts anew", () => {
  const { breaker } = breakerAt();
  times(4, () => breaker.count(false));
  breaker.count(true);
  times(4, () => breaker.count(false));
  expect(breaker.state).toBe("closed");
  breaker.count(false);
  expect(breaker.state).toBe("open");
});

test("half of at least ten requests failing within the window open it", () => {
  const { breaker, clock } = breakerAt();
  times(5, () => {
    breaker.count(false);
    breaker.count(true);
  });
  expect(breaker.state).toBe("closed"); // The tenth was a success; a rate is judged when something fails.
  breaker.count(false);
  expect(breaker.state).toBe("open");
  const other = breakerAt();
  times(4, () => {
    other.breaker.count(false);
    other.breaker.count(true);
  });
  other.clock.nowMs += 61_000; // What is older than the window does not count.
  times(2, () => other.breaker.count(false));
  expect(other.breaker.state).toBe("closed");
  expect(other.breaker.view()).toMatchObject({ recent_requests: 2, failure_rate: 1 });
  expect(clock.nowMs).toBe(1_700_000_000_000);
});

test("after its time it is half-open: two successes close it, two failures open it again", () => {
  const { breaker, clock, moves } = breakerAt();
  times(5, () => breaker.count(false));
  expect(breaker.view()).toMatchObject({
    state: "open",
    seconds_until_retry: 60,
    opened_at: "2023-11-14T22:13:20.000Z",
  });
  clock.nowMs += 30_000;
  breaker.count(true); // The answer of a call from before says nothing new.
  expect(breaker.view()).toMatchObject({ state: "open", seconds_until_retry: 30 });
  clock.nowMs += 30_000;
  expect(breaker.state).toBe("half_open");
  breaker.count(false);
  breaker.count(true);
  breaker.count(false);
  expect(breaker.state).toBe("open");
  clock.nowMs += 60_000;
  times(2, () => breaker.count(true));
  expect(breaker.state).toBe("closed");
  expect(moves).toEqual(["closed>open", "open>half_open", "half_open>open", "open>half_open", "half_open>closed"]);
});

test("a reset closes it and forgets; a clock that steps back does no harm", () => {
  const { breaker, clock, moves } = breakerAt();
  times(5, () => breaker.count(false));
  breaker.reset();
  expect(breaker.view()).toEqual({
    provider: "p",
    state: "closed",
    failure_count: 0,
    success_count: 0,
    failure_rate: 0,
    recent_requests: 0,
    opened_at: null,
    seconds_until_retry: 0,
  });
  breaker.reset();
  expect(moves).toEqual(["closed>open", "open>closed", "cleared"]);
  clock.nowMs -= 3_600_000;
  times(4, () => breaker.count(false));
  expect(breaker.state).toBe("closed");
});

test("what other gateways know is taken over: their moves, their counts, and no later opening than now", () => {
  const { breaker, clock, moves } = breakerAt();
  const shared = { failureCount: 0, successCount: 0, openedAtMs: undefined, window: { total: 0, failures: 0 } };
  breaker.adopt({ ...shared, state: "open", openedAtMs: clock.nowMs - 50_000 });
  expect(breaker.view()).toMatchObject({ state: "open", seconds_until_retry: 10 });
  clock.nowMs += 10_000;
  breaker.adopt({ ...shared, state: "half_open", successCount: 1 });
  breaker.count(true);
  expect(breaker.state).toBe("closed");
  breaker.adopt({ ...shared, state: "closed", failureCount: 4 });
  breaker.count(false);
  expect(breaker.state).toBe("open");
  expect(breaker.consecutiveOpens).toBe(1);
  breaker.adopt({ ...shared, state: "closed" });
  breaker.adopt({ ...shared, state: "open", openedAtMs: clock.nowMs + 3_600_000 });
  expect(breaker.view().seconds_until_retry).toBe(60);
  breaker.adopt({ ...shared, state: "closed" });
  breaker.adopt({ ...shared, state: "closed", failureCount: 5 });
  expect(breaker.state).toBe("open");
  expect(moves.slice(0, 3)).toEqual(["closed>open", "open>half_open", "half_open>closed"]);
});

describe("the failure rate over the window, of several gateways together", () => {
  const closed = { state: "closed", failureCount: 0, successCount: 0, openedAtMs: undefined } as const;

  test("what others saw counts, and what one has told itself does not count twice", () => {
    const { breaker } = breakerAt();
    for (const success of [true, false, true, false]) breaker.count(success);
    breaker.adopt({ ...closed, window: { total: 9, failures: 4 } }); // Four of the nine are ours.
    expect(breaker.view()).toMatchObject({ state: "closed", recent_requests: 9, failure_rate: 4 / 9 });
    breaker.count(true);
    breaker.count(false); // 5 of 11.
    expect(breaker.state).toBe("closed");
    breaker.count(false); // 6 of 12.
    expect(breaker.state).toBe("open");
  });

  test("others' failures open it without a request here; their successes and old failures do not", () => {
    const { breaker } = breakerAt();
    breaker.adopt({ ...closed, window: { total: 9, failures: 5 } });
    expect(breaker.state).toBe("closed");
    breaker.adopt({ ...closed, window: { total: 10, failures: 5 } });
    expect(breaker.state).toBe("closed");
    breaker.adopt({ ...closed, window: { total: 11, failures: 6 } });
    expect(breaker.state).toBe("open");
  });

  test("what was heard long ago is forgotten, so that one which is cut off goes by its own", () => {
    const { breaker, clock } = breakerAt();
    breaker.adopt({ ...closed, window: { total: 100, failures: 45 } });
    clock.nowMs += 6_000;
    times(4, () => breaker.count(false));
    expect(breaker.view()).toMatchObject({ state: "closed", recent_requests: 4 });
  });

  test("closing a closed one by hand forgets everything, and says so", () => {
    const { breaker, moves } = breakerAt();
    times(4, () => breaker.count(false));
    breaker.adopt({ ...closed, failureCount: 4, window: { total: 8, failures: 7 } });
    breaker.reset();
    expect(breaker.view()).toMatchObject({ failure_count: 0, recent_requests: 0 });
    expect(moves).toEqual(["cleared"]);
  });
});
