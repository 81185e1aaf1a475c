import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { testDatabase } from "../../database/testing.ts";
import type { Check } from "../check.ts";
import { HealthBook } from "../health-book.ts";
import { type Stores, storesOf } from "../store/stores.ts";
import { check } from "../testing/check.ts";
import { AvailabilityService } from "./availability.ts";
import { AvailabilityBreaker } from "./breaker.ts";

const MINUTE_MS = 60_000;

describe("breaker", () => {
  const feed = (breaker: AvailabilityBreaker, successes: readonly boolean[], ms = 100, atMs = 0): void => {
    for (const success of successes) breaker.record(success, ms, atMs);
  };

  test("opens after five failures, of which each success takes one off", () => {
    const breaker = new AvailabilityBreaker();
    feed(breaker, [false, false, false, false, true, false]);
    expect(breaker.state(0)).toBe("closed");
    feed(breaker, [false]);
    expect(breaker.state(0)).toBe("open");
  });

  test("opens after three slow answers in a row, successful or not", () => {
    const breaker = new AvailabilityBreaker();
    feed(breaker, [true, true], 30_001);
    feed(breaker, [true], 30_000);
    feed(breaker, [true, true], 30_001);
    expect(breaker.state(0)).toBe("closed");
    feed(breaker, [true], 30_001);
    expect(breaker.state(0)).toBe("open");
  });

  test("half open after 300 s; three successes close it, slow ones too, one failure opens it", () => {
    const breaker = new AvailabilityBreaker();
    feed(breaker, [false, false, false, false, false]);
    expect(breaker.state(5 * MINUTE_MS - 1)).toBe("open");
    expect(breaker.state(5 * MINUTE_MS)).toBe("half_open");
    feed(breaker, [true, true, false], 40_000, 5 * MINUTE_MS);
    expect(breaker.state(10 * MINUTE_MS - 1)).toBe("open");
    feed(breaker, [true, true], 40_000, 10 * MINUTE_MS);
    expect(breaker.state(10 * MINUTE_MS)).toBe("half_open");
    feed(breaker, [true], 40_000, 10 * MINUTE_MS);
    expect(breaker.state(10 * MINUTE_MS)).toBe("closed");
  });
});

