import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TEST_ADMIN_KEY } from "../../runtime/testing.ts";
import type { JsonObject } from "../json.ts";
import {
  ANTHROPIC_MESSAGE,
  ANTHROPIC_STREAM,
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  sse,
  startFixtureProvider,
} from "../testing/fixture-provider.ts";
import { RESPONSE, RESPONSE_STREAM, THINKING_MESSAGE, THINKING_STREAM } from "../testing/responses-fixtures.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

let provider: FixtureProvider;
let gateway: TestGateway;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  provider = await startFixtureProvider(json({}));
  gateway = await startTestGateway({
    gateway: {
      keys: { other: "gw_live_other_key" },
      providers: {
        openai: {
          type: "openai",
          baseUrl: `${provider.url}/v1`,
          apiKey: "sk-o",
          models: ["gpt-5-pro", "gpt-5", "gpt-4o"],
        },
        ant: { type: "anthropic", baseUrl: provider.url, apiKey: "sk-a", models: ["claude-sonnet-4-5"] },
        fix: { type: "openai", baseUrl: `${provider.url}/v1`, apiKey: "sk-f", models: ["m-1"] },
      },
    },
  });
  openai = new OpenAI({ apiKey: TEST_ADMIN_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
  anthropic = new Anthropic({ apiKey: TEST_ADMIN_KEY, baseURL: gateway.url, maxRetries: 0 });
});
afterAll(async () => {
  await gateway.close();
  await provider.close();
});

const seen = (): { path: string; body: JsonObject } => provider.seen.at(-1)!;
const schema = { type: "object" as const, properties: { city: { type: "string" } } };
const chatTool = { type: "function" as const, function: { name: "get_weather", parameters: schema } };
const claudeTool = { name: "get_weather", input_schema: schema };
const responseTool = { type: "function" as const, name: "get_weather", parameters: schema, strict: false };
const user = { role: "user" as const, content: "Weather?" };

/** How each answer of the fixtures is told whole, and as a stream. */
const ways = [
  { way: "whole", responses: json(RESPONSE), messages: json(THINKING_MESSAGE) },
  { way: "streamed", responses: sse(RESPONSE_STREAM), messages: sse(THINKING_STREAM) },
];

