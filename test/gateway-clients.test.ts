import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { start } from "../src/gateway/index.ts";
import {
  ANTHROPIC_MESSAGE,
  ANTHROPIC_STREAM,
  ANTHROPIC_TOOL_MESSAGE,
  ANTHROPIC_TOOL_STREAM,
  type FixtureAnswer,
  type FixtureProvider,
  hang,
  json,
  OPENAI_COMPLETION,
  OPENAI_STREAM,
  OPENAI_TOOL_COMPLETION,
  OPENAI_TOOL_STREAM,
  sse,
  startFixtureProvider,
} from "../src/gateway/testing/fixture-provider.ts";
import {
  HELLO_RESPONSE,
  HELLO_RESPONSE_STREAM,
  RESPONSE,
  RESPONSE_STREAM,
} from "../src/gateway/testing/responses-fixtures.ts";
import type { Role } from "../src/runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../src/runtime/testing.ts";

/** The official clients against the gateway, each with a provider of its own format and of the other. */

const ATTEMPT_LIMIT = "1500ms";
const PROVIDER_KEY = "sk-fixture-canary-0123456789";

let context: TestContext;
let role: Role;
let openAiProvider: FixtureProvider;
let anthropicProvider: FixtureProvider;
let responsesProvider: FixtureProvider;
let openai: OpenAI;
let anthropic: Anthropic;

const clientOptions = (): { baseURL: string; maxRetries: number } => ({ baseURL: role.urls["main"]!, maxRetries: 0 });

beforeAll(async () => {
  openAiProvider = await startFixtureProvider(hang);
  anthropicProvider = await startFixtureProvider(hang);
  responsesProvider = await startFixtureProvider(hang);
  context = await testContext("gateway", {
    mode: "live",
    gateway: {
      providers: {
        oai: { type: "openai", baseUrl: `${openAiProvider.url}/v1`, apiKey: PROVIDER_KEY, models: ["oai-model"] },
        ant: { type: "anthropic", baseUrl: anthropicProvider.url, apiKey: PROVIDER_KEY, models: ["ant-model"] },
        // The name tells that it has Responses, the model that it has nothing else.
        openai: { type: "openai", baseUrl: `${responsesProvider.url}/v1`, apiKey: PROVIDER_KEY, models: ["gpt-5-pro"] },
        dead: { type: "openai", baseUrl: "http://127.0.0.1:9/v1", models: ["dead-model"] },
      },
      keys: { small: "gw_live_small_key" },
      limits: { requestsPerMinute: 2 },
      timeouts: { attempt: ATTEMPT_LIMIT, streamIdle: "1500ms" },
      // The faults below are many and on purpose; the breaker has tests of its own.
      breaker: { consecutiveFailures: 1_000, windowRequestsMin: 1_000 },
      velocityMode: { requestsMin: 100_000 },
    },
  });
  role = await start(context);
  openai = new OpenAI({ ...clientOptions(), baseURL: `${role.urls["main"]}/v1`, apiKey: TEST_ADMIN_KEY });
  anthropic = new Anthropic({ ...clientOptions(), apiKey: TEST_ADMIN_KEY });
});

afterAll(async () => {
  await role?.close();
  await openAiProvider?.close();
  await anthropicProvider?.close();
  await responsesProvider?.close();
  expect(JSON.stringify(context.lines)).not.toContain(PROVIDER_KEY);
  await context?.dispose();
});

beforeEach(() => {
  openAiProvider.seen.length = 0;
  anthropicProvider.seen.length = 0;
  responsesProvider.seen.length = 0;
});

const WEATHER_SCHEMA = { type: "object" as const, properties: { city: { type: "string" } }, required: ["city"] };
const OPENAI_TOOLS = [
  {
    type: "function" as const,
    function: { name: "get_weather", description: "Weather of a city", parameters: WEATHER_SCHEMA },
  },
];
const ANTHROPIC_TOOLS = [{ name: "get_weather", description: "Weather of a city", input_schema: WEATHER_SCHEMA }];