describe("service", () => {
  let stores: Stores;
  let book: HealthBook;
  let service: AvailabilityService;
  beforeEach(async () => {
    stores = storesOf(testDatabase());
    book = await HealthBook.open(stores.health, 300_000);
    service = new AvailabilityService(book);
  });
  afterEach(() => stores.database.close());

  const take = async (...checks: Partial<Check>[]): Promise<void> => {
    const full = checks.map((each) => check(each));
    await book.applyChecks(full);
    service.take(full);
  };
  const times = (count: number, each: Partial<Check>): Partial<Check>[] => Array.from({ length: count }, () => each);
  const statusOf = (changes: Partial<Check> = {}): string => service.of(check(changes)).status;

  test("unknown, available, degraded by one failure, unavailable by five", async () => {
    expect(statusOf()).toBe("unknown");
    await book.syncCatalogue([check()], Date.now());
    expect(statusOf()).toBe("unknown");
    await take({});
    expect(statusOf()).toBe("available");
    await take({ status: "timeout" });
    expect(statusOf()).toBe("degraded");
    await take(...times(5, { status: "error" }));
    expect(statusOf()).toBe("unavailable");
    expect(service.of(check())).toMatchObject({ circuitState: "open", errorCount: 6 });
  });

  test("a wrong key and a model that is gone are unavailable at once", async () => {
    await take({ model: "locked", status: "unauthorized" }, { model: "known" });
    await take({ model: "known", status: "not_found" });
    expect([statusOf({ model: "locked" }), statusOf({ model: "known" })]).toEqual(["unavailable", "unavailable"]);
  });

  test("alternatives are healthy, with 70 % uptime, the most reliable first, then the fastest", async () => {
    const serves = (provider: string, ms: number): Partial<Check> => ({
      provider,
      gateway: provider,
      responseTimeMs: ms,
    });
    const name = "openai/gpt-4o-mini";
    await take(
      serves("a", 300),
      serves("b", 100),
      { ...serves("c", 200), model: name },
      serves("d", 10),
      serves("e", 1),
    );
    await take({ ...serves("d", 10), status: "error" });
    const uptimes = new Map(
      book.models().map((state) => [state.provider, state.provider === "e" ? 69.9 : state.provider === "a" ? 100 : 99]),
    );
    await book.recomputeUptimes(Date.now(), async () => {
      const entries = book.models().map((state) => {
        const uptime = uptimes.get(state.provider)!;
        return [
          `${state.provider}\u0000${state.model}\u0000${state.gateway}`,
          { uptime24h: uptime, uptime7d: 1, uptime30d: 1 },
        ] as const;
      });
      return new Map(entries);
    });
    service.refresh();
    expect(service.alternatives("gpt-4o-mini", "x").map(({ provider }) => provider)).toEqual(["a", "b", "c"]);
    expect(service.alternatives("gpt-4o-mini", "a").map(({ provider }) => provider)).toEqual(["b", "c"]);
    expect(service.alternatives("other", undefined)).toEqual([]);
  });

  test("routing avoids failing models and little uptime, hides what is gone for the third time", async () => {
    await take({});
    const advice = () => service.advice(book.models()[0]!);
    expect(advice()).toEqual({ avoid: false, hidden: false, reason: undefined });
    await take(...times(9, { status: "rate_limited" }));
    expect(advice()).toMatchObject({ avoid: true, hidden: false });
    await take(...times(2, { status: "not_found" }), { status: "timeout" }, ...times(2, { status: "not_found" }));
    expect(advice().hidden).toBe(false);
    await take({ status: "error", error: '502: The model "x" does not exist' });
    expect(advice()).toMatchObject({ hidden: true });
    await take({ status: "success" });
    await book.recomputeUptimes(Date.now(), (atMs) => stores.aggregates.uptimes(atMs));
    expect(advice()).toMatchObject({ avoid: true, hidden: false, reason: expect.stringMatching(/^uptime 1\d\.\d %$/) });
  });

  test("a server whose name is not found is no evidence that the model is gone", async () => {
    await take({}, ...times(4, { status: "error", error: "502: getaddrinfo ENOTFOUND: host not found" }));
    expect(service.advice(book.models()[0]!).hidden).toBe(false);
  });

  test("maintenance covers what it names while it lasts", async () => {
    await take({}, { provider: "b", gateway: "b" });
    const nowMs = Date.now();
    const all = { id: "1", provider: undefined, model: undefined, gateway: undefined, reason: "" };
    service.setWindows([{ ...all, provider: "b", startsAtMs: nowMs - 1, endsAtMs: nowMs + MINUTE_MS }]);
    service.refresh(nowMs);
    expect([statusOf(), statusOf({ provider: "b", gateway: "b" })]).toEqual(["available", "maintenance"]);
    service.setWindows([{ ...all, startsAtMs: nowMs + MINUTE_MS, endsAtMs: nowMs + 2 * MINUTE_MS }]);
    service.refresh(nowMs);
    expect(statusOf({ provider: "b", gateway: "b" })).toBe("available");
    expect(service.inMaintenance(check(), nowMs + MINUTE_MS)).toBe(true);
    expect(service.inMaintenance(check(), nowMs + 2 * MINUTE_MS)).toBe(false);
  });

  test("what it knows is forgotten after 300 s, and when the model leaves the catalogue", async () => {
    await take({}, { model: "other" });
    expect(service.cacheSize).toBe(2);
    service.refresh(Date.now() - 5 * MINUTE_MS);
    expect(service.cacheSize).toBe(0);
    service.refresh();
    await book.syncCatalogue([check()], Date.now() + 3 * 3_600_000);
    service.refresh();
    expect(service.cacheSize).toBe(1);
  });
});
