import { describe, expect, test } from "vitest";
import type { Config } from "../../config/schema.ts";
import type { RequestOutcome } from "../request-record.ts";
import { eventLine } from "./event-lines.ts";
import { type LogLine, lineText } from "./log-line.ts";
import { createRedact } from "./redact.ts";
import { requestLines } from "./request-lines.ts";
import { finishedAttempt, finishedRecord } from "./testing.ts";

const plain = (text: string): string => text;
const outcome = (changes: Partial<RequestOutcome>): RequestOutcome => ({ ...finishedRecord().outcome!, ...changes });
const messages = (lines: LogLine[]): string[] => lines.map(({ message }) => message);
const ERROR = { code: "provider_error", type: "provider_error", message: "it broke" };

describe("lines of a request", () => {
  test("a streamed completion: its line, first chunk, stream completed", () => {
    const record = finishedRecord();
    const lines = requestLines(record, plain);
    expect(messages(lines)).toEqual([
      expect.stringMatching(/^POST \/v1\/chat\/completions 200 in 503 ms \(simulator\/gpt-4o-mini, 60 tokens\)$/),
      "[TTFC] First chunk in 0.24 s",
      "[STREAM] Stream completed: 12 chunks in 0.50 s",
    ]);
    const text = JSON.parse(lineText(lines[0]!)) as Record<string, unknown>;
    expect(text).toMatchObject({
      level: "INFO",
      logger: "gateway.inference",
      trace_id: record.traceId,
      span_id: record.spanId,
      request_id: record.requestId,
      provider: "simulator",
      model: "gpt-4o-mini",
      status_code: 200,
      duration_ms: 503,
      total_tokens: 60,
      cost_usd: 0.000027,
      user_id: "demo",
    });
    expect(text["timestamp"]).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  test("markers of slowness", () => {
    const slow = finishedRecord();
    const first = (ms: number) =>
      messages(requestLines({ ...slow, outcome: outcome({ timeToFirstChunkMs: ms }) }, plain))[1];
    expect(first(2_500)).toBe("[TTFC] Slow first chunk: 2.50 s");
    expect(first(12_000)).toBe("[TTFC CRITICAL] Slow first chunk: 12.00 s");
    const inference = { ...slow.inference!, stream: false };
    const finishedAtMs = slow.startedAtMs + 11_000;
    const late = { ...slow, inference, outcome: outcome({ finishedAtMs, timeToFirstChunkMs: undefined }) };
    expect(messages(requestLines(late, plain))[1]).toBe("SLOW REQUEST: POST /v1/chat/completions took 11.00 s");
  });

  test("levels: server errors and broken streams ERROR, client errors WARNING", () => {
    const level = (changes: Partial<RequestOutcome>) =>
      requestLines(finishedRecord({ outcome: outcome(changes) }), plain)[0]!.level;
    expect(level({ statusCode: 502, error: ERROR })).toBe("ERROR");
    expect(level({ statusCode: 200, error: ERROR })).toBe("ERROR");
    expect(level({ statusCode: 429, error: ERROR })).toBe("WARNING");
    expect(level({ statusCode: 499 })).toBe("WARNING");
  });

  test("an error carries its type as label and the words that rules look for", () => {
    const record = finishedRecord({
      outcome: outcome({ statusCode: 429, error: { ...ERROR, type: "rate_limit_error" } }),
    });
    const [line] = requestLines(record, plain);
    expect(line!.labels.error_type).toBe("rate_limit_error");
    expect(line!.message).toContain("429 Too Many Requests");
  });

  test("a call that failed before another answered is told once, with its own provider", () => {
    const failed = finishedAttempt(undefined, {
      provider: "openai",
      result: "error",
      statusCode: 503,
      errorMessage: "busy",
    });
    const lines = requestLines(finishedRecord({ attempts: [failed, finishedAttempt()] }), plain);
    const told = lines.filter(({ logger }) => logger === "gateway.providers");
    expect(messages(told)).toEqual(["Provider call to openai/gpt-4o-mini failed with 503: busy"]);
    expect(told[0]!.labels.provider).toBe("openai");
  });
});

test("newlines, ANSI and separators are escaped: one line stays one line", () => {
  const hostile = 'a\nb\r\u001b[31mred\u009b31m\u2028"x"\u0000';
  const record = finishedRecord({
    userAgent: hostile,
    outcome: outcome({ statusCode: 500, error: { ...ERROR, message: hostile } }),
  });
  for (const line of requestLines(record, plain)) {
    const text = lineText(line);
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    expect(() => JSON.parse(text)).not.toThrow();
  }
});

test("events: a breaker that moved is a line, a cache hit is none", () => {
  const moved = eventLine("breakerMoved", { provider: "openai", from: "closed", to: "open" }, 0)!;
  expect(moved).toMatchObject({ level: "WARNING", labels: { provider: "openai" } });
  expect(moved.message).toMatch(/circuit breaker/i);
  expect(eventLine("catalogLoaded", { gateway: "openai", models: 3, hit: true }, 0)).toBeUndefined();
});

test("secrets are replaced: the installation's own by value, others by their looks", () => {
  const config = {
    adminApiKey: "gw_live_admin_canary",
    engineKey: "engine-canary-key",
    dashboards: { password: "admin" },
    gateway: { keys: { app: { key: "client-canary" } }, providers: { openai: { apiKey: "provider-canary" } } },
  } as unknown as Config;
  const redact = createRedact(config);
  const text =
    "gw_live_admin_canary engine-canary-key client-canary provider-canary sk-proj-abcdefghijklmnop Bearer abc.def admin";
  expect(redact(text)).toBe("<redacted> <redacted> <redacted> <redacted> <redacted> <redacted> admin");
  expect(redact("model gpt-4o-mini is not served")).toBe("model gpt-4o-mini is not served");
});
