import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testDatabase } from "../../database/testing.ts";
import { ALERTS_PER_ROUND_MAX } from "../limits.ts";
import { type Stores, storesOf } from "../store/stores.ts";
import { type Alert, type AlertSeverity, alertKey, type Notification } from "./alert.ts";
import { Alerts } from "./alerts.ts";

const COOLDOWN_MS = 1_800_000;
let stores: Stores;
let now: Alert[];
let sent: Notification[];
beforeEach(() => {
  stores = storesOf(testDatabase());
  now = [];
  sent = [];
});
afterEach(() => stores.database.close());

function create(): Alerts {
  return new Alerts({
    store: () => stores.alerts,
    current: async () => now,
    send: (notification) => sent.push(notification),
    cooldownMs: COOLDOWN_MS,
    logger: pino({ level: "silent" }),
  });
}
function alert(provider: string, severity: AlertSeverity = "high"): Alert {
  const key = alertKey("provider_down", provider);
  return { key, type: "provider_down", severity, title: "t", message: "m", provider, model: undefined, details: {} };
}
const told = (): string[] =>
  sent.splice(0).map(({ alert: { provider, severity }, status }) => `${provider} ${severity} ${status}`);

test("told when it lasts, not again within its cooldown, again after it, and at its end once", async () => {
  const alerts = create();
  now = [alert("p")];
  await alerts.evaluate(0);
  expect(told()).toEqual([]);
  await alerts.evaluate(30_000);
  expect(told()).toEqual(["p high firing"]);
  await alerts.evaluate(30_000 + COOLDOWN_MS - 1);
  expect(told()).toEqual([]);
  await alerts.evaluate(30_000 + COOLDOWN_MS);
  expect(sent[0]).toMatchObject({ firedAtMs: 30_000, atMs: 30_000 + COOLDOWN_MS });
  expect(told()).toEqual(["p high firing"]);
  expect(await alerts.firing()).toMatchObject([{ key: "provider_down/p/", status: "firing", severity: "high" }]);
  now = [];
  await alerts.evaluate(40_000 + COOLDOWN_MS);
  await alerts.evaluate(50_000 + COOLDOWN_MS);
  expect(told()).toEqual(["p high resolved"]);
  expect(await alerts.firing()).toEqual([]);
});

test("a moment is no alert", async () => {
  const alerts = create();
  for (const current of [[alert("p")], [], [alert("p")], []]) {
    now = current;
    await alerts.evaluate(0);
  }
  expect(sent).toEqual([]);
});

test("what becomes more severe is told at once", async () => {
  const alerts = create();
  now = [alert("p", "medium")];
  await alerts.evaluate(0);
  await alerts.evaluate(1_000);
  now = [alert("p", "critical")];
  await alerts.evaluate(2_000);
  now = [alert("p", "medium")];
  await alerts.evaluate(3_000);
  expect(told()).toEqual(["p medium firing", "p critical firing"]);
});

test("what comes and goes is told once per cooldown, and its end as often", async () => {
  const alerts = create();
  for (let round = 0; round < 5; round++) {
    now = [alert("p")];
    await alerts.evaluate(round * 90_000);
    await alerts.evaluate(round * 90_000 + 30_000);
    now = [];
    await alerts.evaluate(round * 90_000 + 60_000);
  }
  expect(told()).toEqual(["p high firing", "p high resolved"]);
});

test("a restart neither repeats what was told nor forgets to tell its end", async () => {
  now = [alert("p")];
  const before = create();
  await before.evaluate(0);
  await before.evaluate(1_000);
  expect(told()).toHaveLength(1);
  const after = create();
  await after.evaluate(2_000);
  await after.evaluate(3_000);
  expect(told()).toEqual([]);
  now = [];
  await create().evaluate(4_000);
  expect(told()).toEqual(["p high resolved"]);
});

test("of two services one tells", async () => {
  now = [alert("p")];
  const both = [create(), create()];
  for (const atMs of [0, 1_000]) await Promise.all(both.map((each) => each.evaluate(atMs)));
  expect(told()).toEqual(["p high firing"]);
  now = [];
  await Promise.all(both.map((each) => each.evaluate(2_000)));
  expect(told()).toEqual(["p high resolved"]);
});

test("many at once are told in parts", async () => {
  const alerts = create();
  now = Array.from({ length: ALERTS_PER_ROUND_MAX + 5 }, (_, index) => alert(`p${index}`));
  await alerts.evaluate(0);
  await alerts.evaluate(1_000);
  expect(told()).toHaveLength(ALERTS_PER_ROUND_MAX);
  await alerts.evaluate(2_000);
  expect(told()).toHaveLength(5);
});
