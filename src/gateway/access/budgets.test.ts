import fc from "fast-check";
import { expect, test } from "vitest";
import type { GatewayError } from "../errors.ts";
import type { ClientIdentity } from "../request-record.ts";
import { recordingTelemetry } from "../testing/test-gateway.ts";
import { Budgets } from "./budgets.ts";
import { toNanoUsd } from "./nano-usd.ts";
import { Periods } from "./periods.ts";

const client: ClientIdentity = { keyName: "app", keyHash: "0", keyId: "key_1", tier: "basic", unlimited: false };
const NOON_MS = Date.parse("2026-03-28T12:00:00Z");

function budgetsAt(options: { dailySpendUsd?: number; teams?: object; timeZone?: string } = {}) {
  const clock = { nowMs: NOON_MS };
  const telemetry = recordingTelemetry();
  const written: unknown[] = [];
  const budgets = new Budgets({
    logger: { warn: (...line: unknown[]) => void written.push(line) },
    periods: new Periods(options.timeZone ?? "UTC"),
    telemetry,
    dailySpendUsd: options.dailySpendUsd ?? 1,
    teams: { ...options.teams },
    now: () => clock.nowMs,
  });
  return { budgets, clock, telemetry, written };
}

function refusal(call: () => unknown): GatewayError {
  try {
    call();
  } catch (error) {
    return error as GatewayError;
  }
  throw new Error("nothing was refused");
}

const usd = toNanoUsd;

test("the daily cap of keys without a budget: open requests count, settled ones by what they cost", () => {
  const { budgets, clock, telemetry } = budgetsAt({ dailySpendUsd: 1 });
  const first = budgets.hold(client, usd(0.6));
  const refused = refusal(() => budgets.hold(client, usd(0.5)));
  expect(refused).toMatchObject({ code: "DAILY_SPEND_QUOTA_EXCEEDED", status: 429, retryAfterSeconds: 12 * 3_600 });
  expect(refused.headers).toMatchObject({ "x-ratelimit-reason": "daily_spend", "x-should-retry": "false" });
  first.settle(usd(0.1));
  first.settle(usd(0.9)); // Once.
  expect(budgets.spentBy("key:key_1")).toEqual({ day: usd(0.1), month: usd(0.1), held: 0 });
  expect(telemetry.events.at(-1)).toMatchObject({ name: "creditRefunded", reason: "over_reserved" });
  budgets.hold(client, usd(0.5)).settle(usd(0.5));
  clock.nowMs += 12 * 3_600_000;
  budgets.hold(client, usd(1)).settle(0);
  expect(telemetry.events.at(-1)).toMatchObject({ name: "creditRefunded", reason: "request_failed", amountUsd: 1 });
  expect(budgets.spentBy("key:key_1").month).toBe(usd(0.6));
});

test("a key's own budgets per day and month, its team's, and keys without limit", () => {
  const { budgets, clock } = budgetsAt({ teams: { blue: { monthUsd: 3 } } });
  const rich = { ...client, budget: { dayUsd: 2, monthUsd: 5 }, team: "blue" };
  budgets.hold(rich, usd(2)).settle(usd(2));
  expect(refusal(() => budgets.hold(rich, 1))).toMatchObject({ code: "BUDGET_QUOTA_EXCEEDED", status: 429 });
  clock.nowMs += 24 * 3_600_000;
  const team = refusal(() => budgets.hold(rich, usd(1.5)));
  expect(team.message).toContain("month's budget of this team is $3; $1.000000 are left");
  expect(team.headers["x-ratelimit-scope"]).toBe("team");
  expect(budgets.spentBy("key:key_1").held).toBe(0); // What a refusal held of the key is given back.
  const mate = { ...client, keyId: "key_2", budget: { dayUsd: 100 }, team: "blue" };
  budgets.hold(mate, usd(1)).settle(usd(1));
  expect(refusal(() => budgets.hold(rich, usd(0.1))).code).toBe("BUDGET_QUOTA_EXCEEDED");
  budgets.hold({ ...client, unlimited: true }, usd(1e6)).settle(usd(1e6));
  budgets.setTeam("green", { dayUsd: 0.5 });
  const green = { ...client, keyId: "key_3", budget: { dayUsd: 9 }, team: "green" };
  expect(refusal(() => budgets.hold(green, usd(1))).code).toBe("BUDGET_QUOTA_EXCEEDED");
  budgets.setTeam("green", undefined);
  budgets.hold(green, usd(1)).settle(0);
});

