import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRecord } from "../record.ts";
import type { AttemptRecord, RequestOutcome, RequestRecord } from "../request-record.ts";
import { groupRows, sumOf } from "./fold.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import { RequestStatistics } from "./request-statistics.ts";

const MINUTE_MS = 60_000;
const T0 = 1_800_000_000_000;

interface Story {
  readonly provider?: string;
  readonly model?: string;
  readonly status?: number;
  readonly ms?: number;
  readonly usd?: number;
  readonly probe?: boolean;
  readonly attempts?: readonly (readonly [provider: string, result: AttemptRecord["result"]])[];
}

function finished(story: Story): RequestRecord {
  const { provider, model, status = 200, ms = 100, usd = 0.01 } = story;
  const record = createRecord("POST", "/v1/chat/completions", "openai", {});
  record.inference = {
    requestType: "chat_completion",
    requestedModel: model ?? "m",
    stream: false,
    temperature: undefined,
    maxTokens: undefined,
    topP: undefined,
    frequencyPenalty: undefined,
    presencePenalty: undefined,
    toolCount: 0,
  };
  record.outcome = {
    statusCode: status,
    provider,
    model,
    finishedAtMs: record.startedAtMs + ms,
    clientAborted: status === 499,
    error: status === 200 ? undefined : { code: "PROVIDER_ERROR", type: "provider_error", message: "no" },
  } as RequestOutcome;
  record.usage = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 4, reasoningTokens: 1, source: "provider" };
  record.cost = { inputUsd: usd, outputUsd: 0, totalUsd: usd, defaultPricing: false };
  record.probe = story.probe ?? false;
  for (const [name, result] of story.attempts ?? []) {
    record.attempts.push({ provider: name, model: "m", result, durationMs: ms } as AttemptRecord);
  }
  return record;
}

describe("request statistics", () => {
  test("requests add up by provider and model, over minutes and hours", () => {
    let nowMs = T0;
    const statistics = new RequestStatistics(() => nowMs);
    statistics.add(finished({ provider: "openai", model: "gpt-a", ms: 100 }));
    statistics.add(finished({ provider: "openai", model: "gpt-b", status: 502 }));
    nowMs += 30 * MINUTE_MS;
    statistics.add(finished({ provider: "groq", model: "gpt-a", status: 499 }));
    expect(groupRows(statistics.recent(60), "model").map(({ name, totals }) => [name, totals.requests])).toEqual([
      ["gpt-a", 2],
      ["gpt-b", 1],
    ]);
    expect(statistics.recent(10).map(({ provider }) => provider)).toEqual(["groq"]);
    const sum = sumOf(statistics.past(24));
    expect(sum).toMatchObject({ requests: 3, errors: 1, aborted: 1, inputTokens: 30, cachedTokens: 12 });
    expect(sum.costUsd).toBeCloseTo(0.03);
    expect(statistics.byMinute(60)).toHaveLength(2);
    nowMs += 40 * MINUTE_MS;
    expect(sumOf(statistics.recent(60)).requests).toBe(1);
    expect(sumOf(statistics.past(24)).requests).toBe(3);
    nowMs += 8 * 24 * 60 * MINUTE_MS;
    expect(statistics.past(168)).toEqual([]);
  });

  test("a probe is no traffic, but its call counts; skipped and cancelled calls count nothing", () => {
    const statistics = new RequestStatistics(() => T0);
    statistics.add(finished({ provider: "a", model: "m", probe: true, attempts: [["a", "error"]] }));
    statistics.add(
      finished({
        provider: "b",
        model: "m",
        attempts: [
          ["a", "skipped"],
          ["c", "cancelled"],
          ["b", "success"],
        ],
      }),
    );
    expect(sumOf(statistics.recent(60)).requests).toBe(1);
    const calls = statistics.calls(60);
    expect([...calls.keys()]).toEqual(["a", "b"]);
    expect(calls.get("a")).toMatchObject({ calls: 1, failures: 1, errorRate: 1 });
  });

  test("more pairs than one slot holds count as other; nothing is lost", () => {
    const statistics = new RequestStatistics(() => T0);
    for (let index = 0; index < 1_000; index++) statistics.add(finished({ provider: "p", model: `m-${index}` }));
    const rows = statistics.recent(60);
    expect(rows.length).toBeLessThanOrEqual(201);
    expect(sumOf(rows).requests).toBe(1_000);
    expect(rows.find(({ model }) => model === "other")?.totals.requests).toBe(800);
  });

  test("failures are kept newest first, at most 500, without departed clients", () => {
    let nowMs = T0;
    const statistics = new RequestStatistics(() => nowMs++);
    for (let index = 0; index < 600; index++)
      statistics.add(finished({ provider: "p", model: `m-${index}`, status: 502 }));
    statistics.add(finished({ status: 499 }));
    const failures = statistics.failures();
    expect(failures).toHaveLength(500);
    expect(failures[0]).toMatchObject({ model: "m-599", code: "PROVIDER_ERROR", statusCode: 502 });
  });
});

describe("latency histogram", () => {
  test("quantiles are within 19 % of the true ones, and merging is the same as adding", () => {
    const samples = fc.array(fc.double({ min: 1, max: 600_000, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(samples, samples, (first, second) => {
        const [a, b, both] = [new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram()];
        for (const ms of first) a.add(ms);
        for (const ms of second) b.add(ms);
        for (const ms of [...first, ...second]) both.add(ms);
        a.merge(b);
        const sorted = [...first, ...second].sort((x, y) => x - y);
        for (const quantile of [0, 0.5, 0.95, 0.99, 1]) {
          expect(a.quantileMs(quantile)).toBe(both.quantileMs(quantile));
          const exact = sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)]!;
          expect(both.quantileMs(quantile)).toBeGreaterThanOrEqual(exact * 0.999);
          expect(both.quantileMs(quantile)).toBeLessThanOrEqual(exact * 1.19);
        }
      }),
    );
  });
});