for (const { way, responses, messages } of ways) {
  const stream = way === "streamed";

  test(`a model of Responses alone holds a chat with a client of chat completions, ${way}`, async () => {
    provider.answer = responses;
    const request = { model: "gpt-5-pro", messages: [user], tools: [chatTool], reasoning_effort: "high" as const };
    const completion = stream
      ? await openai.chat.completions
          .stream({ ...request, stream_options: { include_usage: true } })
          .finalChatCompletion()
      : await openai.chat.completions.create(request);
    expect(seen()).toMatchObject({
      path: "/v1/responses",
      body: {
        input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "Weather?" }] }],
        tools: [{ type: "function", name: "get_weather", parameters: schema }],
        reasoning: { effort: "high" },
        include: ["reasoning.encrypted_content"],
        store: false,
      },
    });
    expect(completion.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: {
        content: "Looking.",
        tool_calls: [
          { id: "call_a", function: { name: "get_weather", arguments: '{"city":"Oslo"}' } },
          { id: "call_b", function: { name: "get_weather", arguments: '{"city":"Rome"}' } },
        ],
      },
    });
    expect(completion.usage).toMatchObject({
      prompt_tokens: 20,
      completion_tokens: 9,
      prompt_tokens_details: { cached_tokens: 8 },
      completion_tokens_details: { reasoning_tokens: 4 },
    });
    expect((await gateway.nextRecord()).usage).toMatchObject({ inputTokens: 20, reasoningTokens: 4 });
  });

  test(`Claude's client uses tools with a model of Responses, whose reasoning survives the turn, ${way}`, async () => {
    provider.answer = responses;
    const request = {
      model: "gpt-5-pro",
      max_tokens: 4_000,
      thinking: { type: "enabled" as const, budget_tokens: 2_048, display: "summarized" as const },
      tools: [claudeTool],
      messages: [user],
    };
    const message = stream
      ? await anthropic.messages.stream(request).finalMessage()
      : await anthropic.messages.create(request);
    expect(seen().body["reasoning"]).toEqual({ effort: "low", summary: "auto" });
    expect(message).toMatchObject({
      stop_reason: "tool_use",
      content: [
        { type: "thinking", thinking: "They ask for the weather." },
        { type: "text", text: "Looking." },
        { type: "tool_use", id: "call_a", input: { city: "Oslo" } },
        { type: "tool_use", id: "call_b", input: { city: "Rome" } },
      ],
      usage: { input_tokens: 12, cache_read_input_tokens: 8, output_tokens: 9 },
    });
    const results = ["call_a", "call_b"].map((tool_use_id) => ({
      type: "tool_result" as const,
      tool_use_id,
      content: "sun",
    }));
    const next = [
      user,
      { role: "assistant" as const, content: message.content },
      { role: "user" as const, content: results },
    ];
    // What comes back is no whole reply; what was asked is looked at.
    await anthropic.messages.create({ ...request, messages: next, stream: false }).catch(() => undefined);
    expect(seen().body["input"]).toMatchObject([
      { role: "user" },
      {
        id: "rs_68a1",
        type: "reasoning",
        encrypted_content: "gAAAAAencrypted",
        summary: [{ text: "They ask for the weather." }],
      },
      { role: "assistant", content: [{ type: "output_text", text: "Looking." }] },
      { type: "function_call", call_id: "call_a" },
      { type: "function_call", call_id: "call_b" },
      { type: "function_call_output", call_id: "call_a", output: "sun" },
      { type: "function_call_output", call_id: "call_b", output: "sun" },
    ]);
    // The same history at Claude: what OpenAI encrypted stays out of it.
    provider.answer = json(ANTHROPIC_MESSAGE);
    await anthropic.messages.create({ ...request, model: "claude-sonnet-4-5", messages: next });
    expect(JSON.stringify(seen().body)).not.toContain("gwz1.");
    for (let count = 0; count < 3; count++) await gateway.nextRecord();
  });

  test(`Codex uses tools with Claude, whose signature survives the turn, ${way}`, async () => {
    provider.answer = messages;
    const request = {
      model: "claude-sonnet-4-5",
      input: [{ role: "user" as const, content: "Weather?" }],
      tools: [responseTool],
      reasoning: { effort: "low" as const },
      include: ["reasoning.encrypted_content" as const],
      store: false,
    };
    const response = stream
      ? await openai.responses.stream(request).finalResponse()
      : await openai.responses.create(request);
    expect(seen().body).toMatchObject({ thinking: { type: "enabled", budget_tokens: 2_048 }, max_tokens: 6_144 });
    expect(response).toMatchObject({ status: "completed", usage: { output_tokens_details: { reasoning_tokens: 4 } } });
    expect(response.output).toMatchObject([
      { type: "reasoning", summary: [{ text: "They ask for the weather." }], encrypted_content: expect.any(String) },
      { type: "reasoning", summary: [], encrypted_content: expect.any(String) },
      { type: "message", content: [{ text: "Looking." }] },
      { type: "function_call", call_id: "toolu_a", arguments: '{"city":"Oslo"}' },
    ]);
    const output = { type: "function_call_output" as const, call_id: "toolu_a", output: "sun" };
    provider.answer = json(ANTHROPIC_MESSAGE);
    await openai.responses.create({ ...request, input: [...request.input, ...response.output, output] as never });
    expect(seen().body).toMatchObject({
      thinking: { type: "enabled" },
      messages: [
        { role: "user" },
        { role: "assistant", content: THINKING_MESSAGE["content"] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_a", content: [{ text: "sun" }] }] },
      ],
    });
    for (let count = 0; count < 2; count++) await gateway.nextRecord();
  });

  test(`a chat client that keeps reasoning_details gives Claude its signature back, ${way}`, async () => {
    provider.answer = messages;
    const request = {
      model: "claude-sonnet-4-5",
      messages: [user],
      tools: [chatTool],
      reasoning_effort: "low" as const,
    };
    let message: JsonObject = {};
    if (stream) {
      const details: JsonObject[] = [];
      for await (const chunk of await openai.chat.completions.create({ ...request, stream: true })) {
        const delta = (chunk.choices[0]?.delta ?? {}) as JsonObject;
        details.push(...((delta["reasoning_details"] as JsonObject[] | undefined) ?? []));
      }
      const call = { id: "toolu_a", type: "function", function: { name: "get_weather", arguments: '{"city":"Oslo"}' } };
      message = { role: "assistant", content: "Looking.", reasoning_details: details, tool_calls: [call] };
    } else {
      const completion = await openai.chat.completions.create(request);
      message = completion.choices[0]!.message as unknown as JsonObject;
      expect(message["reasoning_content"]).toBe("They ask for the weather.");
      expect(message["thinking_blocks"]).toEqual((THINKING_MESSAGE["content"] as JsonObject[]).slice(0, 2));
    }
    provider.answer = json(ANTHROPIC_MESSAGE);
    const result = { role: "tool", tool_call_id: "toolu_a", content: "sun" };
    await openai.chat.completions.create({ ...request, messages: [user, message, result] as never });
    expect(seen().body).toMatchObject({
      thinking: { type: "enabled" },
      messages: [{}, { role: "assistant", content: THINKING_MESSAGE["content"] }, {}],
    });
    for (let count = 0; count < 2; count++) await gateway.nextRecord();
  });

  test(`a text completion is asked of Claude as a chat, ${way}`, async () => {
    provider.answer = stream ? sse(ANTHROPIC_STREAM) : json(ANTHROPIC_MESSAGE);
    const request = { model: "claude-sonnet-4-5", prompt: "Say hello", max_tokens: 9, stop: ["\n"] };
    let text = "";
    if (stream) {
      const chunks = await openai.completions.create({
        ...request,
        stream: true,
        stream_options: { include_usage: true },
      });
      for await (const { choices, usage } of chunks) {
        text += choices[0]?.text ?? "";
        if (usage) expect([usage.prompt_tokens, choices]).toEqual([20, []]);
      }
    } else {
      const completion = await openai.completions.create(request);
      expect(completion).toMatchObject({
        object: "text_completion",
        usage: { prompt_tokens: 20, completion_tokens: 5 },
      });
      text = completion.choices[0]!.text;
    }
    expect(text).toBe("Hello world");
    expect(seen()).toMatchObject({
      path: "/v1/messages",
      body: { max_tokens: 9, stop_sequences: ["\n"], messages: [{ role: "user", content: [{ text: "Say hello" }] }] },
    });
    await gateway.nextRecord();
  });
}