/** The same questions to both providers; what differs is only what they answer with. */
const providers = [
  {
    name: "OpenAI provider",
    model: "oai-model",
    fixture: () => openAiProvider,
    text: { whole: json(OPENAI_COMPLETION), stream: sse(OPENAI_STREAM) },
    tools: { whole: json(OPENAI_TOOL_COMPLETION), stream: sse(OPENAI_TOOL_STREAM) },
  },
  {
    name: "Anthropic provider",
    model: "ant-model",
    fixture: () => anthropicProvider,
    text: { whole: json(ANTHROPIC_MESSAGE), stream: sse(ANTHROPIC_STREAM) },
    tools: { whole: json(ANTHROPIC_TOOL_MESSAGE), stream: sse(ANTHROPIC_TOOL_STREAM) },
  },
  {
    name: "Responses provider",
    model: "gpt-5-pro",
    fixture: () => responsesProvider,
    text: { whole: json(HELLO_RESPONSE), stream: sse(HELLO_RESPONSE_STREAM) },
    tools: { whole: json(RESPONSE), stream: sse(RESPONSE_STREAM) },
  },
];

for (const provider of providers) {
  const answerWith = (answer: FixtureAnswer): void => {
    provider.fixture().answer = answer;
  };
  const { model } = provider;
  const chat = { model, messages: [{ role: "user" as const, content: "Say hello" }] };
  const message = { ...chat, max_tokens: 100 };

  describe(`openai client, ${provider.name}`, () => {
    test("answer, usage and ids", async () => {
      answerWith(provider.text.whole);
      const { data, response } = await openai.chat.completions.create(chat).withResponse();
      expect(data.choices[0]!.message.content).toBe("Hello world");
      expect(data.choices[0]!.finish_reason).toBe("stop");
      expect(data.usage).toMatchObject({ prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 });
      expect(data.usage!.prompt_tokens_details!.cached_tokens).toBe(8);
      expect(data).toMatchObject({
        gateway_usage: { cost_usd: expect.any(Number), processing_time_ms: expect.any(Number) },
      });
      expect(response.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
      expect(response.headers.get("x-trace-id")).toMatch(/^[0-9a-f]{32}$/);
    });

    test("stream with usage", async () => {
      answerWith(provider.text.stream);
      const stream = await openai.chat.completions.create({
        ...chat,
        stream: true,
        stream_options: { include_usage: true },
      });
      let text = "";
      let usage: OpenAI.CompletionUsage | null | undefined;
      let finish: string | null = null;
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? "";
        finish = chunk.choices[0]?.finish_reason ?? finish;
        usage = chunk.usage ?? usage;
      }
      expect(text).toBe("Hello world");
      expect(finish).toBe("stop");
      expect(usage).toMatchObject({ prompt_tokens: 20, completion_tokens: 5 });
    });

    test("stream without usage has no usage chunk, though the provider is asked for one", async () => {
      answerWith(provider.text.stream);
      const stream = await openai.chat.completions.create({ ...chat, stream: true });
      const chunks: OpenAI.ChatCompletionChunk[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      expect(chunks.every((chunk) => chunk.choices.length > 0)).toBe(true);
      const { stream_options: asked } = provider.fixture().seen[0]!.body;
      if (model === "oai-model") expect(asked).toEqual({ include_usage: true });
    });

    test("parallel tool calls and their results", async () => {
      answerWith(provider.tools.whole);
      const first = await openai.chat.completions.create({ ...chat, tools: OPENAI_TOOLS, tool_choice: "required" });
      const calls = first.choices[0]!.message.tool_calls!;
      expect(first.choices[0]!.finish_reason).toBe("tool_calls");
      expect(calls.map((call) => call.type === "function" && JSON.parse(call.function.arguments))).toEqual([
        { city: "Oslo" },
        { city: "Rome" },
      ]);
      answerWith(provider.text.whole);
      const results = calls.map((call) => ({ role: "tool" as const, tool_call_id: call.id, content: "sunny" }));
      const messages = [...chat.messages, first.choices[0]!.message, ...results];
      const second = await openai.chat.completions.create({ model, messages, tools: OPENAI_TOOLS });
      expect(second.choices[0]!.message.content).toBe("Hello world");
    });

    test("streamed parallel tool calls", async () => {
      answerWith(provider.tools.stream);
      const runner = openai.chat.completions.stream({ ...chat, tools: OPENAI_TOOLS });
      const final = await runner.finalChatCompletion();
      const calls = final.choices[0]!.message.tool_calls!;
      expect(calls.map((call) => call.type === "function" && JSON.parse(call.function.arguments))).toEqual([
        { city: "Oslo" },
        { city: "Rome" },
      ]);
    });
  });

  describe(`openai client of Responses, ${provider.name}`, () => {
    const request = { model, input: "Say hello" };
    const tools = OPENAI_TOOLS.map(({ function: fn }) => ({ type: "function" as const, ...fn, strict: false }));
    const argumentsOf = ({ output }: { output: { type: string }[] }): unknown[] => {
      const calls = output.filter((item): item is { type: string; arguments: string } => "arguments" in item);
      return calls.map((call) => JSON.parse(call.arguments));
    };

    test("answer, usage, and what follows it", async () => {
      answerWith(provider.text.whole);
      const first = await openai.responses.create(request);
      expect([first.output_text, first.status]).toEqual(["Hello world", "completed"]);
      expect(first.usage).toMatchObject({
        input_tokens: 20,
        output_tokens: 5,
        input_tokens_details: { cached_tokens: 8 },
      });
      const second = await openai.responses.create({ ...request, previous_response_id: first.id });
      expect(second.output_text).toBe("Hello world");
      expect((await openai.responses.retrieve(first.id)).output_text).toBe("Hello world");
    });

    test("stream", async () => {
      answerWith(provider.text.stream);
      const stream = openai.responses.stream(request);
      const numbers: number[] = [];
      for await (const event of stream) numbers.push(event.sequence_number);
      expect(numbers).toEqual(numbers.map((_, index) => index));
      const final = await stream.finalResponse();
      expect([final.output_text, final.usage!.output_tokens]).toEqual(["Hello world", 5]);
    });

    test("parallel tool calls and their results", async () => {
      answerWith(provider.tools.whole);
      const first = await openai.responses.create({ ...request, tools, tool_choice: "required" });
      expect(argumentsOf(first)).toEqual([{ city: "Oslo" }, { city: "Rome" }]);
      answerWith(provider.text.whole);
      const outputs = first.output.flatMap((item) =>
        item.type === "function_call"
          ? [{ type: "function_call_output" as const, call_id: item.call_id, output: "sunny" }]
          : [],
      );
      const second = await openai.responses.create({
        ...request,
        input: outputs,
        previous_response_id: first.id,
        tools,
      });
      expect(second.output_text).toBe("Hello world");
    });

    test("streamed parallel tool calls", async () => {
      answerWith(provider.tools.stream);
      const final = await openai.responses.stream({ ...request, tools }).finalResponse();
      expect(argumentsOf(final)).toEqual([{ city: "Oslo" }, { city: "Rome" }]);
    });

    test("drop in mid-stream: an error", async () => {
      answerWith(sse(beginning(model), "drop"));
      await expect(openai.responses.stream(request).finalResponse()).rejects.toThrow(/broke off/);
    });
  });

  describe(`anthropic client, ${provider.name}`, () => {
    test("answer, usage and ids", async () => {
      answerWith(provider.text.whole);
      const answer = await anthropic.messages.create(message);
      expect(answer.content).toMatchObject([{ type: "text", text: "Hello world" }]);
      expect(answer.stop_reason).toBe("end_turn");
      expect(answer.usage).toMatchObject({ cache_read_input_tokens: 8, output_tokens: 5 });
      const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens } = answer.usage;
      expect(input_tokens + (cache_creation_input_tokens ?? 0) + (cache_read_input_tokens ?? 0)).toBe(20);
      expect(answer._request_id).toMatch(/^req_/);
    });

    test("stream", async () => {
      answerWith(provider.text.stream);
      const stream = anthropic.messages.stream(message);
      const final = await stream.finalMessage();
      expect(final.content).toMatchObject([{ type: "text", text: "Hello world" }]);
      expect(final.stop_reason).toBe("end_turn");
      expect(final.usage.output_tokens).toBe(5);
    });

    test("parallel tool calls and their results", async () => {
      answerWith(provider.tools.whole);
      const first = await anthropic.messages.create({
        ...message,
        tools: ANTHROPIC_TOOLS,
        tool_choice: { type: "any" },
      });
      const uses = first.content.filter((block) => block.type === "tool_use");
      expect(first.stop_reason).toBe("tool_use");
      expect(uses.map((use) => use.input)).toEqual([{ city: "Oslo" }, { city: "Rome" }]);
      answerWith(provider.text.whole);
      const results = uses.map((use) => ({ type: "tool_result" as const, tool_use_id: use.id, content: "sunny" }));
      const messages = [
        ...message.messages,
        { role: "assistant" as const, content: first.content },
        { role: "user" as const, content: results },
      ];
      const second = await anthropic.messages.create({ ...message, messages, tools: ANTHROPIC_TOOLS });
      expect(second.content).toMatchObject([{ type: "text", text: "Hello world" }]);
    });

    test("streamed parallel tool calls", async () => {
      answerWith(provider.tools.stream);
      const final = await anthropic.messages.stream({ ...message, tools: ANTHROPIC_TOOLS }).finalMessage();
      const uses = final.content.filter((block) => block.type === "tool_use");
      expect(uses.map((use) => use.input)).toEqual([{ city: "Oslo" }, { city: "Rome" }]);
      expect(final.stop_reason).toBe("tool_use");
    });
  });

  describe(`faults of the ${provider.name}`, () => {
    const whole = (): Promise<unknown> => openai.chat.completions.create(chat);
    const readStream = async (): Promise<string> => {
      const stream = await openai.chat.completions.create({ ...chat, stream: true });
      let text = "";
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
      return text;
    };
    const readMessages = (): Promise<unknown> => anthropic.messages.stream(message).finalMessage();

    test("abort cancels the provider's request within 100 ms", async () => {
      answerWith(sse(provider.text.stream === undefined ? [] : beginning(model), "open"));
      const controller = new AbortController();
      const stream = await openai.chat.completions.create({ ...chat, stream: true }, { signal: controller.signal });
      for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
      const start = performance.now();
      controller.abort();
      await provider.fixture().seen[0]!.aborted;
      expect(performance.now() - start).toBeLessThan(100);
    });

    test("hang: 504 within the attempt limit", async () => {
      answerWith(hang);
      await expect(whole()).rejects.toMatchObject({ status: 504, code: "provider_timeout" });
      await expect(readMessages()).rejects.toMatchObject({ status: 504 });
      await expect(provider.fixture().seen[0]!.aborted).resolves.toBeUndefined();
    });

    test("drop before the first chunk: 502, no stream is begun", async () => {
      answerWith((_request, reply) => void reply.destroy());
      await expect(readStream()).rejects.toMatchObject({ status: 502, code: "provider_error" });
    });

    test("drop in mid-stream: the text so far, then an error", async () => {
      answerWith(sse(beginning(model), "drop"));
      await expect(readStream()).rejects.toThrow(/broke off/);
      await expect(readMessages()).rejects.toThrow(/broke off/);
    });

    test("silence in mid-stream: a timeout", async () => {
      answerWith(sse(beginning(model), "open"));
      await expect(readStream()).rejects.toThrow(/silence between chunks/);
    });

    test.each([
      ["no JSON", (_request: unknown, reply: Parameters<FixtureAnswer>[1]) => void reply.end("<html>oops</html>")],
      ["JSON that is no answer", json({ hello: 1 })],
      [
        "an unfinished body",
        ((_request, reply) => {
          reply.writeHead(200, { "content-type": "application/json", "content-length": "999" });
          reply.write('{"choices":[', () => reply.destroy());
        }) satisfies FixtureAnswer,
      ],
      [
        "a huge header",
        ((_request, reply) => {
          reply.writeHead(200, { "x-huge": "x".repeat(100_000) }).end("{}");
        }) satisfies FixtureAnswer,
      ],
    ])("garbage (%s): 502", async (_name, answer) => {
      answerWith(answer as FixtureAnswer);
      await expect(whole()).rejects.toMatchObject({ status: 502 });
    });

    test.each([
      ["broken events", ["data: {oops\n\n", "data: {\n\n"]],
      ["no events", []],
    ])("garbage stream (%s): 502", async (_name, pieces) => {
      answerWith(sse(pieces));
      await expect(readStream()).rejects.toMatchObject({ status: 502 });
    });

    test("an error inside a 200", async () => {
      answerWith(json({ error: { message: "capacity", type: "overloaded_error" } }));
      await expect(whole()).rejects.toMatchObject({ status: 503, code: "provider_unavailable" });
      await expect(readStream()).rejects.toMatchObject({ status: 503 });
    });

    test("a rate limit keeps its Retry-After and says whose it is", async () => {
      answerWith(json({ error: { message: "slow down" } }, 429, { "retry-after": "7" }));
      const error = await whole().then(
        () => undefined,
        (thrown: InstanceType<typeof OpenAI.APIError>) => thrown,
      );
      expect(error).toBeInstanceOf(OpenAI.RateLimitError);
      expect(error!.headers!.get("retry-after")).toBe("7");
      expect(error!.headers!.get("x-ratelimit-scope")).toBe("upstream");
      await expect(anthropic.messages.create(message)).rejects.toBeInstanceOf(Anthropic.RateLimitError);
    });

    test("a refusal of our credentials shows no key", async () => {
      answerWith(json({ error: { message: `Incorrect API key provided: ${PROVIDER_KEY}` } }, 401));
      const error = await whole().then(
        () => undefined,
        (thrown: InstanceType<typeof OpenAI.APIError>) => thrown,
      );
      expect(error).toMatchObject({ status: 502, code: "provider_authentication_error" });
      expect(error!.message).not.toContain(PROVIDER_KEY);
    });
  });
}

