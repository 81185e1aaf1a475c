import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { testDatabase } from "../../database/testing.ts";
import { type TestContext, testContext } from "../../runtime/testing.ts";
import type { Check } from "../check.ts";
import { HealthBook } from "../health-book.ts";
import { HealthMetrics } from "../metrics.ts";
import { newModelState } from "../model-state.ts";
import { rollUp } from "../rollup/rollup.ts";
import { type Stores, storesOf } from "../store/stores.ts";
import { FixtureGateway } from "../testing/fixture-gateway.ts";
import { GatewayClient } from "./gateway-client.ts";
import { Monitor, type MonitorOptions } from "./monitor.ts";
import { ProbeLock } from "./probe-lock.ts";

let gateway: FixtureGateway;
let context: TestContext;
let stores: Stores;
let book: HealthBook;
let client: GatewayClient;
let stop: AbortController;
let running: Promise<void> | undefined;
let taken: Check[];

const ids = (count: number): { id: string; providers: string[] }[] =>
  Array.from({ length: count }, (_, index) => ({ id: `m${index}`, providers: ["p"] }));

beforeEach(async () => {
  gateway = await FixtureGateway.start(ids(3));
  context = await testContext("health", {});
  stores = storesOf(testDatabase());
  book = await HealthBook.open(stores.health, 300_000);
  client = new GatewayClient(gateway.url, "key");
  stop = new AbortController();
  taken = [];
});
afterEach(async () => {
  stop.abort();
  await client.close();
  await running;
  running = undefined;
  await gateway.close();
  await stores.database.close();
  await context.dispose();
});

function create(changes: Partial<MonitorOptions> = {}): Monitor {
  const metrics = new HealthMetrics(context.registry, {
    rollup: () => rollUp(book.models(), 0),
    models: () => book.models(),
    openIncidents: () => book.openIncidents(),
    databaseUp: () => true,
    alertsWaiting: () => 0,
  });
  return new Monitor({
    book,
    client,
    metrics,
    logger: context.logger,
    lock: new ProbeLock({ redis: undefined, leases: () => undefined }),
    concurrentProbes: 4,
    signal: stop.signal,
    skipped: () => false,
    onChecks: (checks) => taken.push(...checks),
    ...changes,
  });
}
const run = (monitor: Monitor): void => {
  running = monitor.run();
};
const messages = (): unknown[] => context.lines.map(({ msg }) => msg);

test("no more than so many probes at once, and every model once", async () => {
  gateway.models = ids(30);
  let [atOnce, most] = [0, 0];
  let allIn = (): void => undefined;
  const four = new Promise<void>((resolve) => {
    allIn = resolve;
  });
  gateway.answer = async () => {
    most = Math.max(most, ++atOnce);
    // The first ones wait for each other, however slow the machine: a fifth would show that it may come, too.
    if (atOnce === 4) allIn();
    await four;
    await new Promise((resolve) => setTimeout(resolve, 20));
    atOnce--;
    return undefined;
  };
  run(create());
  await vi.waitFor(() => expect(taken).toHaveLength(30), { timeout: 5_000 });
  expect(new Set(gateway.probes.map(({ body }) => body["model"])).size).toBe(30);
  expect(most).toBe(4);
});

test("a gateway that goes away is one line; nothing is held against its models, and probes go on when it is back", async () => {
  const monitor = create();
  run(monitor);
  await vi.waitFor(() => expect(taken).toHaveLength(3));
  const { port } = gateway;
  await gateway.close();
  await monitor.checkNow(book.models());
  await monitor.checkNow(book.models());
  expect(monitor.active).toBe(false);
  expect(messages().filter((text) => String(text).startsWith("gateway cannot be asked"))).toHaveLength(1);
  expect(book.openIncidents()).toEqual([]);
  expect(taken).toHaveLength(3);
  gateway = await FixtureGateway.start(ids(3), port);
  // What the next round does, which is a minute away.
  await monitor.refreshCatalogue();
  expect(monitor.active).toBe(true);
  expect(await monitor.checkNow(book.models())).toBe(3);
  expect(taken).toHaveLength(6);
});

