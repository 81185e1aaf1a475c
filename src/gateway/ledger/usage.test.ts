import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { testDatabase } from "../../database/testing.ts";
import { Periods } from "../access/periods.ts";
import { recordingTelemetry } from "../testing/test-gateway.ts";
import { NO_TOKENS, type UsageSubject } from "./entries.ts";
import { RollUp } from "./roll-up.ts";
import { usageSuite } from "./testing-suite.ts";
import { UsageLedger } from "./usage-ledger.ts";
import { UsageReports } from "./usage-reports.ts";
import { USAGE_MIGRATIONS, type UsageTables } from "./usage-tables.ts";

describe("SQLite in memory", () => usageSuite(async () => ({ file: ":memory:" })));

const SUBJECT: UsageSubject = {
  keyId: "key_1",
  team: "",
  provider: "openai",
  model: "gpt-4o",
  endUser: "",
  tags: [],
  endpoint: "/v1/chat/completions",
  stream: false,
  budgeted: true,
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatewayz-usage-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function start(dir: string, databaseFile: string) {
  const telemetry = recordingTelemetry();
  const lines: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line).msg as string) });
  const periods = new Periods("UTC");
  const ledger = new UsageLedger({ dir, periods: () => periods, telemetry, logger });
  await ledger.start();
  const database = testDatabase({ file: databaseFile });
  const tables = database.component<UsageTables>("gateway_usage", USAGE_MIGRATIONS);
  const rest = { periods: () => periods, spent: () => undefined, used: async () => undefined, retentionMs: () => 1e12 };
  const rollUp = new RollUp({ ledger, tables, ...rest, intervalMs: 20, telemetry, logger });
  const serve = (): void => {
    const ticket = ledger.open(SUBJECT, NO_TOKENS, 10);
    ticket.settle({
      provider: "openai",
      model: "gpt-4o",
      tokens: { ...NO_TOKENS, input: 1 },
      nanoUsd: 5,
      result: "success",
    });
  };
  const requests = async (): Promise<number> => {
    const rows = await new UsageReports(tables).usage({ fromMs: 0, toMs: Date.now() + 1e9 }).catch(() => []);
    return rows[0]?.requests ?? 0;
  };
  return { telemetry, lines, ledger, rollUp, serve, requests, database };
}

test("without a folder to log to, usage is counted in memory and stored all the same", async () => {
  await writeFile(join(folder, "file"), "");
  const { telemetry, lines, rollUp, serve, requests, database } = await start(join(folder, "file"), ":memory:");
  expect(lines).toEqual(["usage log cannot be opened; a crash loses usage"]);
  for (let round = 0; round < 3; round++) {
    serve();
    await rollUp.run();
  }
  expect(await requests()).toBe(3);
  await rollUp.close();
  expect(telemetry.events.some(({ name }) => name === "creditMissed")).toBe(false);
  await database.close();
});

test("what neither a log nor a database took is told as missed", async () => {
  await writeFile(join(folder, "file"), "");
  const { telemetry, rollUp, serve, database } = await start(join(folder, "file"), join(folder, "absent", "usage.db"));
  serve();
  serve();
  await rollUp.run();
  await rollUp.close();
  expect(telemetry.events).toContainEqual({ name: "creditMissed", reason: "store_failed", amountUsd: 10e-9 });
  await database.close();
});

test("while the database is away usage waits; it is stored when it is back, by this process or the next", async () => {
  const file = join(folder, "later", "usage.db");
  const first = await start(join(folder, "log"), file);
  first.serve();
  await first.rollUp.start();
  first.serve();
  expect(first.telemetry.events).toContainEqual({ name: "creditRetried", attempt: 2, endpoint: "roll_up" });
  expect(first.lines.filter((line) => line.startsWith("usage cannot be stored"))).toHaveLength(1);
  await first.rollUp.close();
  await first.database.close();
  const second = await start(join(folder, "log"), file);
  second.serve();
  await second.rollUp.start();
  await mkdir(join(folder, "later"));
  await expect.poll(second.requests, { timeout: 10_000 }).toBe(3);
  await expect.poll(() => second.lines).toContain("usage can be stored again");
  await second.rollUp.close();
  await second.database.close();
});