/** A stream's first chunks, up to some text. */
function beginning(model: string): readonly string[] {
  if (model === "gpt-5-pro") return HELLO_RESPONSE_STREAM.slice(0, 4);
  return model === "oai-model" ? OPENAI_STREAM.slice(0, 2) : ANTHROPIC_STREAM.slice(0, 4);
}

describe("errors raise the clients' own classes", () => {
  const chat = { model: "oai-model", messages: [{ role: "user" as const, content: "x" }] };
  const message = { ...chat, model: "ant-model", max_tokens: 10 };

  test("openai", async () => {
    const wrongKey = new OpenAI({ ...clientOptions(), baseURL: `${role.urls["main"]}/v1`, apiKey: "wrong" });
    await expect(wrongKey.chat.completions.create(chat)).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(openai.chat.completions.create({ ...chat, temperature: 9 })).rejects.toBeInstanceOf(
      OpenAI.BadRequestError,
    );
    await expect(openai.chat.completions.create({ ...chat, messages: [] })).rejects.toMatchObject({
      param: "messages",
    });
    const unknown = openai.chat.completions.create({ ...chat, model: "nobody-has-this" });
    await expect(unknown).rejects.toMatchObject({ status: 404, code: "model_not_found" });
    await expect(openai.models.retrieve("nobody-has-this")).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const dead = openai.chat.completions.create({ ...chat, model: "dead-model" });
    await expect(dead).rejects.toMatchObject({ status: 503, code: "provider_unavailable" });
  });

  test("anthropic", async () => {
    const wrongKey = new Anthropic({ ...clientOptions(), apiKey: "wrong" });
    await expect(wrongKey.messages.create(message)).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
    const noMaximum = { model: message.model, messages: message.messages } as Anthropic.MessageCreateParamsNonStreaming;
    await expect(anthropic.messages.create(noMaximum)).rejects.toBeInstanceOf(Anthropic.BadRequestError);
    await expect(anthropic.messages.create({ ...message, model: "none" })).rejects.toBeInstanceOf(
      Anthropic.NotFoundError,
    );
  });

  test("a body past the limit is 413 for both", async () => {
    const content = "x".repeat(25 * 1024 * 1024);
    const messages = [{ role: "user" as const, content }];
    await expect(openai.chat.completions.create({ ...chat, messages })).rejects.toMatchObject({ status: 413 });
    await expect(anthropic.messages.create({ ...message, messages })).rejects.toMatchObject({ status: 413 });
  });

  test("a key's limit is 429 with the limit's headers", async () => {
    openAiProvider.answer = json(OPENAI_COMPLETION);
    const limited = new OpenAI({ ...clientOptions(), baseURL: `${role.urls["main"]}/v1`, apiKey: "gw_live_small_key" });
    const { response } = await limited.chat.completions.create(chat).withResponse();
    expect(response.headers.get("x-ratelimit-limit-requests")).toBe("2");
    expect(response.headers.get("ratelimit-remaining")).toBe("1");
    await limited.chat.completions.create(chat);
    const refused = await limited.chat.completions.create(chat).then(
      () => undefined,
      (error: InstanceType<typeof OpenAI.APIError>) => error,
    );
    expect(refused).toBeInstanceOf(OpenAI.RateLimitError);
    expect(Number(refused!.headers!.get("retry-after"))).toBeGreaterThan(0);
    expect(refused!.headers!.get("x-ratelimit-scope")).toBe("key");
  });
});

test("both clients list models in their own shape", async () => {
  const ids: string[] = [];
  for await (const model of openai.models.list()) ids.push(model.id);
  expect(ids).toEqual(["ant-model", "dead-model", "gpt-5-pro", "oai-model"]);
  const page = await anthropic.models.list();
  expect(page.data.map((model) => model.display_name)).toEqual(ids);
});

test("the gateway's trace context reaches the provider, its keys and the client's do not mix", async () => {
  openAiProvider.answer = json(OPENAI_COMPLETION);
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const chat = { model: "oai-model", messages: [{ role: "user" as const, content: "x" }] };
  const options = { headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01`, "x-request-id": "my-id-1" } };
  const { response } = await openai.chat.completions.create(chat, options).withResponse();
  expect(response.headers.get("x-trace-id")).toBe(traceId);
  expect(response.headers.get("x-request-id")).toBe("my-id-1");
  const { headers } = openAiProvider.seen[0]!;
  expect(headers.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  expect(headers.authorization).toBe(`Bearer ${PROVIDER_KEY}`);
});
