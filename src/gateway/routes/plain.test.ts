import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Role } from "../../runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../../runtime/testing.ts";
import { start } from "../index.ts";
import type { JsonObject } from "../json.ts";
import { type FixtureProvider, json, sse, startFixtureProvider } from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

let provider: FixtureProvider;
let gateway: TestGateway;
let context: TestContext;
let role: Role;
let openai: OpenAI;

beforeAll(async () => {
  provider = await startFixtureProvider(json({}));
  gateway = await startTestGateway({
    gateway: {
      providers: {
        fix: { type: "openai", baseUrl: `${provider.url}/v1`, apiKey: "sk-fix", models: ["e-1", "i-1", "m-1", "r-1"] },
        ant: { type: "anthropic", baseUrl: provider.url, apiKey: "sk-ant", models: ["a-1"] },
      },
    },
  });
  context = await testContext("gateway", { mode: "demo", demo: { enabled: false } });
  role = await start(context);
  openai = new OpenAI({ apiKey: TEST_ADMIN_KEY, baseURL: `${role.urls["main"]}/v1`, maxRetries: 0 });
});
afterAll(async () => {
  await role.close();
  await context.dispose();
  await gateway.close();
  await provider.close();
});

const embedding = { object: "list", data: [{ object: "embedding", index: 0, embedding: [0.5, 0.25] }], model: "e-1" };

test("embeddings: the body passes, the reply passes byte for byte, input tokens are counted and priced", async () => {
  provider.answer = json({ ...embedding, usage: { prompt_tokens: 7, total_tokens: 7 } });
  const reply = await gateway.post("/v1/embeddings", {
    model: "e-1",
    input: ["a", "b"],
    dimensions: 2,
    provider: "fix",
  });
  expect(await reply.json()).toMatchObject({ ...embedding, gateway_usage: { provider: "fix" } });
  expect(provider.seen.at(-1)).toMatchObject({
    path: "/v1/embeddings",
    headers: { authorization: "Bearer sk-fix" },
    body: { model: "e-1", input: ["a", "b"], dimensions: 2 },
  });
  expect(provider.seen.at(-1)!.body).not.toHaveProperty("provider");
  const record = await gateway.nextRecord();
  expect(record).toMatchObject({
    route: "/v1/embeddings",
    inference: { requestType: "embedding", requestedModel: "e-1" },
    usage: { inputTokens: 7, outputTokens: 0, source: "provider" },
    attempts: [{ url: `${provider.url}/v1/embeddings`, result: "success" }],
  });
  expect(record.cost!.totalUsd).toBeGreaterThan(0);
});

test("without usage from the provider the input is estimated; token numbers count one each", async () => {
  provider.answer = json(embedding);
  await gateway.post("/v1/embeddings", { model: "e-1", input: [1, 2, 3, 4] });
  expect((await gateway.nextRecord()).usage).toMatchObject({ inputTokens: 4, source: "word_heuristic" });
});

test("moderations cost nothing; without a model OpenAI's newest is asked", async () => {
  provider.answer = json({ id: "modr-1", model: "m-1", results: [{ flagged: false }] });
  expect(await (await gateway.post("/v1/moderations", { model: "m-1", input: "x" })).json()).toEqual({
    id: "modr-1",
    model: "m-1",
    results: [{ flagged: false }],
  });
  const record = await gateway.nextRecord();
  expect([record.usage, record.cost, record.inference!.requestType]).toEqual([undefined, undefined, "moderation"]);
  const newest = await gateway.post("/v1/moderations", { input: "x" });
  expect([newest.status, await newest.text()]).toEqual([404, expect.stringContaining("omni-moderation-latest")]);
  await gateway.nextRecord();
});

test("rerank passes", async () => {
  provider.answer = json({ id: "r", results: [{ index: 1, relevance_score: 0.9 }], usage: { prompt_tokens: 3 } });
  const body = { model: "r-1", query: "q", documents: ["a", { text: "b" }], top_n: 1 };
  expect(await (await gateway.post("/v1/rerank", body)).json()).toMatchObject({ results: [{ index: 1 }] });
  expect(provider.seen.at(-1)).toMatchObject({ path: "/v1/rerank", body });
  expect((await gateway.nextRecord()).usage).toMatchObject({ inputTokens: 3 });
});

test("a text completion streams, its usage chunk withheld from a client that did not ask", async () => {
  const chunk = (members: JsonObject): string =>
    `data: ${JSON.stringify({ id: "cmpl-1", object: "text_completion", model: "i-1", ...members })}\n\n`;
  const pieces = [
    chunk({ choices: [{ index: 0, text: "Hello", finish_reason: null }] }),
    chunk({ choices: [{ index: 0, text: "", finish_reason: "stop" }] }),
  ];
  provider.answer = sse([
    ...pieces,
    chunk({ choices: [], usage: { prompt_tokens: 2, completion_tokens: 1, total_tokens: 3 } }),
    "data: [DONE]\n\n",
  ]);
  const reply = await gateway.post("/v1/completions", { model: "i-1", prompt: "Say hello", stream: true });
  expect(await reply.text()).toBe(`${pieces.join("")}data: [DONE]\n\n`);
  expect(provider.seen.at(-1)!.body).toMatchObject({ stream: true, stream_options: { include_usage: true } });
  expect(await gateway.nextRecord()).toMatchObject({
    usage: { inputTokens: 2, outputTokens: 1, source: "provider" },
    outcome: { finishReason: "stop", responseId: "cmpl-1" },
  });
});