test("Claude's client that wants OpenAI's models to think goes by Responses, where their reasoning comes back", async () => {
  const ask = async (model: string, rest: JsonObject = {}): Promise<string> => {
    provider.answer = json(RESPONSE);
    await gateway.post("/v1/messages", {
      model,
      max_tokens: 9,
      messages: [user],
      thinking: { type: "adaptive" },
      ...rest,
    });
    await gateway.nextRecord();
    return seen().path;
  };
  expect(await ask("gpt-5")).toBe("/v1/responses");
  expect(seen().body).toMatchObject({ include: ["reasoning.encrypted_content"], store: false, max_output_tokens: 16 });
  expect(seen().body).not.toHaveProperty("reasoning");
  expect(await ask("gpt-4o")).toBe("/v1/chat/completions");
  expect(await ask("gpt-5", { thinking: { type: "disabled" } })).toBe("/v1/chat/completions");
  expect(await ask("gpt-5", { stop_sequences: ["x"] })).toBe("/v1/chat/completions");
  expect(await ask("m-1")).toBe("/v1/chat/completions");
});

test("thinking of another model, or unsigned, is taken out before Claude sees it, and nothing else is touched", async () => {
  provider.answer = json(ANTHROPIC_MESSAGE);
  const own = {
    role: "assistant",
    content: [
      { type: "thinking", thinking: "a", signature: "c2ln" },
      { type: "text", text: "A" },
    ],
  };
  const foreign = {
    role: "assistant",
    content: [
      { type: "thinking", thinking: "b", signature: "" },
      { type: "text", text: "B" },
    ],
  };
  const messages = [user, own, user, foreign, user];
  await gateway.post("/v1/messages", { model: "claude-sonnet-4-5", max_tokens: 9, messages });
  expect(seen().body["messages"]).toEqual([
    user,
    own,
    user,
    { role: "assistant", content: [{ type: "text", text: "B" }] },
    user,
  ]);
  await gateway.nextRecord();
});

test("without the thinking before its calls Claude does not think this turn, which is named", async () => {
  provider.answer = json(ANTHROPIC_MESSAGE);
  const request = {
    model: "claude-sonnet-4-5",
    max_tokens: 4_000,
    thinking: { type: "enabled", budget_tokens: 2_000 },
    messages: [
      user,
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "b", signature: "gwz1.e30" },
          { type: "tool_use", id: "t", name: "f", input: {} },
        ],
      },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "r" }] },
    ],
  };
  const reply = await gateway.post("/v1/messages", request);
  expect(reply.headers.get("x-gatewayz-dropped-params")).toBe("thinking");
  expect(seen().body).not.toHaveProperty("thinking");
  await gateway.nextRecord();
});

