import { afterEach, beforeEach, expect, test } from "vitest";
import type { DatabaseOptions } from "../../database/database.ts";
import { testDatabase } from "../../database/testing.ts";
import { type CheckStatus, keyOf } from "../check.ts";
import { HealthBook } from "../health-book.ts";
import { acknowledged, type Incident } from "../incidents/incidents.ts";
import { UNLISTED_MODELS_MAX } from "../limits.ts";
import { DAY_MS, HOUR_MS, periodStart } from "../store/periods.ts";
import { type Stores, storesOf } from "../store/stores.ts";
import { check } from "./check.ts";

const BASE_MS = 300_000;

/**
 * What the health service's store must do; run on SQLite and on Postgres.
 * @param fresh Options of a database without tables, which can be opened more than once; asked before each test.
 */
export function healthStoreSuite(fresh: () => Promise<Partial<DatabaseOptions>>): void {
  let options: Partial<DatabaseOptions>;
  let stores: Stores;
  let book: HealthBook;
  const open: Stores[] = [];
  const opened = (): Stores => {
    const more = storesOf(testDatabase(options));
    open.push(more);
    return more;
  };
  beforeEach(async () => {
    options = await fresh();
    stores = opened();
    book = await HealthBook.open(stores.health, BASE_MS);
  });
  afterEach(async () => {
    for (const each of open.splice(0)) await each.database.close();
  });
  const incidentsNow = (): Promise<Incident[]> => stores.health.incidents({}, 100);

  test("models and open incidents survive a restart", async () => {
    await book.applyChecks([
      check(),
      check({ model: "__proto__", status: "timeout", kind: "passive", error: "it's 'late'" }),
    ]);
    const again = await HealthBook.open(opened().health, BASE_MS);
    expect(again.models()).toEqual(expect.arrayContaining(book.models()));
    expect(again.openIncidents()).toEqual(book.openIncidents());
    expect(again.openIncidents()[0]).toMatchObject({
      model: "__proto__",
      errorMessage: "it's 'late'",
      affectedRequests: 1,
      metadata: { statuses: { timeout: 1 }, consecutive_failures: 1 },
    });
  });

  test("two services count what both of them found, and keep one incident between them", async () => {
    const other = await HealthBook.open(opened().health, BASE_MS);
    await Promise.all(
      [book, other, book, other, book, other].map((each) => each.applyChecks([check({ status: "error" })])),
    );
    await book.reload();
    expect(book.models()).toHaveLength(1);
    expect(book.models()[0]).toMatchObject({ callCount: 6, errorCount: 6, consecutiveFailures: 6 });
    expect(await incidentsNow()).toMatchObject([{ errorCount: 6, severity: "high", status: "active" }]);
    const [hour] = await stores.aggregates.list("hour", Date.now(), {}, 10);
    expect(hour).toMatchObject({ checks: 6, successes: 0 });
  });

  test("what one service computes leaves what another has counted", async () => {
    await book.applyChecks([check({ kind: "passive" })]);
    const other = await HealthBook.open(opened().health, BASE_MS);
    await other.applyChecks([check({ status: "error" })]);
    await book.recomputeUptimes(Date.now(), (atMs) => stores.aggregates.uptimes(atMs));
    await book.recomputeTiers(Date.now(), (sinceMs) => stores.aggregates.callsSince(sinceMs));
    await book.syncCatalogue([], Date.now() + 2 * HOUR_MS);
    await book.reload();
    expect(book.models()[0]).toMatchObject({ callCount: 2, uptime24h: 50, tier: "critical", enabled: false });
  });

  test("an incident that ends and one that begins in the same batch", async () => {
    const statuses = ["error", "success", "success", "success", "timeout"] as const;
    const moves = await book.applyChecks(statuses.map((status, index) => check({ status, atMs: 1_000_000 + index })));
    expect([moves.opened.length, moves.resolved.length]).toEqual([2, 1]);
    expect((await incidentsNow()).map(({ status }) => status)).toEqual(["active", "resolved"]);
    expect(await stores.health.countIncidents("active")).toBe(1);
  });

  test("a person acknowledges an incident once it is open, and not when it is over", async () => {
    const { opened: begun } = await book.applyChecks([check({ status: "error" })]);
    const { id } = begun[0]!;
    await book.changeIncident(id, (incident) => acknowledged(incident, "ada", "looking", Date.now()));
    expect(await stores.health.incident(id)).toMatchObject({
      status: "acknowledged",
      resolutionNotes: "looking",
      metadata: { acknowledged_by: "ada" },
    });
    expect(book.openIncidents()).toMatchObject([{ id, status: "acknowledged" }]);
    await book.applyChecks([check(), check(), check()]);
    expect(await book.changeIncident(id, (incident) => incident)).toBeUndefined();
    expect(await stores.health.incident(id)).toMatchObject({
      status: "resolved",
      metadata: { resolved_by: "monitor" },
    });
    expect(await stores.health.incident("no-such")).toBeUndefined();
  });

  test("the sweep ends incidents of models that left the catalogue, with a note", async () => {
    await book.applyChecks([check({ model: "gone", status: "error" }), check({ model: "here", status: "error" })]);
    await book.syncCatalogue([check({ model: "here" })], Date.now());
    expect(await book.sweepIncidents(Date.now())).toMatchObject([
      { model: "gone", status: "resolved", resolutionNotes: "the model left the catalogue" },
    ]);
    expect(book.openIncidents()).toMatchObject([{ model: "here" }]);
    expect(await book.sweepIncidents(Date.now())).toEqual([]);
  });

  test("uptimes look back a day, a week and a month; 100 % without history", async () => {
    const nowMs = Date.now();
    const daysAgo = (days: number): number => nowMs - days * DAY_MS;
    await book.applyChecks([
      check({ atMs: daysAgo(20), status: "error" }),
      check({ atMs: daysAgo(20), status: "error" }),
      check({ atMs: daysAgo(3), status: "error" }),
      check({ atMs: nowMs }),
    ]);
    await book.syncCatalogue([check(), check({ model: "unchecked" })], nowMs);
    await book.recomputeUptimes(nowMs, (atMs) => stores.aggregates.uptimes(atMs));
    const byModel = new Map(book.models().map((state) => [state.model, state]));
    expect(byModel.get("gpt-4o-mini")).toMatchObject({ uptime24h: 100, uptime7d: 50, uptime30d: 25 });
    expect(byModel.get("unchecked")).toMatchObject({ uptime24h: 100, uptime7d: 100, uptime30d: 100 });
  });

  test("hours, days, weeks and months are added up, with percentiles of the successful calls", async () => {
    const nowMs = Date.UTC(2026, 10, 18, 12, 30);
    const times = Array.from({ length: 100 }, (_, index) => check({ responseTimeMs: index + 1, atMs: nowMs }));
    const failed = check({ status: "error", responseTimeMs: 9_999, atMs: nowMs, tokens: 0 });
    await book.applyChecks([...times, failed, check({ atMs: nowMs - HOUR_MS, kind: "passive", tokens: 7 })]);
    await stores.aggregates.finishHour(nowMs);
    for (const _ of [1, 2]) await stores.aggregates.finishLonger(nowMs);
    const [hour] = await stores.aggregates.list("hour", nowMs, { model: "gpt-4o-mini" }, 10);
    expect(hour).toMatchObject({ checks: 101, successes: 100, tokens: 500, p50_ms: 50, p95_ms: 95, p99_ms: 99 });
    for (const period of ["day", "week", "month"] as const) {
      const [row] = await stores.aggregates.list(period, nowMs, {}, 10);
      expect(row).toMatchObject({
        period_start: periodStart(period, nowMs),
        checks: 102,
        successes: 101,
        passive_calls: 1,
        tokens: 507,
        p95_ms: 96,
      });
    }
    await book.applyChecks([check({ atMs: nowMs })]);
    const today = Date.UTC(2026, 10, 18);
    expect(await stores.aggregates.days(nowMs, nowMs)).toEqual([{ startMs: today, checks: 103, successes: 102 }]);
    expect(await stores.aggregates.days(nowMs, nowMs + DAY_MS)).toEqual([
      { startMs: today, checks: 102, successes: 101 },
    ]);
  });

  test("calls of the last day make tiers; a model that rose is due sooner", async () => {
    const nowMs = Date.now();
    const busy = Array.from({ length: 30 }, () => check({ model: "busy", kind: "passive" }));
    await book.applyChecks([...busy, check({ model: "quiet", kind: "passive" }), check({ model: "probed" })]);
    await book.recomputeTiers(nowMs, (sinceMs) => stores.aggregates.callsSince(sinceMs));
    const tiers = Object.fromEntries(book.models().map(({ model, tier }) => [model, tier]));
    expect(tiers).toEqual({ busy: "critical", quiet: "standard", probed: "on_demand" });
    const rose = book.models().find(({ model }) => model === "busy")!;
    expect(rose.nextCheckAtMs).toBeLessThanOrEqual(nowMs + BASE_MS);
    await book.recomputeTiers(nowMs + 2 * DAY_MS, (sinceMs) => stores.aggregates.callsSince(sinceMs));
    expect(new Set(book.models().map(({ tier }) => tier))).toEqual(new Set(["on_demand"]));
  });

  test("the last hour by provider", async () => {
    const nowMs = Date.now();
    const good = Array.from({ length: 19 }, (_, index) => check({ responseTimeMs: (index + 1) * 10 }));
    await book.applyChecks([...good, check({ status: "error" }), check({ provider: "x", status: "timeout" })]);
    const hour = await stores.aggregates.providersSince(nowMs - HOUR_MS);
    expect(hour.get("openai")).toEqual({ requests: 20, errors: 1, averageMs: 100, p95Ms: 190 });
    expect(hour.get("x")).toEqual({ requests: 1, errors: 1, averageMs: undefined, p95Ms: undefined });
  });

  test("old rows are removed, and what is kept is bounded in number", async () => {
    const nowMs = Date.now();
    await book.applyChecks([check({ atMs: nowMs - 2 * DAY_MS }), check(), check(), check()]);
    const failAndRecover = (["error", "success", "success", "success"] as const).map((status) => check({ status }));
    for (let times = 0; times < 3; times++) {
      await book.applyChecks(failAndRecover.map((each, index) => ({ ...each, atMs: nowMs + times * 10 + index })));
    }
    const limits = { historyBeforeMs: nowMs - DAY_MS, historyRowsMax: 5, resolvedMax: 2 };
    await stores.health.prune(limits);
    expect(await stores.health.counts()).toMatchObject({ history: 5, incidents: 2 });
    await stores.aggregates.prune(nowMs + 40 * DAY_MS);
    expect((await stores.health.counts()).aggregates).toBe(0);
  });

  test("a model that nobody lists or calls is forgotten after a month", async () => {
    const nowMs = Date.now();
    await book.applyChecks([check({ model: "old", atMs: nowMs - 40 * DAY_MS }), check({ model: "new" })]);
    await book.syncCatalogue([], nowMs + 2 * HOUR_MS);
    await book.forgetUnlisted(nowMs);
    expect(book.models().map(({ model }) => model)).toEqual(["new"]);
    await book.reload();
    expect(book.models().map(({ model }) => model)).toEqual(["new"]);
  });

  test("a name that only a client made up is no model", async () => {
    await book.applyChecks([check({ model: "made-up", status: "not_found", kind: "passive" })]);
    expect(book.models()).toEqual([]);
    expect((await stores.health.counts()).history).toBe(0);
  });

  test("a server that answers to any name leaves room for the catalogue's models", async () => {
    const target = { provider: "p", model: "listed", gateway: "p" };
    await book.syncCatalogue([target], Date.now());
    const calls = Array.from({ length: UNLISTED_MODELS_MAX + 50 }, (_, index) =>
      check({ model: `invented-${index}`, kind: "passive" }),
    );
    await book.applyChecks(calls.slice(0, 300));
    await book.applyChecks(calls.slice(300));
    await book.applyChecks([check({ ...target, kind: "passive" }), calls[0]!, calls.at(-1)!]);
    expect(book.models()).toHaveLength(1 + UNLISTED_MODELS_MAX);
    expect(book.model(target)).toMatchObject({ callCount: 1 });
    expect(book.model(calls[0]!)).toMatchObject({ callCount: 2 });
  });

  test("models of other kinds than chats count customers' calls and are not probed", async () => {
    const nowMs = Date.now();
    const embed = { provider: "p", model: "embed", gateway: "p", modelKind: "embedding" };
    const chat = { provider: "p", model: "chat", gateway: "p", modelKind: "chat" };
    const call = (model: string, requestType: string, status: CheckStatus): Promise<unknown> =>
      book.applyChecks([
        check({ provider: "p", gateway: "p", model, requestType, status, kind: "passive", atMs: nowMs }),
      ]);
    const countsNow = (): Record<string, number> =>
      Object.fromEntries(book.models().map(({ model, callCount }) => [model, callCount]));
    await book.syncCatalogue([embed, chat], nowMs);
    expect(countsNow()).toEqual({ chat: 0 });
    await call("embed", "embedding", "error");
    await call("embed", "embedding", "success");
    expect(countsNow()).toEqual({ chat: 0, embed: 2 });
    // A call of the wrong kind that fails is the client's mistake; one that succeeds shows what the model can do.
    for (const status of ["not_found", "error", "success"] as const) {
      await call("embed", "chat_completion", status);
      await call("chat", "embedding", status);
    }
    expect(countsNow()).toEqual({ chat: 1, embed: 3 });
    // One that no catalogue lists is for what it first did.
    await call("unlisted", "image_generation", "error");
    await call("unlisted", "image_generation", "success");
    await call("unlisted", "image_generation", "error");
    expect(countsNow()).toMatchObject({ unlisted: 2 });
    const muchLaterMs = nowMs + 20 * HOUR_MS;
    expect(book.due(muchLaterMs, 10).map(({ model }) => model)).toEqual(["chat"]);
    await book.syncCatalogue([embed, chat], nowMs);
    expect(book.models().every(({ enabled }) => enabled)).toBe(true);
  });

  test("a failure of a model that is not probed is forgotten, and its incident ends", async () => {
    const nowMs = Date.now();
    const target = { provider: "p", model: "embed", gateway: "p", modelKind: "embedding" };
    await book.syncCatalogue([target], nowMs);
    const failed = check({ ...target, requestType: "embedding", kind: "passive", status: "error", atMs: nowMs });
    await book.applyChecks(Array.from({ length: 8 }, () => failed));
    await book.forgetOldFailures(nowMs + BASE_MS - 1);
    expect(book.models()).toMatchObject([{ lastStatus: "error", circuitState: "open" }]);
    expect(await book.sweepIncidents(nowMs)).toEqual([]);
    await book.forgetOldFailures(nowMs + BASE_MS);
    await book.reload();
    expect(book.models()).toMatchObject([{ lastStatus: undefined, circuitState: "half_open", errorCount: 8 }]);
    expect(await book.sweepIncidents(nowMs + BASE_MS)).toMatchObject([{ model: "embed", status: "resolved" }]);
  });

  test("due: the important ones first, then who waits longest; a catalogue switches models off and on", async () => {
    const targets = ["a", "b", "c"].map((model) => ({ provider: "p", model, gateway: "p" }));
    await book.syncCatalogue(targets, 1_000);
    expect(book.due(1_000, 10).map(({ model }) => model)).toEqual(["a", "b", "c"]);
    expect(book.due(1_000, 10, ({ model }) => model === "a").map(({ model }) => model)).toEqual(["b", "c"]);
    expect(book.due(999, 10)).toEqual([]);
    await book.syncCatalogue(targets.slice(0, 1), 2_000);
    const enabled = book.models().filter((state) => state.enabled);
    expect(enabled.map(keyOf)).toEqual([keyOf(targets[0]!)]);
    await book.syncCatalogue(targets, 3_000);
    expect(book.due(3_000, 2)).toHaveLength(2);
  });

  test("what cannot be written is not shown", async () => {
    await book.applyChecks([check()]);
    await stores.database.close();
    await expect(book.applyChecks([check({ status: "error" })])).rejects.toThrow();
    expect(book.models()[0]!.lastStatus).toBe("success");
    expect(book.openIncidents()).toEqual([]);
  });

  test("a lease belongs to one until it ends or is given back", async () => {
    const { locks } = stores;
    expect(await locks.take("m", "one", 1_000, 60_000)).toBe(true);
    expect(await locks.take("m", "two", 2_000, 60_000)).toBe(false);
    expect(await locks.take("m", "one", 3_000, 60_000)).toBe(true);
    await locks.release("m", "two");
    expect(await locks.take("m", "two", 62_000, 60_000)).toBe(false);
    expect(await locks.take("m", "two", 63_000, 60_000)).toBe(true);
    await locks.release("m", "two");
    expect(await locks.take("m", "one", 63_001, 60_000)).toBe(true);
    await locks.prune(200_000);
    expect(await locks.take("m", "two", 63_002, 60_000)).toBe(true);
  });

  test("an alert is claimed once per cooldown, again when it is more severe, and ends once", async () => {
    const { alerts } = stores;
    const row = (atMs: number, severity = "medium") => {
      return { key: "k", type: "provider_down", severity, fired_at: atMs, last_sent_at: atMs, body: "{}" };
    };
    const milder = ["low", "medium", "high"];
    const both = await Promise.all([alerts.claim(row(1_000), 100, ["low"]), alerts.claim(row(1_000), 100, ["low"])]);
    expect(both.filter((firedAt) => firedAt === 1_000)).toHaveLength(1);
    expect(await alerts.claim(row(1_050), 100, ["low"])).toBeUndefined();
    expect(await alerts.claim(row(1_060, "critical"), 100, milder)).toBe(1_000);
    expect(await alerts.claim(row(1_160, "critical"), 100, milder)).toBe(1_000);
    expect(await alerts.firing()).toMatchObject([{ key: "k", severity: "critical" }]);
    expect([await alerts.end("k"), await alerts.end("k")]).toEqual([true, false]);
    // Within its cooldown it fires untold, so its end is not told either.
    expect(await alerts.claim(row(1_170, "critical"), 100, milder)).toBeUndefined();
    expect(await alerts.firing()).toHaveLength(1);
    expect(await alerts.end("k")).toBe(false);
    expect(await alerts.claim(row(1_300, "critical"), 100, milder)).toBe(1_300);
    await alerts.end("k");
    await alerts.prune(2_000);
    expect(await alerts.firing()).toEqual([]);
  });

  test("maintenance windows", async () => {
    const { maintenance } = stores;
    const window = { provider: "p", model: undefined, gateway: undefined, startsAtMs: 1_000, endsAtMs: 2_000 };
    const added = await maintenance.add({ ...window, reason: "new disks" });
    expect(await maintenance.list(1_500)).toEqual([added]);
    expect(await maintenance.list(2_000)).toEqual([]);
    expect([await maintenance.remove(added.id), await maintenance.remove(added.id)]).toEqual([true, false]);
  });

  test("a book moves to another database with what it has learnt", async () => {
    const memory = storesOf(testDatabase());
    open.push(memory);
    await book.applyChecks([check({ model: "known", status: "error" })]);
    const lonely = await HealthBook.open(memory.health, BASE_MS);
    await lonely.applyChecks([check({ model: "learnt", status: "timeout" }), check({ model: "known" })]);
    await lonely.moveTo(stores.health);
    const byModel = new Map(lonely.models().map((state) => [state.model, state.lastStatus]));
    expect(byModel).toEqual(
      new Map([
        ["known", "error"],
        ["learnt", "timeout"],
      ]),
    );
    expect((await incidentsNow()).map(({ model }) => model).sort()).toEqual(["known", "learnt"]);
  });
}