test("embeddings: a provider of Anthropic's format has no such endpoint, and is not asked", async () => {
  const before = provider.seen.length;
  const reply = await gateway.post("/v1/embeddings", { model: "a-1", input: "x" });
  expect(reply.status).toBe(400);
  expect(await reply.json()).toMatchObject({ error: { gateway_code: "NOT_TRANSLATABLE" } });
  expect(provider.seen.length).toBe(before);
  expect((await gateway.nextRecord()).attempts).toMatchObject([{ result: "skipped", errorType: "NOT_TRANSLATABLE" }]);
});

test.each([
  ["/v1/embeddings", { model: "e-1" }, "input"],
  ["/v1/embeddings", { model: "e-1", input: [] }, "input"],
  ["/v1/embeddings", { model: "e-1", input: ["a", 1] }, "input"],
  ["/v1/embeddings", { model: "e-1", input: "a", dimensions: 0 }, "dimensions"],
  ["/v1/embeddings", { model: "e-1", input: "a", encoding_format: "hex" }, "encoding_format"],
  ["/v1/embeddings", { input: "a" }, "model"],
  ["/v1/completions", { model: "i-1", prompt: 5 }, "prompt"],
  ["/v1/completions", { model: "i-1", prompt: "x", temperature: 9 }, "temperature"],
  ["/v1/moderations", { input: [] }, "input"],
  ["/v1/rerank", { model: "r-1", query: "q", documents: [] }, "documents"],
  ["/v1/rerank", { model: "r-1", documents: ["a"] }, "query"],
])("%s with %j: 400 about %s", async (path, body, param) => {
  const reply = await gateway.post(path, body);
  expect(reply.status).toBe(400);
  expect(await reply.json()).toMatchObject({ error: { type: "invalid_request_error", param } });
  await gateway.nextRecord();
});

test("garbage where an answer should be is 502", async () => {
  provider.answer = json({ object: "list" });
  const reply = await gateway.post("/v1/embeddings", { model: "e-1", input: "x" });
  expect([reply.status, await reply.json()]).toMatchObject([
    502,
    { error: { gateway_code: "PROVIDER_INVALID_RESPONSE" } },
  ]);
});

test("OpenAI's client with the simulator: near texts have near vectors, in both encodings", async () => {
  const input = ["the cat sat on the mat", "a cat on a mat", "quarterly revenue report"];
  const model = "text-embedding-3-small";
  const { data } = await openai.embeddings.create({ model, input }); // The client asks for base64.
  const [cat, mat, revenue] = data.map(({ embedding }) => embedding);
  const dot = (a: number[], b: number[]): number => a.reduce((sum, value, index) => sum + value * b[index]!, 0);
  expect(cat).toHaveLength(1_536);
  expect(dot(cat!, cat!)).toBeCloseTo(1, 4);
  expect(dot(cat!, mat!)).toBeGreaterThan(dot(cat!, revenue!) + 0.2);
  const floats = await openai.embeddings.create({ model, input: input[0]!, encoding_format: "float", dimensions: 8 });
  expect(floats.data[0]!.embedding).toHaveLength(8);
  expect(floats.usage.prompt_tokens).toBeGreaterThan(3);
});

test("the list says what each model is for", async () => {
  expect(await openai.models.retrieve("gpt-4o")).toMatchObject({ kind: "chat" });
  const list = await openai.get("/embeddings/models");
  expect((list as { data: { id: string }[] }).data.map(({ id }) => id)).toEqual([
    "text-embedding-3-large",
    "text-embedding-3-small",
    "text-embedding-ada-002",
  ]);
});

test("OpenAI's client with the simulator: moderations and text completions, and models for what they are", async () => {
  const { results } = await openai.moderations.create({ input: ["I will attack you", "good morning"] });
  expect(results.map(({ flagged }) => flagged)).toEqual([true, false]);
  const model = "gpt-3.5-turbo-instruct";
  const whole = await openai.completions.create({ model, prompt: "Explain tides", max_tokens: 5 });
  expect(whole.choices[0]).toMatchObject({ finish_reason: "length", text: expect.stringMatching(/\S/) });
  expect(whole.usage).toMatchObject({ completion_tokens: 5 });
  let text = "";
  const stream = await openai.completions.create({ model, prompt: "Explain tides", max_tokens: 5, stream: true });
  for await (const chunk of stream) text += chunk.choices[0]?.text ?? "";
  expect(text).not.toBe("");
  const messages = [{ role: "user" as const, content: "x" }];
  await expect(openai.chat.completions.create({ model: "text-embedding-3-small", messages })).rejects.toThrow(
    OpenAI.NotFoundError,
  );
});