test("a provider with Responses gets them as they are, built-in tools included, and answers in its own bytes", async () => {
  provider.answer = sse(RESPONSE_STREAM);
  const request = {
    model: "gpt-4o",
    input: "Weather?",
    tools: [{ type: "web_search" }],
    stream: true,
    provider: "openai",
  };
  const reply = await gateway.post("/v1/responses", request);
  expect(await reply.text()).toBe(RESPONSE_STREAM.join(""));
  const { provider: _own, ...passed } = request;
  expect(seen()).toMatchObject({ path: "/v1/responses" });
  expect(seen().body).toEqual(passed);
  expect(await gateway.nextRecord()).toMatchObject({
    usage: { inputTokens: 20, outputTokens: 9, cachedInputTokens: 8, reasoningTokens: 4, source: "provider" },
    outcome: { responseId: "resp_68a0", finishReason: "tool_calls" },
  });
});

test("a response that the provider keeps is continued by its id there, and written out elsewhere", async () => {
  provider.answer = json(RESPONSE);
  const first = await openai.responses.create({ model: "gpt-4o", input: "Weather?" });
  expect(first.id).toBe("resp_68a0");
  const output = { type: "function_call_output" as const, call_id: "call_a", output: "sun" };
  const next = { previous_response_id: first.id, input: [output] };
  provider.answer = json({ ...RESPONSE, id: "resp_second" });
  await openai.responses.create({ model: "gpt-4o", ...next });
  expect(seen().body).toMatchObject({ previous_response_id: "resp_68a0", input: [output] });
  provider.answer = json(OPENAI_COMPLETION);
  const elsewhere = await openai.responses.create({ model: "m-1", ...next });
  expect(seen()).toMatchObject({
    path: "/v1/chat/completions",
    body: {
      messages: [
        { role: "user", content: "Weather?" },
        { role: "assistant", content: "Looking.", tool_calls: [{ id: "call_a" }, { id: "call_b" }] },
        { role: "tool", tool_call_id: "call_a", content: "sun" },
      ],
    },
  });
  // What only the gateway keeps is written out for the provider that has Responses, too.
  provider.answer = json(RESPONSE);
  await openai.responses.create({ model: "gpt-4o", previous_response_id: elsewhere.id, input: "And?" });
  expect(seen().body).not.toHaveProperty("previous_response_id");
  expect((seen().body["input"] as JsonObject[]).map(({ type }) => type)).toEqual([
    ...[
      "message",
      "reasoning",
      "message",
      "function_call",
      "function_call",
      "function_call_output",
      "message",
      "message",
    ],
  ]);
  for (let count = 0; count < 4; count++) await gateway.nextRecord();
});

test("the id of a response of another key is not known, wherever it is kept", async () => {
  provider.answer = json({ ...RESPONSE, id: "resp_private" });
  await openai.responses.create({ model: "gpt-4o", input: "x" });
  const request = { model: "gpt-4o", input: "x", previous_response_id: "resp_private" };
  const reply = await gateway.post("/v1/responses", request, { authorization: "Bearer gw_live_other_key" });
  expect([reply.status, await reply.json()]).toMatchObject([400, { error: { code: "previous_response_not_found" } }]);
  for (let count = 0; count < 2; count++) await gateway.nextRecord();
});

test("a native stream that fails, or breaks off, ends with error and response.failed, numbered on", async () => {
  const failed = {
    type: "response.failed",
    response: { id: "resp_1", error: { code: "server_error", message: "oops" } },
  };
  for (const tail of [`event: response.failed\ndata: ${JSON.stringify(failed)}\n\n`, ""]) {
    provider.answer = sse([...RESPONSE_STREAM.slice(0, 8), tail]);
    const text = await (await gateway.post("/v1/responses", { model: "gpt-4o", input: "x", stream: true })).text();
    const events = [...text.matchAll(/^data: ([^\n]*)$/gm)].map(([, data]) => JSON.parse(data!) as JsonObject);
    expect(events.slice(-2)).toMatchObject([
      { type: "error", sequence_number: 8 },
      { type: "response.failed", sequence_number: 9, response: { id: "resp_68a0", status: "failed" } },
    ]);
    expect((await gateway.nextRecord()).outcome!.error).toBeDefined();
  }
});

