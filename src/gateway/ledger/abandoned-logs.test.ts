import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Database } from "../../database/database.ts";
import { testDatabase } from "../../database/testing.ts";
import { Periods } from "../access/periods.ts";
import { recordingTelemetry } from "../testing/test-gateway.ts";
import { AbandonedLogs } from "./abandoned-logs.ts";
import { NO_TOKENS, type UsageSubject } from "./entries.ts";
import { RollUp } from "./roll-up.ts";
import { UsageLedger } from "./usage-ledger.ts";
import { UsageReports, type UsageRow } from "./usage-reports.ts";
import { USAGE_MIGRATIONS, type UsageTables } from "./usage-tables.ts";

const SUBJECT: UsageSubject = {
  keyId: "key_1",
  team: "",
  provider: "openai",
  model: "gpt-4o",
  endUser: "ann",
  tags: [],
  endpoint: "/v1/chat/completions",
  stream: false,
  budgeted: true,
};
const PERIODS = new Periods("UTC");

let dataDir: string;
let database: Database;
const lines: string[] = [];
const logger = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line).msg as string) });

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "gatewayz-abandoned-"));
  database = testDatabase({ file: join(dataDir, "gateway.db") });
  lines.length = 0;
});
afterEach(async () => {
  await database.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const tables = () => database.component<UsageTables>("gateway_usage", USAGE_MIGRATIONS);

/** A worker that served `settled` requests, of which `stored` came into the database, and died within `open` others. */
async function formerWorker(index: number, settled: number, stored: number, open: number): Promise<void> {
  const common = { periods: () => PERIODS, telemetry: recordingTelemetry(), logger };
  const ledger = new UsageLedger({ dir: join(dataDir, `usage-log-worker-${index}`), ...common });
  await ledger.start();
  const rest = { spent: () => undefined, used: async () => undefined, intervalMs: 60_000, retentionMs: () => 1e12 };
  const rollUp = new RollUp({ ledger, gatewayId: "primary", tables: tables(), ...common, ...rest });
  for (let count = 0; count < settled; count++) {
    const tokens = { ...NO_TOKENS, input: 3, output: 2 };
    ledger.open(SUBJECT, NO_TOKENS, 10).settle({
      provider: "openai",
      model: "gpt-4o",
      tokens,
      nanoUsd: 5,
      result: "success",
    });
    if (count + 1 === stored) await rollUp.run();
  }
  for (let count = 0; count < open; count++) ledger.open(SUBJECT, { ...NO_TOKENS, input: 100, output: 50 }, 70);
}

function primary(workers: number): AbandonedLogs {
  return new AbandonedLogs({
    dataDir,
    workers,
    gatewayId: () => "primary",
    tables: tables(),
    periods: () => PERIODS,
    used: async () => undefined,
    telemetry: recordingTelemetry(),
    logger,
  });
}

async function startPrimary(workers: number): Promise<void> {
  const logs = primary(workers);
  logs.start();
  await logs.done;
}

async function total(): Promise<Pick<UsageRow, "requests" | "interrupted" | "inputTokens" | "outputTokens">> {
  const [row] = await new UsageReports(tables()).usage({ fromMs: 0, toMs: Date.now() + 1e9 });
  const { requests, interrupted, inputTokens, outputTokens } = row!;
  return { requests, interrupted, inputTokens, outputTokens };
}

const worker = (index: number): string => join(dataDir, `usage-log-worker-${index}`);

test("from four workers to two: what the other two left is stored once and counts as this gateway's", async () => {
  for (const index of [0, 1, 2, 3]) await formerWorker(index, 10, 4, 1);
  expect((await total()).requests).toBe(16);
  await startPrimary(2);
  const expected = { requests: 16 + 2 * 7, interrupted: 2, inputTokens: 28 * 3 + 200, outputTokens: 28 * 2 + 100 };
  expect(await total()).toEqual(expected);
  expect(existsSync(worker(0)) && existsSync(worker(1))).toBe(true); // Theirs to see to.
  expect(readdirSync(dataDir).filter((name) => /worker-[23]/.test(name))).toEqual([]);
  const spent = await tables().run((db) => db.selectFrom("budget_spend").selectAll().execute());
  expect(new Set(spent.map(({ gateway_id: gateway }) => gateway))).toEqual(new Set(["primary"]));
  await startPrimary(2);
  expect(await total()).toEqual(expected);
});

test("a gateway without workers takes in all of them", async () => {
  for (const index of [0, 1]) await formerWorker(index, 3, 0, 0);
  await startPrimary(1);
  expect((await total()).requests).toBe(6);
});

test("killed after it was stored, and before it was deleted: nothing is counted twice", async () => {
  await formerWorker(2, 5, 2, 1);
  cpSync(worker(2), join(dataDir, "copy"), { recursive: true });
  await startPrimary(2);
  const after = await total();
  expect(after).toMatchObject({ requests: 6, interrupted: 1 });
  renameSync(join(dataDir, "copy"), worker(2)); // As if it had not been deleted.
  await startPrimary(2);
  expect(await total()).toEqual(after);
  // As if it had been killed while it was deleting: a log without its name would be a new one.
  mkdirSync(`${worker(2)}.stored`);
  await startPrimary(2);
  expect(existsSync(`${worker(2)}.stored`)).toBe(false);
});

test("while the database is away it waits for it, and lets go when it is told to", async () => {
  await formerWorker(2, 5, 0, 1);
  await database.close();
  const file = join(dataDir, "absent", "gateway.db");
  database = testDatabase({ file });
  const stopped = primary(2);
  stopped.start();
  await expect.poll(() => lines).toContain("usage of a former worker cannot be stored; trying again");
  await stopped.close();
  expect(existsSync(worker(2))).toBe(true);
  const logs = primary(2);
  logs.start();
  await new Promise((resolve) => setTimeout(resolve, 100));
  mkdirSync(join(dataDir, "absent"));
  await logs.done;
  expect(await total()).toMatchObject({ requests: 6, interrupted: 1 });
  expect(existsSync(worker(2))).toBe(false);
});
