import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keyOf } from "./check.ts";
import { HealthBook } from "./health-book.ts";
import { HISTORY_ROWS_MAX, RETENTION_MS } from "./limits.ts";
import { HealthStore } from "./store.ts";
import { check } from "./testing.ts";

const BASE_MS = 300_000;
let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatewayz-health-store-"));
  file = join(folder, "health.db");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("models and open incidents survive a restart", () => {
  const store = new HealthStore(file);
  const book = new HealthBook(store, BASE_MS);
  book.applyChecks([check(), check({ model: "__proto__", status: "timeout", kind: "passive", error: "it's 'late'" })]);
  const before = { models: book.models(), incidents: book.openIncidents() };
  store.close();
  const reopened = new HealthStore(file);
  const again = new HealthBook(reopened, BASE_MS);
  expect(again.models()).toEqual(expect.arrayContaining(before.models));
  expect(again.openIncidents()).toEqual(before.incidents);
  expect(again.openIncidents()[0]).toMatchObject({
    model: "__proto__",
    errorMessage: "it's 'late'",
    affectedRequests: 1,
  });
  reopened.close();
});

test("a file of a newer program is refused and left as it is", () => {
  const database = new Database(file);
  database.exec("PRAGMA user_version = 99; CREATE TABLE future (x)");
  database.close();
  expect(() => new HealthStore(file)).toThrow(/schema version 99; this program knows 1/);
  const after = new Database(file);
  expect(after.prepare("SELECT COUNT(*) AS n FROM future").all()).toEqual([{ n: 0 }]);
  after.close();
});

test("uptimes look back a day, a week and a month", () => {
  const store = new HealthStore(file);
  const nowMs = Date.now();
  const daysAgo = (days: number): number => nowMs - days * 86_400_000;
  const book = new HealthBook(store, BASE_MS);
  book.applyChecks([
    check({ atMs: daysAgo(20), status: "error" }),
    check({ atMs: daysAgo(20), status: "error" }),
    check({ atMs: daysAgo(3), status: "error" }),
    check({ atMs: nowMs }),
  ]);
  book.recomputeUptimes(nowMs);
  const [state] = book.models();
  expect(state).toMatchObject({ uptime24h: 100, uptime7d: 50, uptime30d: 25 });
  store.computePercentiles(nowMs);
  store.close();
});

test("calls of the last day make tiers", () => {
  const store = new HealthStore(file);
  const book = new HealthBook(store, BASE_MS);
  const nowMs = Date.now();
  const busy = Array.from({ length: 30 }, () => check({ model: "busy", kind: "passive" }));
  book.applyChecks([...busy, check({ model: "quiet", kind: "passive" }), check({ model: "probed" })]);
  book.recomputeTiers(nowMs);
  const tiers = Object.fromEntries(book.models().map(({ model, tier }) => [model, tier]));
  expect(tiers).toEqual({ busy: "critical", quiet: "standard", probed: "on_demand" });
  store.close();
});

test("old rows are removed, and history is bounded in number", () => {
  const store = new HealthStore(file);
  const nowMs = Date.now();
  store.write({ models: [], incidents: [], checks: [check({ atMs: nowMs - RETENTION_MS - 1 }), check()] });
  store.prune(nowMs);
  expect(store.counts().history).toBe(1);
  store.close();
  const database = new Database(file);
  database.exec(`UPDATE history SET id = id + ${HISTORY_ROWS_MAX * 2}`);
  database.close();
  const again = new HealthStore(file);
  again.write({ models: [], incidents: [], checks: [check()] });
  again.prune(nowMs);
  expect(again.counts().history).toBe(2);
  again.close();
});

test("what cannot be written is not shown", () => {
  const store = new HealthStore(file);
  const book = new HealthBook(store, BASE_MS);
  book.applyChecks([check()]);
  store.close();
  expect(() => book.applyChecks([check({ status: "error" })])).toThrow();
  expect(book.models()[0]!.lastStatus).toBe("success");
  expect(book.openIncidents()).toEqual([]);
});

test("due: the important ones first, then who waits longest; a catalogue switches models off and on", () => {
  const store = new HealthStore(":memory:");
  const book = new HealthBook(store, BASE_MS);
  const targets = ["a", "b", "c"].map((model) => ({ provider: "p", model, gateway: "p" }));
  book.syncCatalogue(targets, 1_000);
  expect(book.due(1_000, 10).map(({ model }) => model)).toEqual(["a", "b", "c"]);
  expect(book.due(999, 10)).toEqual([]);
  book.syncCatalogue(targets.slice(0, 1), 2_000);
  expect(
    book
      .models()
      .filter(({ enabled }) => enabled)
      .map(keyOf),
  ).toEqual([keyOf(targets[0]!)]);
  book.syncCatalogue(targets, 3_000);
  expect(book.due(3_000, 2)).toHaveLength(2);
  store.close();
});
