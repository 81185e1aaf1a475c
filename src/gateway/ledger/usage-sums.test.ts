import fc from "fast-check";
import { expect, test } from "vitest";
import { Periods } from "../access/periods.ts";
import { NO_TOKENS, RESULTS, type SettlementEntry } from "./entries.ts";
import { PENDING_ROWS_MAX } from "./limits.ts";
import { UsageBatch } from "./usage-sums.ts";

const PERIODS = new Periods("Europe/Berlin");
const SUBJECT = {
  keyId: "a",
  team: "",
  provider: "p",
  model: "m",
  endUser: "",
  tags: [],
  endpoint: "/",
  stream: false,
  budgeted: true,
};

const entries: fc.Arbitrary<SettlementEntry> = fc
  .record({
    // Around the end of a month, and of the day before it.
    hours: fc.integer({ min: -40, max: 40 }),
    keyId: fc.constantFrom("a", "b"),
    team: fc.constantFrom("", "t"),
    endUser: fc.constantFrom("", "u", "v"),
    tags: fc.subarray(["x", "y"]),
    budgeted: fc.boolean(),
    input: fc.nat(1_000),
    nanoUsd: fc.nat(1_000),
    result: fc.constantFrom(...RESULTS),
  })
  .map(({ hours, input, nanoUsd, result, ...subject }) => ({
    kind: "settlement",
    atMs: Date.parse("2026-03-31T22:00:00Z") + hours * 3_600_000,
    subject: { ...SUBJECT, ...subject },
    tokens: { ...NO_TOKENS, input },
    nanoUsd,
    result,
    segment: 0,
    index: 0,
  }));

const rowsOf = (batch: UsageBatch): unknown => [
  Object.fromEntries(batch.hours),
  Object.fromEntries(batch.endUsers),
  Object.fromEntries(batch.tags),
  Object.fromEntries(batch.budgets),
  Object.fromEntries(batch.lastUse),
  batch.requests,
];

test("batches that are merged are what one batch would have been, and more can be added", () => {
  const many = fc.array(entries, { maxLength: 30 });
  fc.assert(
    fc.property(many, many, many, (first, second, third) => {
      const inOrder = (batch: UsageBatch, all: readonly SettlementEntry[]): UsageBatch => {
        for (const entry of all) batch.add(entry, PERIODS);
        return batch;
      };
      const whole = inOrder(new UsageBatch(), [...first, ...second, ...third]);
      const merged = inOrder(new UsageBatch(), first);
      merged.merge(inOrder(new UsageBatch(), second));
      inOrder(merged, third);
      // The last use is that of the last entry in time where batches are merged, of the last one added where not.
      const withoutUse = (batch: UsageBatch): unknown => (rowsOf(batch) as unknown[]).filter((_, index) => index !== 4);
      expect(withoutUse(merged)).toEqual(withoutUse(whole));
      expect([...merged.lastUse.keys()].sort()).toEqual([...whole.lastUse.keys()].sort());
    }),
  );
});

test("end users past the limit are counted together, and nothing of them is lost", () => {
  const batch = new UsageBatch();
  const base = {
    kind: "settlement",
    atMs: 0,
    tokens: NO_TOKENS,
    nanoUsd: 1,
    result: "success",
    segment: 0,
    index: 0,
  } as const;
  for (let count = 0; count < PENDING_ROWS_MAX + 10; count++) {
    batch.add({ ...base, subject: { ...SUBJECT, endUser: `u${count}` } }, PERIODS);
  }
  expect(batch.endUsers.size).toBe(PENDING_ROWS_MAX + 1);
  expect(batch.endUsers.get("0\na\n(other)\nm")).toMatchObject({ requests: 10, cost_nano_usd: 10 });
  expect([...batch.hours.values()]).toMatchObject([{ requests: PENDING_ROWS_MAX + 10 }]);
});
