import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, expect, test } from "vitest";
import type { Database, DatabaseOptions } from "../../database/database.ts";
import { testDatabase } from "../../database/testing.ts";
import type { SpentRow } from "../access/budgets.ts";
import { Periods } from "../access/periods.ts";
import { recordingTelemetry } from "../testing/test-gateway.ts";
import { NO_TOKENS, type UsageSubject } from "./entries.ts";
import { RollUp } from "./roll-up.ts";
import { UsageLedger } from "./usage-ledger.ts";
import { type UsageQuestion, UsageReports, type UsageRow } from "./usage-reports.ts";
import { USAGE_MIGRATIONS, type UsageTables } from "./usage-tables.ts";

const NOON_MS = Date.parse("2026-03-28T12:10:00Z");
const HOUR_MS = 3_600_000;

const SUBJECT: UsageSubject = {
  keyId: "key_1",
  team: "blue",
  provider: "openai",
  model: "gpt-4o",
  endUser: "ann",
  tags: ["web", "beta"],
  endpoint: "/v1/chat/completions",
  stream: false,
  budgeted: true,
};

/** A ledger and its roll-up as one process of a gateway has them; `die` leaves them as a killed process would. */
export interface TestProcess {
  readonly ledger: UsageLedger;
  readonly rollUp: RollUp;
  readonly spent: SpentRow[];
  readonly events: ReturnType<typeof recordingTelemetry>["events"];
  readonly clock: { nowMs: number };
  serve(subject: Partial<UsageSubject>, input: number, output: number, nanoUsd: number): void;
}

