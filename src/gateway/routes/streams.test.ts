import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TEST_ADMIN_KEY } from "../../runtime/testing.ts";
import {
  ANTHROPIC_STREAM,
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

let provider: FixtureProvider;
let anthropicProvider: FixtureProvider;
let gateway: TestGateway;

beforeAll(async () => {
  provider = await startFixtureProvider(hang);
  anthropicProvider = await startFixtureProvider(hang);
  gateway = await startTestGateway({
    gateway: {
      providers: {
        fix: { baseUrl: provider.url, models: ["m-1"] },
        ant: { type: "anthropic", baseUrl: anthropicProvider.url, models: ["a-1"] },
      },
      timeouts: { streamIdle: "800ms", stream: "3s" },
      concurrency: { active: 200 },
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await provider.close();
  await anthropicProvider.close();
});

const chat = { model: "m-1", messages: [{ role: "user", content: "one two three" }], stream: true };

test("same format: the reply is the provider's bytes, and the record has everything", async () => {
  provider.answer = sse(OPENAI_STREAM);
  const reply = await gateway.post("/v1/chat/completions", { ...chat, stream_options: { include_usage: true } });
  expect(reply.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(reply.headers.get("x-accel-buffering")).toBe("no");
  expect(await reply.text()).toBe(OPENAI_STREAM.join(""));
  const record = await gateway.nextRecord();
  expect(record).toMatchObject({
    method: "POST",
    route: "/v1/chat/completions",
    dialect: "openai",
    client: { keyName: "admin" },
    inference: { requestType: "chat_completion", requestedModel: "m-1", stream: true },
    attempts: [{ provider: "fix", result: "success", statusCode: 200, url: `${provider.url}/chat/completions` }],
    usage: { inputTokens: 20, outputTokens: 5, source: "provider" },
    cost: { defaultPricing: true },
    outcome: {
      statusCode: 200,
      finishReason: "stop",
      responseId: "chatcmpl-1",
      chunks: 5,
      clientAborted: false,
      error: undefined,
    },
    simulated: false,
    probe: false,
  });
  const { timeToFirstByteMs, timeToFirstChunkMs, responseBodyBytes } = record.outcome!;
  expect(timeToFirstChunkMs).toBeGreaterThanOrEqual(timeToFirstByteMs!);
  expect(responseBodyBytes).toBe(Buffer.byteLength(OPENAI_STREAM.join("")));
  expect(Object.keys(record.stages)).toEqual([
    "auth_validation",
    "request_parsing",
    "request_preparation",
    "backend_fetch",
    "stream_processing",
  ]);
});

test("JSON: the provider's bytes with gateway_usage at the end", async () => {
  provider.answer = json(OPENAI_COMPLETION);
  const text = await (await gateway.post("/v1/chat/completions", { ...chat, stream: false })).text();
  expect(text.startsWith(JSON.stringify(OPENAI_COMPLETION).slice(0, -1))).toBe(true);
  expect(JSON.parse(text)).toMatchObject({
    gateway_usage: { provider: "fix", cost_usd: 0.0005, input_cost_usd: 0.0004, output_cost_usd: 0.0001 },
  });
  await gateway.nextRecord();
});

test("the client goes: the provider is cancelled, the record has what came", async () => {
  provider.answer = sse(
    [openAiChunk({ role: "assistant", content: "" }), openAiChunk({ content: "12345678" })],
    "open",
  );
  const controller = new AbortController();
  const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${TEST_ADMIN_KEY}` },
    body: JSON.stringify(chat),
    signal: controller.signal,
  });
  await reply.body!.getReader().read();
  controller.abort();
  await provider.seen.at(-1)!.aborted;
  const record = await gateway.nextRecord();
  expect(record.outcome).toMatchObject({ statusCode: 200, clientAborted: true, error: undefined, chunks: 2 });
  expect(record.attempts[0]).toMatchObject({ result: "cancelled" });
  expect(record.usage).toMatchObject({ outputTokens: 2, source: "word_heuristic" });
  expect(gateway.gateway.breakers.of("fix")!.view().failure_count).toBe(0);
});

test("the client goes before the first byte: cancelled and recorded too", async () => {
  provider.answer = hang;
  const controller = new AbortController();
  const reply = fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${TEST_ADMIN_KEY}` },
    body: JSON.stringify(chat),
    signal: controller.signal,
  });
  const before = provider.seen.length;
  await expect.poll(() => provider.seen.length).toBe(before + 1);
  controller.abort();
  await expect(reply).rejects.toThrow();
  await provider.seen.at(-1)!.aborted;
  const record = await gateway.nextRecord();
  expect(record.outcome).toMatchObject({ statusCode: 499, clientAborted: true, provider: "fix" });
  expect(record.attempts[0]).toMatchObject({ result: "cancelled" });
});

test("Anthropic's partial count is kept when its stream breaks off, and the error event ends it", async () => {
  anthropicProvider.answer = sse(ANTHROPIC_STREAM.slice(0, 5), "drop");
  const body = { ...chat, model: "a-1", max_tokens: 10 };
  const text = await (await gateway.post("/v1/messages", body)).text();
  expect(text).toMatch(
    /event: error\ndata: \{"type":"error","error":\{"type":"api_error","message":"The stream of provider \\"ant\\" broke off/,
  );
  const record = await gateway.nextRecord();
  expect(record.usage).toMatchObject({ inputTokens: 20, outputTokens: 3, source: "provider_partial" });
  expect(record.outcome).toMatchObject({
    statusCode: 200,
    error: { code: "PROVIDER_STREAM_INTERRUPTED", type: "api_error" },
  });
});

test("a client that does not read: the provider is held back, then both are let go", async () => {
  let sentBytes = 0;
  const big = openAiChunk({ content: "x".repeat(64 * 1024) });
  provider.answer = (_request, reply) => {
    reply.writeHead(200, { "content-type": "text/event-stream" });
    const send = (): void => {
      while (!reply.destroyed && !reply.writableNeedDrain && sentBytes < 200e6) {
        reply.write(big);
        sentBytes += big.length;
      }
    };
    reply.on("drain", send);
    send();
  };
  const body = JSON.stringify(chat);
  const client = httpRequest(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${TEST_ADMIN_KEY}`, "content-length": Buffer.byteLength(body) },
  });
  client.on("error", () => undefined);
  client.on("response", (reply) => {
    reply.on("error", () => undefined);
    reply.pause();
  });
  client.end(body);
  await expect.poll(() => provider.seen.length, { timeout: 2_000 }).toBeGreaterThan(0);
  await provider.seen.at(-1)!.aborted;
  expect(sentBytes).toBeLessThan(30e6);
  const record = await gateway.nextRecord();
  expect(record.outcome!.error).toMatchObject({ code: "STREAM_TIMEOUT" });
  expect(gateway.gateway.breakers.of("fix")!.view().failure_count).toBe(0);
});

test("a stream without end is ended by the clock", async () => {
  provider.answer = (_request, reply) => {
    reply.writeHead(200, { "content-type": "text/event-stream" });
    const timer = setInterval(() => reply.write(openAiChunk({ content: "tick " })), 100);
    reply.on("close", () => clearInterval(timer));
  };
  const text = await (await gateway.post("/v1/chat/completions", chat)).text();
  expect(text).toContain("exceeded the whole stream limit of 3 s");
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  await gateway.nextRecord();
});

test("shutdown: a hundred open streams get a clean end, new requests are refused", async () => {
  provider.answer = sse([openAiChunk({ content: "so far" })], "open");
  // A gateway of its own: on a busy machine a hundred streams take longer to open than the short limits above allow.
  const patient = await startTestGateway({
    gateway: { providers: { fix: { baseUrl: provider.url, models: ["m-1"] } }, concurrency: { active: 200 } },
  });
  const replies = await Promise.all(Array.from({ length: 100 }, () => patient.post("/v1/chat/completions", chat)));
  const drained = patient.gateway.inFlight.drain(100, 2_000);
  const refused = await patient.post("/v1/chat/completions", { ...chat, stream: false });
  expect(refused.status).toBe(503);
  expect(refused.headers.get("connection")).toBe("close");
  for (const text of await Promise.all(replies.map((reply) => reply.text()))) {
    expect(text).toContain("so far");
    expect(text).toContain('"gateway_code":"SHUTTING_DOWN"');
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  }
  await drained;
  await patient.close();
});