test("warnings at 80 and 95 %, once a period each", () => {
  const { budgets, clock, telemetry, written } = budgetsAt({ dailySpendUsd: 2 });
  const spend = (amount: number): void => budgets.hold(client, 0).settle(usd(amount));
  for (const amount of [1.5, 0.2, 0.1, 0.15, 0.01]) spend(amount);
  const warnings = (): unknown[] => telemetry.events.filter(({ name }) => name === "spendWarning");
  expect(warnings()).toMatchObject([
    { keyName: "app", percent: 80, capUsd: 2, period: "day" },
    { keyName: "app", percent: 95, period: "day" },
  ]);
  clock.nowMs += 24 * 3_600_000;
  spend(1.9);
  expect(warnings()).toHaveLength(3);
  expect(written).toMatchObject([
    [{ budgetOf: "app", percent: 80, capUsd: 2, period: "day" }, "budget is nearly spent"],
    [{ percent: 95 }, "budget is nearly spent"],
    [{ percent: 95 }, "budget is nearly spent"],
  ]);
});

test("a day of the configured zone ends at its midnight, on days of 23 hours too", () => {
  const { budgets, clock } = budgetsAt({ timeZone: "Europe/Berlin" });
  clock.nowMs = Date.parse("2026-03-29T00:30:00Z"); // 1:30; the clock goes from 2 to 3.
  budgets.hold(client, usd(1)).settle(usd(1));
  expect(refusal(() => budgets.hold(client, usd(1))).retryAfterSeconds).toBe(21.5 * 3_600);
  clock.nowMs = Date.parse("2026-03-29T22:00:00Z");
  budgets.hold(client, usd(1));
});

test("what the database knows: the larger of one's own numbers, plus the others'", () => {
  const { budgets } = budgetsAt({ dailySpendUsd: 10 });
  const day = { scope: "key:key_1", period: "day", startMs: Date.parse("2026-03-28T00:00:00Z") } as const;
  budgets.hold(client, usd(1)).settle(usd(1));
  budgets.load([{ ...day, ownNanoUsd: usd(4), othersNanoUsd: usd(2) }]);
  expect(budgets.spentBy("key:key_1").day).toBe(usd(6));
  budgets.load([{ ...day, ownNanoUsd: usd(3), othersNanoUsd: usd(3) }]);
  expect(budgets.spentBy("key:key_1").day).toBe(usd(7));
  budgets.load([{ ...day, startMs: day.startMs - 86_400_000, ownNanoUsd: usd(9), othersNanoUsd: 0 }]);
  expect(budgets.spentBy("key:key_1").day).toBe(usd(7));
});

test("however requests come and go, what is settled never passes a budget that covers what was held", () => {
  const request = fc.record({
    held: fc.integer({ min: 0, max: 400 }),
    used: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const steps = fc.array(fc.record({ request, key: fc.integer({ min: 1, max: 3 }), ends: fc.nat(20) }), {
    maxLength: 80,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const { budgets } = budgetsAt({ teams: { blue: { dayUsd: 1.5e-6 } } });
      const open: { hold: { settle(nano: number): void }; cost: number }[] = [];
      for (const { request: asked, key, ends } of all) {
        const asker = { ...client, keyId: `key_${key}`, budget: { dayUsd: 1e-6, monthUsd: 2e-6 }, team: "blue" };
        try {
          const cost = Math.floor(asked.held * asked.used);
          open.push({ hold: budgets.hold(asker, asked.held), cost });
        } catch (error) {
          expect((error as GatewayError).code).toBe("BUDGET_QUOTA_EXCEEDED");
        }
        for (const { hold, cost } of open.splice(0, ends < open.length ? ends : 0)) hold.settle(cost);
      }
      for (const { hold, cost } of open) hold.settle(cost);
      for (const key of [1, 2, 3]) expect(budgets.spentBy(`key:key_${key}`).day).toBeLessThanOrEqual(1_000);
      const team = budgets.spentBy("team:blue");
      expect(team.day).toBeLessThanOrEqual(1_500);
      expect(team.held).toBe(0);
    }),
  );
});
