import { afterAll, expect, test } from "vitest";
import { createProvider } from "../providers/provider.ts";
import { UpstreamError } from "../providers/upstream-error.ts";
import { EVENT_TOO_LONG } from "../stream/converter.ts";
import { failureOfStatus, failureOfStreamedError, failureOfUpstream, retryAfterSeconds } from "./attempt-failure.ts";

const config = { type: "openai" as const, baseUrl: "http://127.0.0.1:9", apiKey: "sk-canary-0123456789", models: [] };
const provider = createProvider("p", config, 1_000, false);
afterAll(() => provider.pool.destroy());

test.each([
  [400, "PROVIDER_REJECTED_REQUEST", false, false],
  [401, "PROVIDER_AUTHENTICATION_ERROR", true, true],
  [402, "PROVIDER_ERROR", true, true],
  [403, "PROVIDER_AUTHENTICATION_ERROR", true, true],
  [404, "MODEL_NOT_FOUND", true, false],
  [413, "PROVIDER_REQUEST_TOO_LARGE", false, false],
  [422, "PROVIDER_REJECTED_REQUEST", false, false],
  [429, "PROVIDER_RATE_LIMITED", false, false],
  [500, "PROVIDER_ERROR", false, true],
  [502, "PROVIDER_ERROR", true, true],
  [503, "PROVIDER_UNAVAILABLE", true, true],
  [504, "PROVIDER_TIMEOUT", true, true],
  [520, "PROVIDER_ERROR", false, true],
  [529, "PROVIDER_UNAVAILABLE", true, true],
  [301, "PROVIDER_INVALID_RESPONSE", true, true],
])("status %i: %s, moves on %s, counts %s", (status, code, failover, counts) => {
  const failure = failureOfStatus(provider, "m", status, {}, "not json");
  expect([failure.error.code, failure.failover, failure.countsAsFailure]).toEqual([code, failover, counts]);
});

test.each([
  ['{"error":{"message":"too long","param":"messages"}}', "too long"],
  ['{"type":"error","error":{"type":"x","message":"prompt is bad"}}', "prompt is bad"],
  ['{"error":"plain text"}', "plain text"],
  ['{"message":"on top"}', "on top"],
  ["<html>", "status 400"],
  ['{"error":{"message":"key sk-canary-0123456789 is bad"}}', "key <redacted> is bad"],
])("the provider's words in %s", (body, reason) => {
  expect(failureOfStatus(provider, "m", 400, {}, body).error.message).toBe(
    `Provider "p" rejected the request: ${reason}.`,
  );
});

test("an OpenAI client sees the provider's own code for a rejected request, if it is one word", () => {
  const codeOf = (code: unknown): string | null => {
    const body = JSON.stringify({ error: { message: "too long", code } });
    return failureOfStatus(provider, "m", 400, {}, body).error.openAiCode;
  };
  expect(codeOf("context_length_exceeded")).toBe("context_length_exceeded");
  for (const other of [null, 7, "", "Two words", "<script>", "x".repeat(65)])
    expect(codeOf(other)).toBe("provider_rejected_request");
});

test("an event too long to be one is garbage", () => {
  expect(failureOfStreamedError(provider, "m", EVENT_TOO_LONG).error.code).toBe("PROVIDER_INVALID_RESPONSE");
});

test.each([
  [{ type: "overloaded_error" }, "PROVIDER_UNAVAILABLE"],
  [{ type: "rate_limit_error" }, "PROVIDER_RATE_LIMITED"],
  [{ code: "429" }, "PROVIDER_RATE_LIMITED"],
  [{ type: "authentication_error" }, "PROVIDER_AUTHENTICATION_ERROR"],
  [{ type: "invalid_request_error", code: "context_length_exceeded" }, "PROVIDER_REJECTED_REQUEST"],
  [{ code: "model_not_found" }, "MODEL_NOT_FOUND"],
  [{ type: "timeout_error" }, "PROVIDER_TIMEOUT"],
  [{ type: "api_error" }, "PROVIDER_ERROR"],
  [{}, "PROVIDER_ERROR"],
])("an error inside a 200: %j is %s", (error, code) => {
  const streamed = { message: "x", type: undefined, code: undefined, ...error };
  expect(failureOfStreamedError(provider, "m", streamed).error.code).toBe(code);
});

test.each([
  ["connect", "PROVIDER_UNAVAILABLE"],
  ["connect_timeout", "PROVIDER_TIMEOUT"],
  ["reset", "PROVIDER_ERROR"],
  ["protocol", "PROVIDER_INVALID_RESPONSE"],
] as const)("a connection's %s is %s and moves on", (failure, code) => {
  const { error, failover } = failureOfUpstream(provider, new UpstreamError(failure, "it broke"));
  expect([error.code, failover]).toEqual([code, true]);
});

test.each([
  ["7", 7],
  ["0.5", 1],
  ["86400", 3_600],
  ["Wed, 21 Oct 2026 07:28:30 GMT", 30],
  ["Wed, 21 Oct 2020 07:28:30 GMT", 1],
  ["soon", undefined],
  [undefined, undefined],
])("Retry-After %s is %s s", (header, seconds) => {
  expect(retryAfterSeconds(header, Date.parse("Wed, 21 Oct 2026 07:28:00 GMT"))).toBe(seconds);
});
