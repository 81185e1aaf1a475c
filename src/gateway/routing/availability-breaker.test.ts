import { expect, test } from "vitest";
import { AvailabilityBreakers } from "./availability-breaker.ts";

const LIMITS = {
  failures: 5,
  slowResponse: 30_000,
  slowResponses: 3,
  openFor: 300_000,
  halfOpenSuccesses: 3,
  halfOpenFailures: 1,
};

function breakers() {
  const clock = { nowMs: 1_700_000_000_000 };
  const moves: string[] = [];
  const made = new AvailabilityBreakers(
    LIMITS,
    (provider, model, from, to) => void moves.push(`${provider}/${model} ${from}>${to}`),
    () => clock.nowMs,
  );
  const count = (results: string, model = "m"): void => {
    for (const letter of results) made.count("p", model, letter !== "x", letter === "s" ? 30_001 : 100);
  };
  return { made, clock, moves, count, state: (model = "m") => made.state("p", model) };
}

/** x fails, o succeeds, s succeeds slowly. */
test.each([
  ["xxxxx", "open", "five failures"],
  ["xxxx", "closed", "four failures"],
  ["xxxxox", "closed", "a success takes one off"],
  ["xxxxoxx", "open", "and only one"],
  ["oooooxxxxx", "open", "earlier successes are no credit"],
  ["sss", "open", "three slow ones in a row"],
  ["ssoss", "closed", "slow ones not in a row"],
  ["ssxs", "closed", "a failure ends the row of slow ones"],
])("%s leaves it %s: %s", (results, expected) => {
  const { count, state } = breakers();
  count(results);
  expect(state()).toBe(expected);
});

test("after 300 s half open; three successes close it, slow ones too; one failure opens it again", () => {
  const { count, state, clock, moves } = breakers();
  count("xxxxx");
  clock.nowMs += 299_999;
  expect(state()).toBe("open");
  clock.nowMs += 1;
  expect(state()).toBe("half_open");
  count("ox");
  expect(state()).toBe("open");
  clock.nowMs += 300_000;
  count("oso");
  expect(state()).toBe("closed");
  expect(moves).toEqual([
    "p/m closed>open",
    "p/m open>half_open",
    "p/m half_open>open",
    "p/m open>half_open",
    "p/m half_open>closed",
  ]);
});

test("one model's breaker is not another's; what is well again is forgotten", () => {
  const { count, state, made } = breakers();
  count("xxxxx", "bad");
  count("xxoo", "mended");
  count("ooo", "good");
  expect([state("bad"), state("mended"), state("good")]).toEqual(["open", "closed", "closed"]);
  expect(made.views()).toEqual([
    { gateway: "p", model: "bad", state: "open", failure_count: 0, slow_responses: 0, seconds_until_retry: 300 },
  ]);
});

test("results of calls that were under way when it opened say nothing new", () => {
  const { count, state, clock } = breakers();
  count("xxxxxoooxxx");
  expect(state()).toBe("open");
  clock.nowMs += 300_000;
  expect(state()).toBe("half_open");
});
