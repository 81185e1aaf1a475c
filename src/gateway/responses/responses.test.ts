import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Role } from "../../runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../../runtime/testing.ts";
import { start } from "../index.ts";
import type { JsonObject } from "../json.ts";
import {
  ANTHROPIC_STREAM,
  ANTHROPIC_TOOL_MESSAGE,
  ANTHROPIC_TOOL_STREAM,
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  OPENAI_STREAM,
  OPENAI_TOOL_COMPLETION,
  OPENAI_TOOL_STREAM,
  openAiChunk,
  sse,
  startFixtureProvider,
} from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import { responsesToChat } from "./request.ts";

let provider: FixtureProvider;
let gateway: TestGateway;
let client: OpenAI;
let context: TestContext;
let role: Role;

beforeAll(async () => {
  provider = await startFixtureProvider(json({}));
  gateway = await startTestGateway({
    gateway: {
      keys: { other: "gw_live_other_key" },
      providers: {
        fix: { type: "openai", baseUrl: `${provider.url}/v1`, apiKey: "sk-fix", models: ["m-1"] },
        ant: { type: "anthropic", baseUrl: provider.url, apiKey: "sk-ant", models: ["a-1"] },
      },
    },
  });
  client = new OpenAI({ apiKey: TEST_ADMIN_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
  context = await testContext("gateway", { mode: "demo", demo: { enabled: false } });
  role = await start(context);
});
afterAll(async () => {
  await role.close();
  await context.dispose();
  await gateway.close();
  await provider.close();
});

const weather = { type: "function" as const, name: "get_weather", parameters: { type: "object" }, strict: false };
const seen = (): JsonObject => provider.seen.at(-1)!.body;

test("a request becomes a chat, a chat completion becomes a response", async () => {
  provider.answer = json(OPENAI_COMPLETION);
  const response = await client.responses.create({
    model: "m-1",
    instructions: "Be brief.",
    input: [
      { role: "user", content: [{ type: "input_text", text: "Hi" }] },
      { type: "function_call", call_id: "c1", name: "get_weather", arguments: "{}" },
      { type: "function_call_output", call_id: "c1", output: "sunny" },
    ],
    max_output_tokens: 50,
    temperature: 0.5,
    tools: [weather],
    tool_choice: { type: "function", name: "get_weather" },
    text: { format: { type: "json_schema", name: "x", schema: { type: "object" } } },
    reasoning: { effort: "low" },
    metadata: { a: "b" },
  });
  expect(provider.seen.at(-1)!.path).toBe("/v1/chat/completions");
  expect(seen()).toEqual({
    model: "m-1",
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hi" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c1", type: "function", function: { name: "get_weather", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "c1", content: "sunny" },
    ],
    max_tokens: 50,
    temperature: 0.5,
    tools: [{ type: "function", function: { name: "get_weather", parameters: { type: "object" }, strict: false } }],
    tool_choice: { type: "function", function: { name: "get_weather" } },
    response_format: { type: "json_schema", json_schema: { name: "x", schema: { type: "object" } } },
    reasoning_effort: "low",
  });
  expect(response.output_text).toBe("Hello world");
  expect(response).toMatchObject({
    object: "response",
    status: "completed",
    model: "m-1",
    metadata: { a: "b" },
    usage: { input_tokens: 20, output_tokens: 5, total_tokens: 25, input_tokens_details: { cached_tokens: 8 } },
  });
  const record = await gateway.nextRecord();
  expect(record).toMatchObject({ route: "/v1/responses", usage: { inputTokens: 20, outputTokens: 5 } });
});

test("an Anthropic provider answers too, calls included", async () => {
  provider.answer = json(ANTHROPIC_TOOL_MESSAGE);
  const response = await client.responses.create({ model: "a-1", input: "Weather?", tools: [weather] });
  expect(provider.seen.at(-1)!.path).toBe("/v1/messages");
  expect(response.output).toMatchObject([
    { type: "message", content: [{ type: "output_text", text: "Looking." }] },
    { type: "function_call", call_id: "toolu_a", name: "get_weather", arguments: '{"city":"Oslo"}' },
    { type: "function_call", call_id: "toolu_b", arguments: '{"city":"Rome"}' },
  ]);
  await gateway.nextRecord();
});

test.each([
  ["m-1", OPENAI_STREAM],
  ["a-1", ANTHROPIC_STREAM],
])("a stream of %s has OpenAI's events in order", async (model, pieces) => {
  provider.answer = sse(pieces);
  const events: { type: string; sequence_number: number; response?: unknown }[] = [];
  const stream = client.responses.stream({ model, input: "Hi" });
  for await (const event of stream) events.push(event);
  expect(events.map(({ type }) => type)).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
  ]);
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
  const final = await stream.finalResponse();
  expect(final.output_text).toBe("Hello world");
  expect(final.usage).toMatchObject({ input_tokens: 20, output_tokens: 5 });
  expect((await gateway.nextRecord()).usage).toMatchObject({ inputTokens: 20, outputTokens: 5, source: "provider" });
});

