import { expect, test } from "vitest";
import type { CheckStatus } from "../check.ts";
import { type ModelState, newModelState } from "../model-state.ts";
import { dashboardOf, healthScore } from "./dashboard.ts";
import { listGateways } from "./gateways.ts";
import { insightsOf } from "./insights.ts";
import { publicStatus, statusOf } from "./public-status.ts";
import { rollUp } from "./rollup.ts";

function model(provider: string, name: string, lastStatus: CheckStatus | undefined, changes: Partial<ModelState> = {}) {
  return { ...newModelState({ provider, model: name, gateway: provider }, 0), lastStatus, ...changes };
}

test("health score: 0.4 availability, 0.3 errors, 0.3 latency from 2 s down to 10 s", () => {
  expect(healthScore(1, 0, 500)).toBeCloseTo(1);
  expect(healthScore(1, 0, undefined)).toBeCloseTo(1);
  expect(healthScore(1, 0, 2_000)).toBeCloseTo(1);
  expect(healthScore(1, 0, 6_000)).toBeCloseTo(0.85);
  expect(healthScore(1, 0, 10_000)).toBeCloseTo(0.7);
  expect(healthScore(1, 0, 60_000)).toBeCloseTo(0.7);
  expect(healthScore(0.5, 0.5, 60_000)).toBeCloseTo(0.35);
  expect(healthScore(0, 1, 60_000)).toBe(0);
});

test("dashboard: the breaker of a provider is open when more than half of its models' are", () => {
  const states = (open: number): ModelState[] =>
    [0, 1, 2, 3].map((n) => model("p", `${n}`, "success", { circuitState: n < open ? "open" : "closed" }));
  const breaker = (open: number): string =>
    dashboardOf(rollUp(states(open), 0), states(open), new Map(), 0).providers[0]!.circuit_breaker_state;
  expect([0, 1, 2, 3].map(breaker)).toEqual(["closed", "half_open", "half_open", "open"]);
});

test("public status: nothing offline, less than a tenth, a tenth", () => {
  expect([statusOf(0, 0), statusOf(0, 100)]).toEqual(["operational", "operational"]);
  expect([statusOf(1, 100), statusOf(9, 100)]).toEqual(["degraded", "degraded"]);
  expect([statusOf(10, 100), statusOf(1, 1)]).toEqual(["major_outage", "major_outage"]);
  const models = [model("p", "unchecked", undefined), model("p", "good", "success")];
  expect(publicStatus(rollUp(models, 0), models, 0, 0)).toMatchObject({
    total_models: 2,
    healthy_models: 1,
    offline_models: 0,
  });
});

test("gateways: watched ones by their providers; others unconfigured, pending, or healthy by what is listed", () => {
  const { gateways } = rollUp([model("up", "1", "success"), model("down", "1", "error")], 0);
  const listed = listGateways(gateways, ["up", "xai", "groq"], new Set(["groq", "cohere"]), new Set(["up", "cohere"]));
  expect(listed.map(({ gateway, status, tracked }) => [gateway, status, tracked])).toEqual([
    ["cohere", "healthy", false],
    ["down", "unhealthy", true],
    ["groq", "pending", false],
    ["up", "healthy", true],
    ["xai", "unconfigured", false],
  ]);
});

test("insights: what a person can do something about, the worst first", () => {
  const models = [
    model("p", "shaky", "success", { uptime24h: 90 }),
    model("p", "dead", "error", { consecutiveFailures: 4 }),
    model("p", "gone", "not_found", { hardFailures: 3, consecutiveFailures: 3 }),
    model("q", "locked", "unauthorized"),
    model("q", "fine", "success"),
  ];
  const lastHour = new Map([
    ["p", { requests: 100, errors: 30, averageMs: 1, p95Ms: 12_000 }],
    ["q", { requests: 5, errors: 5, averageMs: undefined, p95Ms: undefined }],
  ]);
  expect(insightsOf(models, lastHour).map(({ type, provider, model: name }) => [type, provider, name])).toEqual([
    ["failing_model", "p", "dead"],
    ["wrong_key", "q", "locked"],
    ["high_error_rate", "p", null],
    ["unstable_model", "p", "shaky"],
    ["gone_model", "p", "gone"],
    ["slow_provider", "p", null],
  ]);
});
