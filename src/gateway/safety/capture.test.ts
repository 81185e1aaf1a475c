import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ConfigInput } from "../../config/schema.ts";
import { finishedRecord } from "../telemetry/testing.ts";
import {
  ANTHROPIC_TOOL_STREAM,
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  openAiChunk,
  sse,
  startFixtureProvider,
} from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import { Capture } from "./capture.ts";
import { Redactor } from "./redactor.ts";
import { captureStoreSuite } from "./testing-suite.ts";

type CaptureInput = NonNullable<NonNullable<NonNullable<ConfigInput["gateway"]>["safety"]>["capture"]>;

let provider: FixtureProvider;
let gateway: TestGateway | undefined;

beforeAll(async () => {
  provider = await startFixtureProvider(json(OPENAI_COMPLETION));
});
beforeEach(() => {
  provider.answer = json(OPENAI_COMPLETION);
});
afterEach(async () => {
  await gateway?.gateway.content.close();
  await gateway?.gateway.database.close();
  await gateway?.close();
  gateway = undefined;
});
afterAll(() => provider.close());

async function startWith(capture: CaptureInput, hooks: { module: string }[] = []): Promise<void> {
  gateway = await startTestGateway({
    gateway: {
      providers: {
        oai: { baseUrl: `${provider.url}/v1`, models: ["m-1"], apiKey: "provider-canary-0123456789" },
        ant: { type: "anthropic", baseUrl: provider.url, models: ["c-1"] },
      },
      keys: { small: "gw_live_small_key" },
      safety: { capture, hooks },
    },
  });
}

async function askAndRead(body: object, path = "/v1/chat/completions") {
  await (await gateway!.post(path, body)).text();
  const record = await gateway!.nextRecord();
  const read = (keyHash?: string) => gateway!.gateway.content.captured(record.requestId, keyHash);
  return { record, read, content: await read() };
}

const chat = (content: unknown = "hello", rest: object = {}) => ({
  model: "m-1",
  messages: [{ role: "user", content }],
  ...rest,
});

test("off by default: nothing is read, nothing is kept", async () => {
  await startWith({});
  const { content, record } = await askAndRead(chat());
  expect(content).toBeUndefined();
  expect(record.captured).toBeUndefined();
});

test("prompt and answer are kept for the key that asked, redacted, in the database", async () => {
  await startWith({ enabled: true, spans: true });
  const answer = { role: "assistant", content: "Write to b@example.org or use provider-canary-0123456789" };
  provider.answer = json({ ...OPENAI_COMPLETION, choices: [{ index: 0, message: answer, finish_reason: "stop" }] });
  const prompt = "I am a@example.com, card 4111111111111111";
  const { content, record, read } = await askAndRead(
    chat(prompt, { temperature: 0.5, tools: [{ type: "function", function: { name: "f" } }] }),
  );
  expect(JSON.parse(content!.input)).toEqual({
    messages: [{ role: "user", content: "I am <redacted:email>, card <redacted:card>" }],
    tools: [{ type: "function", function: { name: "f" } }],
  });
  expect(JSON.parse(content!.output)).toEqual([
    { role: "assistant", content: "Write to <redacted:email> or use <redacted:key>" },
  ]);
  expect(await read(record.client!.keyHash)).toEqual(content);
  expect(await read("another key")).toBeUndefined();
});

test("for span attributes the record gets the same redacted texts", () => {
  const redaction = { keys: true, email: true, cards: true, patterns: [] };
  const config = {
    enabled: true,
    keys: ["*"],
    sampleRatio: 1,
    store: false,
    spans: true,
    retention: 1,
    bytesMax: 1,
    textBytesMax: 1_000,
  };
  const capture = new Capture(config, new Redactor({ rules: redaction, secrets: [] }), undefined);
  const record = finishedRecord();
  const bytes = Buffer.from(JSON.stringify(OPENAI_COMPLETION));
  const plain = { ...record, inference: { ...record.inference!, stream: false } };
  capture.take(plain, { prompt: "a@b.co" }, { bytes, whole: true });
  expect(plain.captured).toEqual({
    input: '{"prompt":"<redacted:email>"}',
    output: JSON.stringify([OPENAI_COMPLETION.choices[0]!.message]),
  });
});

