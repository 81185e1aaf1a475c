import { describe, expect, test } from "vitest";
import { botReason } from "./bot-traces.ts";
import { finishedAttempt, finishedRecord } from "./testing.ts";
import { isSampled, sampleTrace } from "./trace-sampling.ts";

/** A trace id below every ratio, so that only the tail's reasons keep it. */
const UNLUCKY = "0".repeat(31).concat("1");
const outcome = finishedRecord().outcome!;
const tail = { enabled: true, ratio: 0.1, slow: 5_000 };
const sampled = (changes: object) =>
  sampleTrace(finishedRecord({ ...changes, traceId: UNLUCKY }), { headRatio: 1, tail });

describe("tail sampling", () => {
  test.each([
    ["an ordinary request", {}, "dropped"],
    ["a failure", { outcome: { ...outcome, statusCode: 502 } }, "kept_error"],
    ["a refused model request", { outcome: { ...outcome, statusCode: 404 } }, "kept_error"],
    ["a broken stream", { outcome: { ...outcome, error: { code: "X", type: "x", message: "broke" } } }, "kept_error"],
    [
      "a fallback",
      { attempts: [finishedAttempt(0, { result: "error" }), finishedAttempt(0, { provider: "b" })] },
      "kept_fallback",
    ],
    [
      "a provider passed over",
      { attempts: [finishedAttempt(0, { result: "skipped" }), finishedAttempt()] },
      "kept_fallback",
    ],
  ])("%s: %s", (_name, changes, decision) => {
    expect(sampled(changes)).toBe(decision);
  });

  test("a slow request is kept", () => {
    const record = finishedRecord({ traceId: UNLUCKY });
    const slow = { ...outcome, finishedAtMs: record.startedAtMs + 6_000 };
    expect(sampleTrace({ ...record, outcome: slow }, { headRatio: 1, tail })).toBe("kept_slow");
  });

  test("the head ratio decides first, and its flag is never contradicted", () => {
    const failed = finishedRecord({ traceId: UNLUCKY, outcome: { ...outcome, statusCode: 500 } });
    expect(isSampled(UNLUCKY, 0.5)).toBe(false);
    expect(sampleTrace(failed, { headRatio: 0.5, tail })).toBe("dropped");
  });

  test("off by default: everything that the head let through is kept; on, about the ratio of the ordinary", () => {
    expect(sampleTrace(finishedRecord(), { headRatio: 1, tail: { ...tail, enabled: false } })).toBe("kept");
    const decisions = Array.from({ length: 3_000 }, () => sampleTrace(finishedRecord(), { headRatio: 1, tail }));
    const kept = decisions.filter((decision) => decision === "kept").length / decisions.length;
    expect(kept).toBeGreaterThan(0.07);
    expect(kept).toBeLessThan(0.13);
  });
});

describe("traces of bots", () => {
  const bot = (changes: object, statusCode: number) =>
    botReason(finishedRecord({ client: undefined, ...changes, outcome: { ...outcome, statusCode } }));

  test.each([
    [{ route: "unmatched" }, 404, "scanner_route"],
    [{ userAgent: "Mozilla/5.0 zgrab/0.x" }, 200, "bot_user_agent"],
    [{}, 401, "unauth_4xx_flood"],
    [{}, 403, "unauth_4xx_flood"],
    [{}, 429, "unauth_429_spam"],
    [{ route: "/v1/models/{id}" }, 404, undefined],
    [{}, 200, undefined],
  ])("%j with %d: %s", (changes, status, reason) => {
    expect(bot(changes, status)).toBe(reason);
  });

  test("a caller with a key is no bot, whatever it calls itself", () => {
    const { client } = finishedRecord();
    expect(bot({ client, userAgent: "sqlmap" }, 429)).toBeUndefined();
  });
});