/** What usage must do in a database; run on SQLite and on Postgres. */
export function usageSuite(fresh: () => Promise<Partial<DatabaseOptions>>): void {
  const cleanUp: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const action of cleanUp.splice(0).reverse()) await action();
  });
  const folder = async (): Promise<string> => {
    const dir = await mkdtemp(join(tmpdir(), "gatewayz-ledger-"));
    cleanUp.push(() => rm(dir, { recursive: true, force: true }));
    return dir;
  };
  const open = (options: Partial<DatabaseOptions>): Database => {
    const database = testDatabase(options);
    cleanUp.push(() => database.close());
    return database;
  };
  const startProcess = async (database: Database, dir: string, clock = { nowMs: NOON_MS }): Promise<TestProcess> => {
    const telemetry = recordingTelemetry();
    const logger = pino({ level: "silent" });
    const now = (): number => clock.nowMs;
    const periods = new Periods("Asia/Kathmandu"); // Its days begin at a quarter past the hour.
    const ledger = new UsageLedger({ dir, periods: () => periods, telemetry, logger, now });
    await ledger.start();
    const spent: SpentRow[] = [];
    const rollUp = new RollUp({
      ledger,
      tables: database.component<UsageTables>("gateway_usage", USAGE_MIGRATIONS),
      periods: () => periods,
      spent: (rows) => spent.splice(0, spent.length, ...rows),
      used: async () => undefined,
      intervalMs: 60_000,
      retentionMs: () => 400 * 24 * HOUR_MS,
      telemetry,
      logger,
      now,
    });
    return {
      ledger,
      rollUp,
      spent,
      events: telemetry.events,
      clock,
      serve(subject, input, output, nanoUsd) {
        const all = { ...SUBJECT, ...subject };
        const ticket = ledger.open(all, NO_TOKENS, 2 * nanoUsd);
        const tokens = { ...NO_TOKENS, input, output };
        ticket.settle({ provider: all.provider, model: all.model, tokens, nanoUsd, result: "success" });
      },
    };
  };
  const ask = (database: Database, question: Partial<UsageQuestion> = {}): Promise<UsageRow[]> => {
    const reports = new UsageReports(database.component<UsageTables>("gateway_usage", USAGE_MIGRATIONS));
    return reports.usage({ fromMs: 0, toMs: NOON_MS + 1e12, ...question });
  };

  test("usage is summed by hour, key, team, model, provider, end user and tag", async () => {
    const database = open(await fresh());
    const process = await startProcess(database, await folder());
    process.serve({}, 10, 5, 1_000);
    process.serve({ endUser: "", tags: ["web"], model: "gpt-5" }, 20, 5, 2_000);
    process.serve({ keyId: "key_2", team: "", tags: [], endUser: "bob" }, 1, 1, 30);
    await process.rollUp.run();
    process.clock.nowMs += HOUR_MS;
    process.serve({}, 100, 50, 10_000);
    await process.rollUp.run();
    const total = { requests: 4, errors: 0, interrupted: 0, inputTokens: 131, outputTokens: 61, cachedInputTokens: 0 };
    expect(await ask(database)).toEqual([
      { ...total, cacheWriteInputTokens: 0, reasoningTokens: 0, costUsd: 13_030e-9 },
    ]);
    expect(await ask(database, { bucket: "hour", groupBy: ["key"] })).toMatchObject([
      { startMs: NOON_MS - 600_000, key: "key_1", requests: 2, inputTokens: 30 },
      { startMs: NOON_MS - 600_000, key: "key_2", requests: 1 },
      { startMs: NOON_MS + 3_000_000, key: "key_1", requests: 1, inputTokens: 100 },
    ]);
    expect(await ask(database, { bucket: "day", groupBy: ["model"], keyId: "key_1" })).toMatchObject([
      { startMs: Date.parse("2026-03-28"), model: "gpt-4o", requests: 2, costUsd: 11e-6 },
      { model: "gpt-5", requests: 1 },
    ]);
    expect(await ask(database, { groupBy: ["endUser"] })).toMatchObject([
      { endUser: "ann", requests: 2, inputTokens: 110 },
      { endUser: "bob", requests: 1 },
    ]);
    expect(await ask(database, { groupBy: ["tag"] })).toMatchObject([
      { tag: "web", requests: 3 },
      { tag: "beta", requests: 2 },
    ]);
    expect(await ask(database, { team: "blue", toMs: NOON_MS })).toMatchObject([{ requests: 2, costUsd: 3e-6 }]);
    expect(await ask(database, { fromMs: NOON_MS + 1e11 })).toMatchObject([{ requests: 0, costUsd: 0 }]);
    await expect(ask(database, { groupBy: ["tag", "team"] })).rejects.toThrow("leave team out");
    await process.rollUp.close();
  });

  test("budgets learn what was spent today and this month, by this gateway and by others", async () => {
    const database = open(await fresh());
    const [ours, theirs] = [await startProcess(database, await folder()), await startProcess(database, await folder())];
    ours.serve({}, 1, 1, 500);
    theirs.serve({}, 1, 1, 70);
    theirs.serve({ budgeted: false, keyId: "admin", team: "" }, 1, 1, 9_999);
    await theirs.rollUp.run();
    await ours.rollUp.run();
    const row = { scope: "key:key_1", period: "day", startMs: Date.parse("2026-03-27T18:15:00Z") };
    expect(ours.spent).toContainEqual({ ...row, ownNanoUsd: 500, othersNanoUsd: 70 });
    const month = { scope: "team:blue", period: "month", startMs: Date.parse("2026-02-28T18:15:00Z") };
    expect(ours.spent).toContainEqual({ ...month, ownNanoUsd: 500, othersNanoUsd: 70 });
    expect(ours.spent.some(({ scope }) => scope === "key:admin")).toBe(false);
    // Past the zone's midnight, in the same UTC day.
    ours.clock.nowMs = Date.parse("2026-03-28T18:20:00Z");
    ours.serve({}, 1, 1, 3);
    await ours.rollUp.run();
    const tomorrow = { ...row, startMs: Date.parse("2026-03-28T18:15:00Z"), ownNanoUsd: 3, othersNanoUsd: 0 };
    expect(ours.spent).toContainEqual(tomorrow);
    expect(ours.spent).not.toContainEqual(expect.objectContaining(row));
    await ours.rollUp.close();
    await theirs.rollUp.close();
  });

  test("a process that dies loses nothing that was settled, counts nothing twice, and settles what it left open", async () => {
    const database = open(await fresh());
    const dir = await folder();
    const first = await startProcess(database, dir);
    first.serve({}, 10, 1, 100);
    await first.rollUp.run();
    first.serve({}, 20, 2, 200); // Settled, not rolled up.
    first.ledger.open({ ...SUBJECT, provider: "anthropic", stream: true }, { ...NO_TOKENS, input: 7, output: 70 }, 700);
    const second = await startProcess(database, dir);
    expect(second.events).toContainEqual({ name: "usageInterrupted", provider: "anthropic", amountUsd: 700e-9 });
    second.serve({}, 40, 4, 400);
    await second.rollUp.run();
    const sums = {
      requests: 4,
      interrupted: 1,
      inputTokens: 77,
      outputTokens: 77,
      costUsd: expect.closeTo(1_400e-9, 12),
    };
    expect(await ask(database)).toMatchObject([sums]);
    expect(second.spent).toContainEqual(
      expect.objectContaining({ scope: "team:blue", period: "day", ownNanoUsd: 1_400 }),
    );
    const third = await startProcess(database, dir);
    await third.rollUp.run();
    await third.rollUp.run();
    expect(await ask(database)).toMatchObject([sums]);
    for (const process of [first, second, third]) process.ledger.close();
  });

  test("a batch whose commit was not heard of is not added again", async () => {
    const options = await fresh();
    const database = open(options);
    const process = await startProcess(database, await folder());
    process.serve({}, 10, 1, 100);
    await process.rollUp.run();
    const tables = database.component<UsageTables>("gateway_usage", USAGE_MIGRATIONS);
    // The first attempt is stored, and its caller hears of a failure; once.
    let failures = 0;
    const deaf: typeof tables = {
      ...tables,
      async transaction(work) {
        const result = await tables.transaction(work);
        if (failures++ === 0) throw new Error("connection lost after commit");
        return result;
      },
    };
    const telemetry = recordingTelemetry();
    const dir = await folder();
    const periods = new Periods("UTC");
    const logger = pino({ level: "silent" });
    const clock = { nowMs: NOON_MS };
    const now = (): number => clock.nowMs;
    const ledger = new UsageLedger({ dir, periods: () => periods, telemetry, logger, now });
    await ledger.start();
    const rest = { periods: () => periods, spent: () => undefined, used: async () => undefined, intervalMs: 60_000 };
    const rollUp = new RollUp({ ledger, tables: deaf, ...rest, retentionMs: () => 1e12, telemetry, logger, now });
    ledger.open(SUBJECT, NO_TOKENS, 0).settle({
      provider: "openai",
      model: "gpt-4o",
      tokens: { ...NO_TOKENS, input: 5 },
      nanoUsd: 50,
      result: "error",
    });
    await rollUp.run();
    expect(telemetry.events).toContainEqual({ name: "creditRetried", attempt: 2, endpoint: "roll_up" });
    await rollUp.run();
    expect(await ask(database)).toMatchObject([
      { requests: 2, errors: 1, inputTokens: 15, costUsd: expect.closeTo(150e-9, 12) },
    ]);
    await rollUp.close();
    process.ledger.close();
  });

  test("thousands of rows are stored, and others get the thread meanwhile", async () => {
    const database = open(await fresh());
    const process = await startProcess(database, await folder());
    for (let count = 0; count < 3_000; count++)
      process.serve({ endUser: `user ${count}`, tags: [`tag ${count % 700}`] }, 1, 2, 3);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await process.rollUp.run();
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(10);
    expect(await ask(database)).toMatchObject([
      { requests: 3_000, outputTokens: 6_000, costUsd: expect.closeTo(9e-6, 12) },
    ]);
    expect(await ask(database, { groupBy: ["endUser"], limit: 10_000 })).toHaveLength(3_000);
    expect(await ask(database, { groupBy: ["tag"], limit: 10_000 })).toHaveLength(700);
    await process.rollUp.close();
  });

  test("what is older than the retention goes", async () => {
    const database = open(await fresh());
    const process = await startProcess(database, await folder());
    process.serve({}, 1, 1, 10);
    await process.rollUp.run();
    process.clock.nowMs += 399 * 24 * HOUR_MS;
    process.serve({}, 2, 2, 20);
    await process.rollUp.run();
    expect(await ask(database)).toMatchObject([{ requests: 2 }]);
    process.clock.nowMs += 2 * 24 * HOUR_MS;
    process.serve({}, 3, 3, 30);
    await process.rollUp.run();
    expect(await ask(database)).toMatchObject([{ requests: 2, inputTokens: 5 }]);
    expect(await ask(database, { groupBy: ["tag"] })).toMatchObject([{ requests: 2 }, { requests: 2 }]);
    await process.rollUp.close();
  });
}