test.each([
  ["m-1", OPENAI_TOOL_STREAM],
  ["a-1", ANTHROPIC_TOOL_STREAM],
])("parallel calls of %s stream, interleaved or not", async (model, pieces) => {
  provider.answer = sse(pieces);
  const final = await client.responses.stream({ model, input: "Weather?", tools: [weather] }).finalResponse();
  expect(final.output).toMatchObject([
    { type: "function_call", name: "get_weather", arguments: '{"city":"Oslo"}', status: "completed" },
    { type: "function_call", name: "get_weather", arguments: '{"city":"Rome"}', status: "completed" },
  ]);
  await gateway.nextRecord();
});

test("thoughts become a summary, a cut answer is incomplete", async () => {
  provider.answer = sse([
    openAiChunk({ reasoning_content: "Hmm" }),
    openAiChunk({ content: "So" }),
    openAiChunk({}, "length"),
    "data: [DONE]\n\n",
  ]);
  const text = await (await gateway.post("/v1/responses", { model: "m-1", input: "x", stream: true })).text();
  expect(text).toContain("event: response.reasoning_summary_text.delta\n");
  const last = JSON.parse(text.trimEnd().split("\ndata: ").at(-1)!) as JsonObject;
  expect(last).toMatchObject({
    type: "response.incomplete",
    response: {
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      output: [{ type: "reasoning", summary: [{ text: "Hmm" }] }, { type: "message" }],
    },
  });
  await gateway.nextRecord();
});

test("log probabilities are asked for and come back, whole and streamed", async () => {
  const content = [{ token: "Hi", logprob: -0.1, bytes: [72, 105], top_logprobs: [] }];
  const choice = { index: 0, finish_reason: "stop", logprobs: { content, refusal: null } };
  provider.answer = json({
    ...OPENAI_COMPLETION,
    choices: [{ ...choice, message: { role: "assistant", content: "Hi" } }],
  });
  const request = { model: "m-1", input: "x", top_logprobs: 2, include: ["message.output_text.logprobs" as const] };
  const expected = [{ content: [{ type: "output_text", text: "Hi", logprobs: content }] }];
  expect((await client.responses.create(request)).output).toMatchObject(expected);
  expect(seen()).toMatchObject({ logprobs: true, top_logprobs: 2 });
  const chunk = openAiChunk({}, null, { choices: [{ ...choice, delta: { content: "Hi" } }] });
  provider.answer = sse([chunk, "data: [DONE]\n\n"]);
  expect((await client.responses.stream(request).finalResponse()).output).toMatchObject(expected);
  const refused = gateway.post("/v1/responses", { ...request, model: "a-1" });
  expect((await refused).status).toBe(400);
  for (let count = 0; count < 3; count++) await gateway.nextRecord();
});

test("a reference to an item of an earlier answer is that item, for the key that made it", async () => {
  provider.answer = json(OPENAI_TOOL_COMPLETION);
  const first = await client.responses.create({ model: "m-1", input: "Weather?", tools: [weather] });
  const [call] = first.output as { id: string; call_id: string }[];
  const input = [
    { type: "item_reference" as const, id: call!.id },
    { type: "function_call_output" as const, call_id: call!.call_id, output: "sun" },
  ];
  provider.answer = json(OPENAI_COMPLETION);
  await client.responses.create({ model: "m-1", input });
  expect(seen()["messages"]).toMatchObject([
    { role: "assistant", tool_calls: [{ id: "call_a", function: { arguments: '{"city":"Oslo"}' } }] },
    { role: "tool", tool_call_id: "call_a", content: "sun" },
  ]);
  const other = { authorization: "Bearer gw_live_other_key" };
  const stolen = await gateway.post("/v1/responses", { model: "m-1", input }, other);
  expect([stolen.status, await stolen.json()]).toMatchObject([400, { error: { param: "input" } }]);
  for (let count = 0; count < 3; count++) await gateway.nextRecord();
});

