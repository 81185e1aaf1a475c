import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  type FixtureProvider,
  hang,
  json,
  OPENAI_COMPLETION,
  OPENAI_STREAM,
  openAiChunk,
  sse,
  startFixtureProvider,
} from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

let first: FixtureProvider;
let second: FixtureProvider;
let gateway: TestGateway;

beforeAll(async () => {
  first = await startFixtureProvider(hang);
  second = await startFixtureProvider(json(OPENAI_COMPLETION));
  gateway = await startTestGateway({
    gateway: {
      providers: {
        // The default chain tries fireworks before together.
        fireworks: { baseUrl: first.url, models: ["m-1", "only-first"] },
        together: { baseUrl: second.url, models: ["m-1"] },
      },
      timeouts: { attempt: "800ms", streamIdle: "800ms" },
      breaker: { consecutiveFailures: 3, openFor: "1s" },
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await first.close();
  await second.close();
});

afterEach(() => {
  first.answer = hang;
  second.answer = json(OPENAI_COMPLETION);
  first.seen.length = 0;
  second.seen.length = 0;
  gateway.gateway.breakers.resetAll();
  gateway.gateway.routing.availability.resetAll();
  gateway.events.length = 0;
});

const chat = { model: "m-1", messages: [{ role: "user", content: "x" }] };
const ask = (rest: object = {}, headers: Record<string, string> = {}): Promise<Response> => {
  return gateway.post("/v1/chat/completions", { ...chat, ...rest }, headers);
};

test.each([401, 402, 403, 404, 502, 503, 504, 529])("status %i moves on to the next provider", async (status) => {
  first.answer = json({ error: { message: "no" } }, status);
  const reply = await ask();
  expect(reply.status).toBe(200);
  expect(reply.headers.get("x-gatewayz-provider")).toBe("together");
  const record = await gateway.nextRecord();
  expect(record.attempts.map(({ provider, result, statusCode }) => ({ provider, result, statusCode }))).toEqual([
    { provider: "fireworks", result: "error", statusCode: status },
    { provider: "together", result: "success", statusCode: 200 },
  ]);
  expect(record.outcome).toMatchObject({ statusCode: 200, provider: "together", model: "m-1", finishReason: "stop" });
  expect(record.usage).toEqual({
    inputTokens: 20,
    outputTokens: 5,
    cachedInputTokens: 8,
    cacheWriteInputTokens: 0,
    reasoningTokens: 2,
    source: "provider",
  });
  expect(gateway.events).toContainEqual({ name: "fallbackActivated", primary: "fireworks", fallback: "together" });
});

test.each([
  [429, 429, "PROVIDER_RATE_LIMITED"],
  [500, 502, "PROVIDER_ERROR"],
  [400, 400, "PROVIDER_REJECTED_REQUEST"],
  [422, 400, "PROVIDER_REJECTED_REQUEST"],
  [413, 413, "PROVIDER_REQUEST_TOO_LARGE"],
])("status %i does not move on; the client sees %i", async (status, seen, code) => {
  first.answer = json({ error: { message: "no", param: "x" } }, status);
  const reply = await ask();
  expect(reply.status).toBe(seen);
  expect(await reply.json()).toMatchObject({ error: { gateway_code: code } });
  expect(second.seen).toHaveLength(0);
  const record = await gateway.nextRecord();
  expect(record.outcome).toMatchObject({ statusCode: seen, provider: "fireworks", error: { code } });
});

test("a rate limit without Retry-After says 30 s", async () => {
  first.answer = json({}, 429);
  const reply = await ask();
  expect(reply.headers.get("retry-after")).toBe("30");
  await gateway.nextRecord();
});

test("a timeout and a dead stream before its first chunk are invisible", async () => {
  const reply = await ask();
  expect(reply.status).toBe(200);
  first.answer = sse([openAiChunk({ role: "assistant", content: "" })], "drop");
  second.answer = sse(OPENAI_STREAM);
  const stream = await ask({ stream: true });
  expect(stream.status).toBe(200);
  const text = await stream.text();
  expect(text).toContain("Hello");
  expect(text.match(/"role":"assistant"/g)).toHaveLength(1);
  expect((await gateway.nextRecord()).attempts[0]).toMatchObject({ result: "error", errorType: "PROVIDER_TIMEOUT" });
  expect((await gateway.nextRecord()).attempts.map(({ result }) => result)).toEqual(["error", "success"]);
});

test("an error event before the first chunk moves on, after it ends the stream", async () => {
  const error = `data: ${JSON.stringify({ error: { message: "overloaded", type: "overloaded_error" } })}\n\n`;
  first.answer = sse([openAiChunk({ role: "assistant", content: "" }), error]);
  second.answer = sse(OPENAI_STREAM);
  expect(await (await ask({ stream: true })).text()).toContain("Hello");
  first.answer = sse([openAiChunk({ content: "Hel" }), error]);
  const text = await (await ask({ stream: true })).text();
  expect(text).toContain('"gateway_code":"PROVIDER_UNAVAILABLE"');
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  await gateway.nextRecord();
  const record = await gateway.nextRecord();
  expect(record.outcome).toMatchObject({ statusCode: 200, error: { code: "PROVIDER_UNAVAILABLE" }, chunks: 1 });
  expect(record.usage).toMatchObject({ source: "word_heuristic", outputTokens: 1 });
});

test("when all fail: the common reason, else a summary", async () => {
  first.answer = json({ error: { message: "gone" } }, 404);
  second.answer = json({ error: { message: "gone" } }, 404);
  expect((await ask()).status).toBe(404);
  second.answer = json({ error: { message: "down" } }, 503);
  const reply = await ask();
  expect(reply.status).toBe(502);
  expect(await reply.json()).toMatchObject({
    error: { gateway_code: "ALL_PROVIDERS_FAILED", message: expect.stringContaining("fireworks, together") },
  });
  await gateway.nextRecord();
  await gateway.nextRecord();
});

test("the breaker opens after consecutive failures, is passed over, and closes again", async () => {
  first.answer = json({}, 503);
  for (let count = 0; count < 3; count++) await ask();
  expect(gateway.gateway.breakers.of("fireworks")!.state).toBe("open");
  expect(first.seen).toHaveLength(3);
  await ask();
  expect(first.seen).toHaveLength(3);
  expect(gateway.events).toContainEqual({ name: "breakerRejected", provider: "fireworks" });
  for (let count = 0; count < 3; count++) await gateway.nextRecord();
  expect((await gateway.nextRecord()).attempts[0]).toMatchObject({ result: "skipped", breakerState: "open" });
  // All open: the first is tried anyway.
  expect((await ask({ model: "only-first" })).status).toBe(503);
  expect(first.seen).toHaveLength(4);
  await new Promise((resolve) => setTimeout(resolve, 1_050));
  first.answer = json(OPENAI_COMPLETION);
  await ask();
  await ask();
  expect(gateway.gateway.breakers.of("fireworks")!.state).toBe("closed");
  for (let count = 0; count < 3; count++) await gateway.nextRecord();
});

test("a probe asks its provider only, whatever the breaker says, and moves nothing", async () => {
  first.answer = json({}, 503);
  for (let count = 0; count < 3; count++) await ask();
  const reply = await ask({ provider: "fireworks" }, { "x-gatewayz-probe": "1" });
  expect(reply.status).toBe(503);
  expect(first.seen).toHaveLength(4);
  for (let count = 0; count < 3; count++) await gateway.nextRecord();
  const record = await gateway.nextRecord();
  expect(record).toMatchObject({ probe: true, attempts: [{ provider: "fireworks", result: "error" }] });
  expect(record.attempts).toHaveLength(1);
});

test("gateway fields do not reach the provider; `provider` and the prefix choose it", async () => {
  await ask({ provider: "together", auto_routing: true });
  await ask({ model: "together/m-1" });
  expect(second.seen.map(({ body }) => body)).toEqual([chat, chat]);
  const unknown = await ask({ provider: "nobody" });
  expect(unknown.status).toBe(404);
  for (let count = 0; count < 3; count++) await gateway.nextRecord();
});
