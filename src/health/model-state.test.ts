import { describe, expect, test } from "vitest";
import type { CheckStatus } from "./check.ts";
import { afterCheck, checkIntervalMs, type ModelState, newModelState } from "./model-state.ts";
import { probeStatus } from "./probes/result-mapping.ts";
import { tiersByUsage } from "./probes/tiers.ts";
import { check } from "./testing/check.ts";

const BASE_MS = 300_000;
const run = (statuses: readonly CheckStatus[]): ModelState =>
  statuses.reduce(
    (state, status, index) => afterCheck(state, check({ status, atMs: index + 1 }), BASE_MS),
    newModelState(check(), 0),
  );
const times = (count: number, status: CheckStatus): CheckStatus[] => new Array<CheckStatus>(count).fill(status);

describe("state of a model", () => {
  test("counts, and the mean of successful response times", () => {
    let state = newModelState(check(), 0);
    for (const responseTimeMs of [100, 200, 300]) state = afterCheck(state, check({ responseTimeMs }), BASE_MS);
    state = afterCheck(state, check({ status: "error", responseTimeMs: 9_000 }), BASE_MS);
    expect(state).toMatchObject({
      callCount: 4,
      successCount: 3,
      errorCount: 1,
      lastStatus: "error",
      lastError: "boom",
    });
    expect(state.averageResponseTimeMs).toBeCloseTo(200);
  });

  test("the breaker opens after eight failures, half opens at the next success, closes after three", () => {
    expect(run(times(7, "error")).circuitState).toBe("closed");
    expect(run(times(8, "error")).circuitState).toBe("open");
    expect(run([...times(8, "error"), "success"]).circuitState).toBe("half_open");
    expect(run([...times(8, "error"), "success", "error"]).circuitState).toBe("open");
    expect(run([...times(8, "error"), "success", "success", "success"]).circuitState).toBe("closed");
  });

  test("a failing model is checked sooner than its tier says", () => {
    expect(checkIntervalMs("on_demand", 0, BASE_MS)).toBe(14_400_000);
    expect(checkIntervalMs("on_demand", 1, BASE_MS)).toBe(14_400_000);
    expect(checkIntervalMs("on_demand", 2, BASE_MS)).toBe(300_000);
    expect(checkIntervalMs("standard", 0, BASE_MS)).toBe(7_200_000);
    expect(checkIntervalMs("popular", 0, BASE_MS)).toBe(1_800_000);
    expect(checkIntervalMs("critical", 5, BASE_MS)).toBe(300_000);
  });
});

describe("tiers", () => {
  test("percentiles among the used models decide", () => {
    const calls = new Map(Array.from({ length: 100 }, (_, index) => [`m${index + 1}`, index + 1]));
    const tiers = tiersByUsage([...calls.keys(), "unused"], calls);
    expect(tiers.get("m95")).toBe("critical");
    expect(tiers.get("m94")).toBe("popular");
    expect(tiers.get("m75")).toBe("popular");
    expect(tiers.get("m74")).toBe("standard");
    expect(tiers.get("m1")).toBe("standard");
    expect(tiers.get("unused")).toBe("on_demand");
  });

  test("without any use everything is on demand", () => {
    expect([...tiersByUsage(["a", "b"], new Map()).values()]).toEqual(["on_demand", "on_demand"]);
  });
});

test.each([
  [200, undefined, "", "success"],
  [429, "rate_limit_exceeded", "", "rate_limited"],
  [502, "provider_authentication_error", "", "unauthorized"],
  [403, undefined, "", "unauthorized"],
  [404, "model_not_found", "", "not_found"],
  [504, "provider_timeout", "", "timeout"],
  [400, "invalid_value", "Could not finish the message because max_tokens was reached", "success"],
  [400, "invalid_value", "bad request", "error"],
  [502, "provider_error", "", "error"],
  [503, "concurrency_queue_full", "", undefined],
  [401, "invalid_api_key", "", undefined],
] as const)("probe answered %i %s %s: %s", (status, code, message, expected) => {
  expect(probeStatus(status, code, message)).toBe(expected);
});