const patch = '*** Begin Patch\n+"quoted" \\ back\n*** End Patch\u2028é';
const grammar = { type: "grammar" as const, syntax: "lark" as const, definition: "start: /.+/" };

test.each(["whole", "streamed"])("a freeform tool is a function of one text for Claude, %s", async (way) => {
  const use = { type: "tool_use", id: "toolu_p", name: "apply_patch", input: { input: patch } };
  const written = JSON.stringify(use.input);
  const pieces = [written.slice(0, 30), written.slice(30, 31), written.slice(31)];
  const head = [ANTHROPIC_STREAM[0]!];
  const event = (type: string, members: JsonObject): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
  const streamed = [
    ...head,
    event("content_block_start", { index: 0, content_block: { ...use, input: {} } }),
    ...pieces.map((partial_json) =>
      event("content_block_delta", { index: 0, delta: { type: "input_json_delta", partial_json } }),
    ),
    event("content_block_stop", { index: 0 }),
    event("message_delta", { delta: { stop_reason: "tool_use" }, usage: { output_tokens: 5 } }),
    event("message_stop", {}),
  ];
  provider.answer =
    way === "streamed" ? sse(streamed) : json({ ...ANTHROPIC_MESSAGE, content: [use], stop_reason: "tool_use" });
  const request = {
    model: "claude-sonnet-4-5",
    input: "Fix it",
    tools: [{ type: "custom" as const, name: "apply_patch", description: "Edits files.", format: grammar }],
  };
  const response =
    way === "streamed"
      ? await openai.responses.stream(request).finalResponse()
      : await openai.responses.create(request);
  expect(response.output).toMatchObject([
    { type: "custom_tool_call", call_id: "toolu_p", name: "apply_patch", input: patch },
  ]);
  expect(seen().body["tools"]).toMatchObject([
    {
      name: "apply_patch",
      description: expect.stringContaining("start: /.+/"),
      input_schema: { properties: { input: { type: "string" } }, required: ["input"] },
    },
  ]);
  const chat = {
    model: "claude-sonnet-4-5",
    messages: [user],
    tools: [{ type: "custom" as const, custom: { name: "apply_patch" } }],
  };
  if (way === "streamed") {
    let input = "";
    for await (const { choices } of await openai.chat.completions.create({ ...chat, stream: true })) {
      const delta = (choices[0]?.delta ?? {}) as { tool_calls?: { custom: { input: string } }[] };
      for (const call of delta.tool_calls ?? []) input += call.custom.input;
    }
    expect(input).toBe(patch);
  } else {
    const completion = await openai.chat.completions.create(chat);
    expect(completion.choices[0]!.message.tool_calls).toEqual([
      { id: "toolu_p", type: "custom", custom: { name: "apply_patch", input: patch } },
    ]);
  }
  for (let count = 0; count < 2; count++) await gateway.nextRecord();
});

test("what is asked of a response later: its input, its cancellation, a count before", async () => {
  provider.answer = json(OPENAI_COMPLETION);
  const input = [user, { role: "user" as const, content: [{ type: "input_text" as const, text: "Now?" }] }];
  const { id } = await openai.responses.create({ model: "m-1", input });
  const listed = await openai.responses.inputItems.list(id, { order: "asc" });
  expect(listed.data).toMatchObject([
    { id: expect.stringMatching(/^msg_/), type: "message", content: [{ type: "input_text", text: "Weather?" }] },
    { content: [{ type: "input_text", text: "Now?" }] },
  ]);
  const [newest] = (await openai.responses.inputItems.list(id, { limit: 1 })).data as { id: string }[];
  const rest = await openai.responses.inputItems.list(id, { after: newest!.id });
  expect(rest.data).toMatchObject([{ content: [{ text: "Weather?" }] }]);
  await expect(openai.responses.cancel(id)).rejects.toMatchObject({
    status: 400,
    message: expect.stringContaining("background"),
  });
  await expect(openai.responses.cancel("resp_none")).rejects.toMatchObject({ status: 404 });
  const counted = await openai.responses.inputTokens.count({ model: "m-1", input: "Some words to count." });
  expect(counted.input_tokens).toBeGreaterThan(4);
});