test("a stream that breaks off throws in OpenAI's client", async () => {
  provider.answer = sse(OPENAI_STREAM.slice(0, 2), "drop");
  const read = async (): Promise<void> => {
    const stream = await client.responses.create({ model: "m-1", input: "x", stream: true });
    for await (const _ of stream);
  };
  await expect(read()).rejects.toThrow("broke off");
  expect((await gateway.nextRecord()).outcome!.error!.code).toBe("PROVIDER_STREAM_INTERRUPTED");
});

test("previous_response_id continues a chat, for the key that began it, until it is deleted", async () => {
  provider.answer = json(OPENAI_COMPLETION);
  const first = await client.responses.create({ model: "m-1", input: "One", instructions: "Only now." });
  const second = await client.responses.create({ model: "m-1", input: "Two", previous_response_id: first.id });
  const chat = [
    { role: "user", content: "One" },
    { role: "assistant", content: "Hello world" },
    { role: "user", content: "Two" },
  ];
  expect(seen()["messages"]).toEqual(chat);
  expect(second.previous_response_id).toBe(first.id);
  expect((await client.responses.retrieve(first.id)).output_text).toBe("Hello world");
  const other = { authorization: "Bearer gw_live_other_key" };
  const stolen = await fetch(`${gateway.url}/v1/responses/${first.id}`, { headers: other });
  expect(stolen.status).toBe(404);
  await client.responses.delete(first.id);
  await expect(
    client.responses.create({ model: "m-1", input: "x", previous_response_id: first.id }),
  ).rejects.toMatchObject({ status: 400, code: "previous_response_not_found", param: "previous_response_id" });
  const unstored = await client.responses.create({ model: "m-1", input: "x", store: false });
  await expect(client.responses.retrieve(unstored.id)).rejects.toMatchObject({ status: 404 });
});

test.each<[JsonObject, string]>([
  [{ tools: [{ type: "web_search" }] }, "tools[0]"],
  [{ background: true }, "background"],
  [{ conversation: "conv_1" }, "conversation"],
  [{ input: [{ type: "item_reference", id: "x" }] }, "input[0]"],
  [{ input: [{ role: "user", content: [{ type: "input_image", file_id: "f" }] }] }, "input[0].content[0]"],
  [{ tool_choice: { type: "file_search" }, tools: [weather] }, "tool_choice"],
  [{ input: [] }, "input"],
  [{ temperature: 9 }, "temperature"],
])("%j: 400 about %s, and no provider is asked", async (change, param) => {
  const before = provider.seen.length;
  const reply = await gateway.post("/v1/responses", { model: "m-1", input: "x", ...change });
  expect([reply.status, await reply.json()]).toMatchObject([400, { error: { param } }]);
  expect(provider.seen.length).toBe(before);
});

test("what a chat has no word for is named", () => {
  const request = { model: "m", truncation: "auto", service_tier: "flex", text: { verbosity: "low" }, store: true };
  expect(responsesToChat(request, [], "p").dropped).toEqual(["service_tier", "text.verbosity", "truncation"]);
});

test("images and files go as parts", () => {
  const content = [
    { type: "input_text", text: "What is this?" },
    { type: "input_image", image_url: "https://x.example/a.png", detail: "low" },
    { type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,AA" },
  ];
  const { body } = responsesToChat({ model: "m" }, [{ role: "user", content }], "p");
  expect(body["messages"]).toEqual([
    {
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "image_url", image_url: { url: "https://x.example/a.png", detail: "low" } },
        { type: "file", file: { file_data: "data:application/pdf;base64,AA", filename: "a.pdf" } },
      ],
    },
  ]);
});

test("the simulator obeys a forced function and a schema through both formats", async () => {
  const openai = new OpenAI({ apiKey: TEST_ADMIN_KEY, baseURL: `${role.urls["main"]}/v1`, maxRetries: 0 });
  const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  for (const model of ["gpt-4o-mini", "claude-haiku-4-5"]) {
    const request = { model, input: "Weather in Oslo?", tools: [{ ...weather, parameters: schema }] };
    const { data: forced, response } = await openai.responses
      .create({ ...request, tool_choice: "required" })
      .withResponse();
    expect(response.headers.get("x-gatewayz-provider")).toBe(model.startsWith("gpt") ? "openai" : "anthropic");
    const [call] = forced.output;
    expect(JSON.parse((call as { arguments: string }).arguments)).toHaveProperty("city");
    const shaped = await openai.responses.create({
      model,
      input: "Oslo",
      text: { format: { type: "json_schema", name: "c", schema } },
    });
    expect(JSON.parse(shaped.output_text)).toHaveProperty("city");
  }
});