test("what is skipped is not probed; a stopped monitor probes nothing; a check by hand does", async () => {
  const monitor = create({ skipped: ({ model }) => model === "m1" });
  run(monitor);
  await vi.waitFor(() => expect(taken.map(({ model }) => model).sort()).toEqual(["m0", "m2"]));
  monitor.paused = true;
  await book.syncCatalogue([{ provider: "p", model: "new", gateway: "p" }], Date.now());
  expect(await monitor.checkDue(10)).toBe(0);
  expect(await monitor.checkNow(book.models().filter(({ model }) => model === "m1"))).toBe(1);
  expect(taken.at(-1)).toMatchObject({ model: "m1", status: "success" });
});

test("what cannot chat is not probed, not even by hand, although its calls count", async () => {
  gateway.models = [...ids(1), { id: "embed", providers: ["p"], kind: "embedding" }];
  const monitor = create();
  run(monitor);
  await vi.waitFor(() => expect(taken).toHaveLength(1));
  const call = { provider: "p", model: "embed", gateway: "p", requestType: "embedding", tokens: 3 };
  await monitor.take([
    { ...call, status: "error", error: "boom", responseTimeMs: 9, atMs: Date.now(), kind: "passive" },
  ]);
  expect(book.openIncidents()).toMatchObject([{ model: "embed", incidentType: "outage" }]);
  expect(await monitor.checkNow(book.models())).toBe(1);
  expect(gateway.probes.map(({ body }) => body["model"])).toEqual(["m0", "m0"]);
});

test("results that cannot be stored are one line, and their models are not asked again at once", async () => {
  await book.syncCatalogue(await client.catalogue().then(({ targets }) => targets), Date.now());
  await stores.database.close();
  const monitor = create();
  run(monitor);
  await vi.waitFor(() => expect(messages()).toContain("health round failed; it is tried again"));
  await vi.waitFor(() => expect(gateway.probes).toHaveLength(3));
  await vi.waitFor(() => expect(book.due(Date.now(), 10)).toEqual([]));
  expect(await monitor.checkDue(10)).toBe(0);
});

test("a model that another service is probing is left to it", async () => {
  const lock = new ProbeLock({ redis: undefined, leases: () => stores.locks, owner: "us" });
  await stores.locks.take("health_check_lock:p:m0:p", "them", Date.now(), 60_000);
  run(create({ lock }));
  await vi.waitFor(() => expect(taken.map(({ model }) => model).sort()).toEqual(["m1", "m2"]));
  expect(book.due(Date.now(), 10)).toEqual([]);
  // The locks of those that were probed are given back.
  expect(await stores.locks.take("health_check_lock:p:m1:p", "them", Date.now(), 60_000)).toBe(true);
});

test("what another service has probed meanwhile is not probed again", async () => {
  const lock = new ProbeLock({ redis: undefined, leases: () => stores.locks });
  await book.syncCatalogue(await client.catalogue().then(({ targets }) => targets), Date.now());
  const other = await HealthBook.open(stores.health, 300_000);
  const known = book.models();
  const monitor = create({ lock });
  await other.applyChecks(
    known.map((state) => ({
      ...{ provider: state.provider, model: state.model, gateway: state.gateway },
      ...{ status: "success", responseTimeMs: 1, error: undefined, atMs: Date.now(), kind: "probe", tokens: 0 },
    })),
  );
  run(monitor);
  await vi.waitFor(() => expect(monitor.lastRoundAtMs).toBeDefined());
  expect(gateway.probes).toEqual([]);
  expect(book.models().every(({ lastStatus }) => lastStatus === "success")).toBe(true);
});

test("a probe that gets no answer is a timeout of exactly its tier's time", async () => {
  gateway.answer = () => "hang";
  const late = AbortSignal.abort(new DOMException("late", "TimeoutError"));
  const timeout = vi.spyOn(AbortSignal, "timeout").mockReturnValue(late);
  const found = await client.probe(newModelState({ provider: "p", model: "m", gateway: "p" }, 0));
  expect(timeout).toHaveBeenCalledWith(60_000);
  timeout.mockRestore();
  expect(found).toMatchObject({ status: "timeout", responseTimeMs: 60_000, error: "no answer within 60 s" });
});
