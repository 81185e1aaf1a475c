import { describe, expect, test } from "vitest";
import { randomHex } from "../record.ts";
import { healthResults } from "./health-results.ts";
import { pathLabel, statusClass } from "./labels.ts";
import { ProviderStats, weightedHealthScore } from "./provider-stats.ts";
import { finishedAttempt, finishedRecord } from "./testing.ts";
import { isSampled } from "./trace-sampling.ts";

describe("a provider's last hour", () => {
  const MINUTE_MS = 60_000;

  test("forgets what is older than an hour", () => {
    const stats = new ProviderStats(0);
    stats.recordCall(0, false, 100);
    stats.recordCall(59 * MINUTE_MS, true, 300);
    expect(stats.lastHour(59 * MINUTE_MS)).toMatchObject({
      requests: 2,
      errors: 1,
      errorRate: 0.5,
      latencyMeanMs: 200,
    });
    expect(stats.lastHour(60 * MINUTE_MS)).toMatchObject({ requests: 1, errors: 0 });
    expect(stats.lastHour(200 * MINUTE_MS)).toMatchObject({ requests: 0, errorRate: 0, latencyP95Ms: 0 });
  });

  test("scores: 2 up, 5 down, within 0 and 100; the weighted one falls with the p95", () => {
    const stats = new ProviderStats(0);
    for (let index = 0; index < 30; index++) stats.recordCall(0, false, 1);
    expect(stats.healthScore).toBe(0);
    stats.recordCall(0, true, 1);
    expect(stats.healthScore).toBe(2);
    const slow = new ProviderStats(0);
    for (let index = 0; index < 100; index++) slow.recordCall(0, true, 6_000);
    expect(weightedHealthScore(true, slow.lastHour(0))).toBeCloseTo(0.4 + 0.3 + 0.15);
    expect(weightedHealthScore(false, new ProviderStats(0).lastHour(0))).toBeCloseTo(0.6);
  });

  test("a daily estimate extrapolates the hour, and never less than five minutes", () => {
    const stats = new ProviderStats(0);
    stats.recordCost(0, 1);
    expect(stats.dailyCostEstimateUsd(1_000)).toBeCloseTo(288);
    expect(stats.dailyCostEstimateUsd(30 * MINUTE_MS)).toBeCloseTo(48);
    expect(stats.dailyCostEstimateUsd(90 * MINUTE_MS)).toBe(0);
  });
});

test.each([
  ["/v1/chat/completions", "/v1/chat/completions"],
  ["/v1/models/123?x=1", "/v1/models/{id}"],
  ["/a/550e8400-e29b-41d4-a716-446655440000/0123456789abcdef0", "/a/{id}/{id}"],
  ["/a/b/c/d/e/f/g/h", "/a/b/c/d/e/f"],
  ["/", "/"],
])("path %s becomes %s", (path, label) => {
  expect(pathLabel(path)).toBe(label);
});

test("status classes", () => {
  expect([200, 204, 301, 404, 499, 503, 100].map(statusClass)).toEqual([
    "2xx",
    "2xx",
    "other",
    "4xx",
    "4xx",
    "5xx",
    "other",
  ]);
});

describe("what a request says about its models", () => {
  const statusOf = (changes: object): unknown =>
    healthResults(finishedRecord({ attempts: [finishedAttempt(0, changes)] }), String)[0]?.status;

  test.each([
    [{ result: "success" }, "success"],
    [{ result: "error", statusCode: 500 }, "error"],
    [{ result: "error", statusCode: undefined, errorType: "PROVIDER_TIMEOUT" }, "timeout"],
    [{ result: "error", statusCode: undefined, errorType: "PROVIDER_ERROR" }, "error"],
    [{ result: "error", statusCode: 504 }, "timeout"],
    [{ result: "error", statusCode: 429 }, "rate_limited"],
    [{ result: "error", statusCode: 401 }, "unauthorized"],
    [{ result: "error", statusCode: 404 }, "not_found"],
    [{ result: "error", statusCode: 400 }, undefined],
    [{ result: "cancelled" }, undefined],
    [{ result: "skipped" }, undefined],
  ])("%j: %s", (changes, expected) => {
    expect(statusOf(changes)).toBe(expected);
  });

  test("probes are the health service's own", () => {
    expect(healthResults(finishedRecord({ probe: true }), String)).toEqual([]);
  });

  test("every kind of call says something, and which kind it was", () => {
    const { inference } = finishedRecord({});
    for (const requestType of ["chat_completion", "embedding", "image_generation", "audio_transcription"]) {
      const record = finishedRecord({ inference: { ...inference!, requestType } });
      expect(healthResults(record, String)).toMatchObject([{ request_type: requestType, status: "success" }]);
    }
    expect(healthResults(finishedRecord({ inference: undefined }), String)).toEqual([]);
  });
});

test("sampling keeps the asked share and decides alike for the same trace", () => {
  const random = Array.from({ length: 4_000 }, () => randomHex(16));
  const share = random.filter((id) => isSampled(id, 0.25)).length / random.length;
  expect(share).toBeGreaterThan(0.2);
  expect(share).toBeLessThan(0.3);
  expect(random.every((id) => isSampled(id, 1))).toBe(true);
  expect(random.some((id) => isSampled(id, 0))).toBe(false);
});