test("in a stream, what comes in pieces is put together before it is redacted", async () => {
  await startWith({ enabled: true });
  const pieces = ["Mail an", "na@exa", "mple.c", "om, key sk-pr", "oj-abcdefgh", "ijklmnop1234 ok"];
  provider.answer = sse([
    openAiChunk({ role: "assistant", content: "" }),
    ...pieces.map((content) => openAiChunk({ content })),
    openAiChunk({}, "stop"),
    "data: [DONE]\n\n",
  ]);
  const { content } = await askAndRead(chat("x", { stream: true }));
  expect(JSON.parse(content!.output)).toEqual([
    { role: "assistant", content: "Mail <redacted:email>, key <redacted:key> ok" },
  ]);
});

test("tool calls of a stream, in both formats", async () => {
  await startWith({ enabled: true });
  provider.answer = sse(ANTHROPIC_TOOL_STREAM);
  const calls = [
    expect.objectContaining({ function: { name: "get_weather", arguments: '{"city":"Oslo"}' } }),
    expect.objectContaining({ function: { name: "get_weather", arguments: '{"city":"Rome"}' } }),
  ];
  for (const path of ["/v1/messages", "/v1/chat/completions"]) {
    const { content } = await askAndRead({ ...chat("x", { stream: true, max_tokens: 50 }), model: "c-1" }, path);
    expect(JSON.parse(content!.output)[0].tool_calls).toEqual(calls);
  }
});

test("long texts are cut, before half a secret; pictures are kept as their size", async () => {
  await startWith({ enabled: true, textBytesMax: 300 });
  const secret = "sk-proj-abcdefghijklmnopqrstuvwxyz";
  const text = `${"word ".repeat(58)}${secret}`;
  const url = `data:image/png;base64,${"A".repeat(5_000)}`;
  const { content } = await askAndRead(chat([{ type: "image_url", image_url: { url } }]));
  expect(content!.input.length).toBeLessThan(350);
  const cut = (await askAndRead(chat(text))).content!;
  expect(cut.input).toContain("<cut>");
  expect(cut.input).not.toContain("sk-p");
  expect(Buffer.byteLength(cut.input)).toBeLessThan(320);
  provider.answer = json({ ...OPENAI_COMPLETION, padding: "p".repeat(2_310), x: secret });
  expect((await askAndRead(chat())).content!.output).not.toContain("sk-p");
});

test("what a before-hook made of a request is what is kept; a refused one is not", async () => {
  await startWith({ enabled: true }, [{ module: "redaction" }]);
  const { content } = await askAndRead(chat("a@b.co"));
  expect(content!.input).toContain("<redacted:email>");
  const { content: none } = await askAndRead({ model: "m-1" });
  expect(none).toBeUndefined();
});

test("keys and share", async () => {
  await startWith({ enabled: true, keys: ["small"] });
  expect((await askAndRead(chat())).content).toBeUndefined();
  await gateway!.gateway.content.close();
  await gateway!.close();
  await startWith({ enabled: true, sampleRatio: 0.5 });
  let kept = 0;
  for (let index = 0; index < 60; index++) if ((await askAndRead(chat())).content !== undefined) kept++;
  expect(kept).toBeGreaterThan(10);
  expect(kept).toBeLessThan(50);
});

test("the owner reads and deletes its content over HTTP, others do not find it; probes are not captured", async () => {
  await startWith({ enabled: true, spans: true });
  const small = { authorization: "Bearer gw_live_small_key" };
  const reply = await gateway!.post("/v1/chat/completions", chat("mine"), small);
  await reply.text();
  const record = await gateway!.nextRecord();
  expect(record.captured).toBeUndefined(); // Not kept in memory with the record.
  const url = `${gateway!.url}/v1/requests/${record.requestId}/content`;
  const read = await fetch(url, { headers: small });
  expect(await read.json()).toMatchObject({ id: record.requestId, input: expect.stringContaining("mine") });
  expect((await gateway!.post("/v1/chat/completions", chat("x"))).status).toBe(200);
  const admins = await gateway!.nextRecord();
  const others = `${gateway!.url}/v1/requests/${admins.requestId}/content`;
  expect((await fetch(others, { headers: small })).status).toBe(404);
  expect(await (await fetch(url, { method: "DELETE", headers: small })).json()).toMatchObject({ deleted: true });
  expect((await fetch(url, { headers: small })).status).toBe(404);
  const probe = await gateway!.post(
    "/v1/chat/completions",
    { ...chat("x"), provider: "oai" },
    { "x-gatewayz-probe": "1" },
  );
  const id = probe.headers.get("x-request-id")!;
  expect(await gateway!.gateway.content.captured(id, undefined)).toBeUndefined();
});

describe("the store", () => captureStoreSuite(async () => ({})));
