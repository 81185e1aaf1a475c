import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createProvider, type Provider } from "../providers/provider.ts";
import { createRecord, nowMs } from "../record.ts";
import type { AttemptRecord } from "../request-record.ts";
import {
  type FixtureProvider,
  hang,
  json,
  OPENAI_COMPLETION,
  OPENAI_STREAM,
  sse,
  startFixtureProvider,
} from "../testing/fixture-provider.ts";
import { recordingTelemetry } from "../testing/test-gateway.ts";
import { Conversation } from "../translation/conversation.ts";
import { type AttemptInput, sendAttempt } from "./attempt.ts";
import { AttemptFailure, invalidResponse } from "./attempt-failure.ts";
import type { AttemptLimits } from "./attempt-limits.ts";
import { AvailabilityBreakers } from "./availability-breaker.ts";
import { Breakers } from "./breakers.ts";
import { LatencyBook } from "./latency-book.ts";
import { settleAttempt } from "./settle-attempt.ts";

const LIMITS: AttemptLimits = {
  startMs: 2_000,
  writeMs: 2_000,
  readMs: 2_000,
  attemptMs: 2_000,
  bytesPerSecondMin: 0,
};
let fixture: FixtureProvider;
let provider: Provider;

beforeAll(async () => {
  fixture = await startFixtureProvider(hang);
  provider = createProvider("p", { type: "openai", baseUrl: fixture.url, apiKey: undefined, models: [] }, 1_000, false);
});
afterEach(() => {
  fixture.answer = hang;
});
afterAll(async () => {
  await provider.pool.destroy();
  await fixture.close();
});

function newAttempt(): AttemptRecord {
  return {
    provider: "p",
    model: "m",
    url: fixture.url,
    spanId: "b7ad6b7169203331",
    startedAtMs: nowMs(),
    durationMs: 0,
    statusCode: undefined,
    result: "pending",
    errorType: undefined,
    errorMessage: undefined,
    breakerState: "closed",
  };
}

function inputOf(stream: boolean, signal = new AbortController().signal): AttemptInput {
  const record = createRecord("POST", "/v1/chat/completions", "openai", {});
  const body = { model: "m", messages: [{ role: "user", content: "x" }], stream };
  return {
    record,
    conversation: new Conversation("openai", body, record.traceId),
    clientHeaders: {},
    sampled: false,
    signal,
  };
}

test("a whole answer comes with its bytes, a stream once its first real chunk is there", async () => {
  fixture.answer = json(OPENAI_COMPLETION);
  const attempt = newAttempt();
  const whole = await sendAttempt(inputOf(false), { provider, model: "m" }, attempt, LIMITS);
  expect(whole.kind === "json" && JSON.parse(whole.bytes.toString())).toEqual(OPENAI_COMPLETION);
  expect(attempt.statusCode).toBe(200);
  expect(fixture.seen.at(-1)!.headers.traceparent).toMatch(/-b7ad6b7169203331-00$/);
  fixture.answer = sse(OPENAI_STREAM.slice(0, 2), "open");
  const stream = await sendAttempt(inputOf(true), { provider, model: "m" }, newAttempt(), LIMITS);
  expect(stream.kind === "stream" && stream.converter.started).toBe(true);
  if (stream.kind === "stream") stream.relay.cancel();
  await fixture.seen.at(-1)!.aborted;
});

test("the limit ends it, and closes the provider's connection", async () => {
  const failed = await sendAttempt(inputOf(false), { provider, model: "m" }, newAttempt(), {
    ...LIMITS,
    attemptMs: 50,
  }).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(AttemptFailure);
  expect((failed as AttemptFailure).error.message).toBe(
    'Provider "p" did not answer in time: the limit of 0.1 s passed.',
  );
  await fixture.seen.at(-1)!.aborted;
});

test("the signal ends it with its own reason; an aborted one sends nothing", async () => {
  const controller = new AbortController();
  const pending = sendAttempt(inputOf(false, controller.signal), { provider, model: "m" }, newAttempt(), LIMITS);
  const before = fixture.seen.length;
  await expect.poll(() => fixture.seen.length).toBe(before + 1);
  controller.abort(new Error("client gone"));
  await expect(pending).rejects.toThrow("client gone");
  await fixture.seen.at(-1)!.aborted;
  await expect(
    sendAttempt(inputOf(false, controller.signal), { provider, model: "m" }, newAttempt(), LIMITS),
  ).rejects.toThrow("client gone");
  expect(fixture.seen.length).toBe(before + 1);
});

test.each([
  ["a JSON error", json({ error: { message: "busy", type: "overloaded_error" } }), "PROVIDER_UNAVAILABLE"],
  ["JSON without an answer", json({ hello: 1 }), "PROVIDER_INVALID_RESPONSE"],
])("a stream that is %s", async (_name, answer, code) => {
  fixture.answer = answer;
  const failed = sendAttempt(inputOf(true), { provider, model: "m" }, newAttempt(), LIMITS);
  await expect(failed).rejects.toMatchObject({ error: { code } });
});

test("settling writes the record and tells the breaker, except for probes and departures", () => {
  const limits = {
    consecutiveFailures: 1,
    failureRate: 1,
    window: 60_000,
    windowRequestsMin: 10,
    openFor: 60_000,
    halfOpenSuccesses: 1,
    halfOpenFailures: 1,
  };
  const availability = new AvailabilityBreakers(
    { ...limits, failures: 5, slowResponse: 1, slowResponses: 3 },
    () => {},
  );
  const breakers = new Breakers(["p"], limits, recordingTelemetry());
  const context = { breakers, availability, latency: new LatencyBook(), openLeases: new WeakMap() };
  const failure = invalidResponse(provider, "it is not JSON");
  const attempt = newAttempt();
  settleAttempt(context, true, attempt, failure);
  settleAttempt(context, false, newAttempt(), "cancelled");
  settleAttempt(context, false, newAttempt(), new AttemptFailure(failure.error, false, false));
  expect(breakers.of("p")!.state).toBe("closed");
  expect(attempt).toMatchObject({ result: "error", errorType: "PROVIDER_INVALID_RESPONSE" });
  settleAttempt(context, false, newAttempt(), failure);
  expect(breakers.of("p")!.state).toBe("open");
});
