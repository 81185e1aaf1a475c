import { expect, test } from "vitest";
import type { Incident } from "../incidents/incidents.ts";
import { type ModelState, newModelState } from "../model-state.ts";
import { rollUp } from "../rollup/rollup.ts";
import type { ProviderHour } from "../store/aggregate-store.ts";
import { alertsOf, type RuleInput } from "./rules.ts";

function state(provider: string, model: string, changes: Partial<ModelState> = {}): ModelState {
  return { ...newModelState({ provider, model, gateway: provider }, 0), lastStatus: "success", ...changes };
}
const failing = (count: number, changes: Partial<ModelState> = {}): Partial<ModelState> => ({
  lastStatus: "error",
  consecutiveFailures: count,
  lastError: "boom",
  ...changes,
});
const many = (provider: string, count: number): ModelState[] =>
  Array.from({ length: count }, (_, index) => state(provider, `m${index}`));

function alerts(models: readonly ModelState[], changes: Partial<RuleInput> = {}): [string, string][] {
  const input = {
    rollup: rollUp(models, 0),
    models,
    openIncidents: [],
    lastHour: new Map(),
    inMaintenance: () => false,
    ...changes,
  };
  return alertsOf(input).map(({ key, severity }) => [key, severity]);
}

test("nothing wrong, nothing known: nothing to tell", () => {
  expect(alerts([])).toEqual([]);
  expect(alerts(many("p", 3))).toEqual([]);
  expect(alerts([state("p", "new", { lastStatus: undefined })])).toEqual([]);
});

test("system health below 90 % is an error, below 85 % critical", () => {
  const withFailing = (good: number, bad: number): ModelState[] => [
    ...many("p", good),
    ...Array.from({ length: bad }, (_, index) => state("p", `bad${index}`, failing(1))),
  ];
  const system = (models: ModelState[]): string | undefined =>
    alerts(models).find(([key]) => key.startsWith("system_health"))?.[1];
  expect(system(withFailing(90, 10))).toBeUndefined();
  expect(system(withFailing(89, 11))).toBe("high");
  expect(system(withFailing(85, 15))).toBe("high");
  expect(system(withFailing(84, 16))).toBe("critical");
});

test("a provider that is down is told instead of its models, one that is degraded beside them", () => {
  const down = [...many("up", 40), state("down", "a", failing(9)), state("down", "b", failing(9))];
  expect(alerts(down)).toEqual([["provider_down/down/", "critical"]]);
  const degraded = [...many("up", 40), ...many("ill", 3), state("ill", "x", failing(3))];
  expect(alerts(degraded)).toEqual([
    ["provider_degraded/ill/", "medium"],
    ["model_degraded/ill/x", "medium"],
  ]);
});

test("models: from the third failure on, more severe with the fifth, critical by tier; an open breaker", () => {
  const one = (changes: Partial<ModelState>): [string, string][] =>
    alerts([...many("p", 40), state("p", "x", changes)]).filter(([key]) => key.endsWith("/x"));
  expect(one(failing(2))).toEqual([]);
  expect(one(failing(3))).toEqual([["model_degraded/p/x", "medium"]]);
  expect(one(failing(5))).toEqual([["model_degraded/p/x", "high"]]);
  expect(one(failing(3, { tier: "critical" }))).toEqual([["critical_model_down/p/x", "critical"]]);
  expect(one(failing(8, { circuitState: "open" }))).toEqual([
    ["model_degraded/p/x", "high"],
    ["circuit_breaker_open/p/x", "high"],
  ]);
});

test("maintenance and acknowledged incidents are known already", () => {
  const broken = state("p", "x", failing(5));
  const models = [...many("p", 40), broken];
  const acknowledged = { ...broken, status: "acknowledged" } as unknown as Incident;
  expect(alerts(models, { openIncidents: [acknowledged] })).toEqual([["provider_degraded/p/", "medium"]]);
  expect(alerts([broken], { inMaintenance: () => true })).toEqual([]);
});

test("the last hour: error rate and latency, when there were enough calls", () => {
  const hour = (changes: Partial<ProviderHour>): [string, string][] => {
    const lastHour = new Map([["p", { requests: 20, errors: 0, averageMs: 1, p95Ms: 1, ...changes }]]);
    return alerts(many("p", 3), { lastHour });
  };
  expect(hour({ errors: 4 })).toEqual([]);
  expect(hour({ errors: 5 })).toEqual([["high_error_rate/p/", "high"]]);
  expect(hour({ requests: 19, errors: 19 })).toEqual([]);
  expect(hour({ p95Ms: 9_999 })).toEqual([]);
  expect(hour({ p95Ms: 10_000 })).toEqual([["slow_response/p/", "medium"]]);
  expect(hour({ p95Ms: undefined })).toEqual([]);
});
