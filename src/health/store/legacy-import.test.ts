import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testDatabase } from "../../database/testing.ts";
import { HealthBook } from "../health-book.ts";
import { writeLegacyFile } from "../testing/legacy-file.ts";
import { importLegacy } from "./legacy-import.ts";
import { DAY_MS, HOUR_MS } from "./periods.ts";
import { type Stores, storesOf } from "./stores.ts";

let folder: string;
let file: string;
let stores: Stores;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatewayz-health-legacy-"));
  file = join(folder, "health.db");
  stores = storesOf(testDatabase());
});
afterEach(async () => {
  await stores.database.close();
  await rm(folder, { recursive: true, force: true });
});

test("everything of the first release is taken over, once", async () => {
  const nowMs = Date.now();
  writeLegacyFile(file, nowMs);
  expect(await importLegacy(file, stores.tables)).toBe(2);
  const book = await HealthBook.open(stores.health, 300_000);
  expect(book.models()).toMatchObject([
    { model: "gpt-4o", tier: "critical", callCount: 12, circuitState: "closed", uptime7d: 99.5, hardFailures: 0 },
    { model: "gpt-4o-mini", lastStatus: "timeout", enabled: false, lastSuccessAtMs: undefined },
  ]);
  expect(book.openIncidents()).toMatchObject([
    { id: "i1", incidentType: "timeout", severity: "medium", errorCount: 3 },
  ]);
  expect(await stores.health.incident("i0")).toMatchObject({ status: "resolved", resolutionNotes: "3 successes" });
  expect(await stores.health.history({ provider: "openai", model: "gpt-4o" }, 10)).toMatchObject([
    { kind: "probe", status: "success", responseTimeMs: 90, tokens: 4, atMs: nowMs },
  ]);
  const hours = await stores.aggregates.list("hour", nowMs - DAY_MS, {}, 10);
  expect(hours).toMatchObject([{ period_start: nowMs - (nowMs % HOUR_MS), checks: 12, successes: 11, p95_ms: 200 }]);
  expect(existsSync(file)).toBe(false);
  expect(existsSync(`${file}.imported`)).toBe(true);
  expect(await importLegacy(file, stores.tables)).toBeUndefined();
  // What is written afterwards goes on from there.
  await book.changeIncident("i1", (incident) => incident);
});

test("new rows of the history get numbers of their own after an import", async () => {
  writeLegacyFile(file, Date.now());
  await importLegacy(file, stores.tables);
  const book = await HealthBook.open(stores.health, 300_000);
  const target = { provider: "openai", model: "gpt-4o", gateway: "openai" };
  const rest = { status: "success", responseTimeMs: 1, error: undefined, kind: "probe", tokens: 0 } as const;
  await book.applyChecks([{ ...target, ...rest, atMs: Date.now() }]);
  expect((await stores.health.counts()).history).toBe(2);
});

test("a file that is imported a second time (its renaming failed) changes nothing", async () => {
  writeLegacyFile(file, Date.now());
  await importLegacy(file, stores.tables);
  writeLegacyFile(file, Date.now());
  await importLegacy(file, stores.tables);
  expect((await stores.health.load()).models.size).toBe(2);
  expect((await stores.health.counts()).incidents).toBe(2);
});

test("a file of an unknown version is left as it is", async () => {
  const database = new Database(file);
  database.exec("PRAGMA user_version = 7");
  database.close();
  await expect(importLegacy(file, stores.tables)).rejects.toThrow(/schema version 7; this program knows 1/);
  expect(existsSync(file)).toBe(true);
});
