import { expect, test } from "vitest";
import type { RequestRecord } from "../request-record.ts";
import { attemptEvents } from "./attempt-events.ts";
import { requestLines } from "./request-lines.ts";
import { RequestSpans } from "./request-spans.ts";
import { finishedAttempt, finishedRecord } from "./testing.ts";

const redact = (text: string): string => text.replaceAll("secret", "<redacted>");
const spansOf = (record: RequestRecord, any = true) => new RequestSpans(redact, { any, system: false }).spansOf(record);

/** A request that was passed on three times. */
function wandering(): RequestRecord {
  const at = (provider: string, changes: object) => finishedAttempt(1, { provider, durationMs: 10, ...changes });
  return finishedRecord({
    routing: {
      strategy: "smart",
      policy: "cost",
      alias: "cheap",
      candidates: ["a/m", "b/m", "c/m"],
      passedOver: [{ provider: "z", model: "m", reason: "margin_floor" }],
      reason: "cheapest",
      confidence: 0.7,
      durationMs: 0.2,
    },
    attempts: [
      at("a", { result: "skipped", errorType: "CIRCUIT_BREAKER_OPEN", errorMessage: "secret", breakerState: "open" }),
      at("b", { result: "error", statusCode: 429, errorType: "PROVIDER_RATE_LIMITED" }),
      at("b", { result: "error", statusCode: 503, errorType: "PROVIDER_ERROR", kind: "key_rotation", waitedMs: 5 }),
      at("b", { result: "error", statusCode: 503, errorType: "PROVIDER_ERROR" }),
      at("c", { model: "gpt-4o-mini" }),
    ],
  });
}

test("what happened between the calls is told as events, with who, from whom and why", () => {
  expect(attemptEvents(finishedRecord(), redact)).toEqual([]);
  const told = attemptEvents(wandering(), redact).map(({ name, attributes }) => [
    name,
    attributes["ai.provider"],
    attributes["ai.routing.from_provider"],
    attributes["ai.routing.reason"],
  ]);
  expect(told).toEqual([
    ["provider_skipped", "a", undefined, "circuit_breaker_open"],
    ["key_rotation", "b", "b", "provider_rate_limited"],
    ["retry", "b", "b", "provider_error"],
    ["fallback", "c", "b", "provider_error"],
  ]);
  expect(JSON.stringify(attemptEvents(wandering(), redact))).not.toContain("secret");
});

test("the routing span carries the decision and who was passed over; the events stand on the inference", () => {
  const [server, route, inference] = spansOf(wandering());
  expect(route!.attributes).toMatchObject({
    "ai.routing.strategy": "smart",
    "ai.routing.policy": "cost",
    "ai.routing.alias": "cheap",
    "ai.routing.candidates": ["a/m", "b/m", "c/m"],
    "ai.routing.reason": "cheapest",
    "ai.routing.confidence": 0.7,
    "ai.routing.attempts": 5,
  });
  expect(route!.events.map(({ name, attributes }) => [name, attributes["ai.routing.reason"]])).toEqual([
    ["provider_passed_over", "margin_floor"],
    ["provider_skipped", "circuit_breaker_open"],
  ]);
  expect(inference!.events).toHaveLength(4);
  expect(server!.events).toEqual([]);
});

test("without the conventions' span the events stand on the server's, and the calls hang on it", () => {
  const record = wandering();
  const spans = spansOf(record, false);
  expect(spans.map(({ name }) => name)).not.toContain("chat gpt-4o-mini");
  expect(spans[0]!.events).toHaveLength(4);
  expect(spans.filter(({ name }) => name === "b/gpt-4o-mini").map(({ parentSpanId }) => parentSpanId)).toEqual(
    new Array(3).fill(record.spanId),
  );
});

test("the request's line carries the decision and every call; an ordinary one says nothing of it", () => {
  expect(requestLines(wandering(), redact)[0]!.fields).toMatchObject({
    routing_strategy: "smart",
    routing_policy: "cost",
    candidates: ["a/m", "b/m", "c/m"],
    passed_over: ["z/m: margin_floor"],
    attempts: [
      "a/gpt-4o-mini skipped 200 CIRCUIT_BREAKER_OPEN",
      "b/gpt-4o-mini error 429 PROVIDER_RATE_LIMITED 10 ms",
      "b/gpt-4o-mini error 503 PROVIDER_ERROR 10 ms",
      "b/gpt-4o-mini error 503 PROVIDER_ERROR 10 ms",
      "c/gpt-4o-mini success 200 10 ms",
    ],
  });
  const ordinary = requestLines(finishedRecord(), redact)[0]!.fields;
  expect(ordinary["routing_strategy"]).toBeUndefined();
  expect(ordinary["attempts"]).toBeUndefined();
});
