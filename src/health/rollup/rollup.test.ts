import { expect, test } from "vitest";
import type { CheckStatus } from "../check.ts";
import { type ModelState, newModelState } from "../model-state.ts";
import { rollUp } from "./rollup.ts";

function model(provider: string, name: string, lastStatus: CheckStatus | undefined, enabled = true): ModelState {
  return { ...newModelState({ provider, model: name, gateway: provider }, 0), lastStatus, enabled };
}

test("what was not checked yet is tracked, and its health is unknown", () => {
  const { system, statusDistribution } = rollUp([model("a", "1", undefined)], 0);
  expect(system).toMatchObject({ overall_status: "unknown", total_models: 1, tracked_models: 1, system_uptime: 100 });
  expect(statusDistribution).toEqual({});
});

test("providers: online, degraded, offline; the system follows", () => {
  const models = [
    model("good", "1", "success"),
    model("shaky", "1", "success"),
    model("shaky", "2", "timeout"),
    model("down", "1", "error"),
    model("gone", "1", "error", false),
  ];
  const { system, providers, gateways, statusDistribution } = rollUp(models, 0);
  expect(providers.map(({ provider, status }) => [provider, status])).toEqual([
    ["good", "online"],
    ["shaky", "degraded"],
    ["down", "offline"],
  ]);
  expect(system).toMatchObject({
    overall_status: "degraded",
    total_providers: 3,
    healthy_models: 2,
    degraded_models: 1,
    unhealthy_models: 1,
    healthy_gateways: 1,
  });
  expect(gateways.map(({ healthy }) => healthy)).toEqual([true, false, false]);
  expect(statusDistribution).toEqual({ success: 2, timeout: 1, error: 1 });
});

test("half of the providers offline is unhealthy, all online healthy", () => {
  expect(rollUp([model("a", "1", "success"), model("b", "1", "error")], 0).system.overall_status).toBe("unhealthy");
  expect(rollUp([model("a", "1", "success"), model("b", "1", "success")], 0).system.overall_status).toBe("healthy");
});
