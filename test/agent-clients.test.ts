import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { ChatAnthropic } from "@langchain/anthropic";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, type LanguageModel, stepCountIs, streamText, tool } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { JsonObject } from "../src/gateway/json.ts";
import {
  ANTHROPIC_MESSAGE,
  ANTHROPIC_STREAM,
  type FixtureAnswer,
  type FixtureProvider,
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
  THINKING_MESSAGE,
  THINKING_STREAM,
} from "../src/gateway/testing/responses-fixtures.ts";
import { startTestGateway, type TestGateway } from "../src/gateway/testing/test-gateway.ts";
import { TEST_ADMIN_KEY } from "../src/runtime/testing.ts";

/** Vercel's AI SDK and LangChain: each of their wire formats against each provider format, a loop with tools included. */

let provider: FixtureProvider;
let gateway: TestGateway;

beforeAll(async () => {
  globalThis.AI_SDK_LOG_WARNINGS = false; // It does not know the fixtures' models and says so each time.
  provider = await startFixtureProvider(json({}));
  const v1 = `${provider.url}/v1`;
  gateway = await startTestGateway({
    gateway: {
      providers: {
        openai: { type: "openai", baseUrl: v1, apiKey: "k", models: ["gpt-5-pro"] },
        ant: { type: "anthropic", baseUrl: provider.url, apiKey: "k", models: ["claude-sonnet-4-5"] },
        fix: { type: "openai", baseUrl: v1, apiKey: "k", models: ["m-1"] },
      },
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await provider.close();
});

/** What each format of provider answers first (calls of a tool), and when it has their results. */
const targets = [
  {
    model: "m-1",
    calls: { whole: json(OPENAI_TOOL_COMPLETION), stream: sse(OPENAI_TOOL_STREAM) },
    text: { whole: json(OPENAI_COMPLETION), stream: sse(OPENAI_STREAM) },
    cities: ["Oslo", "Rome"],
    reasons: false,
  },
  {
    model: "claude-sonnet-4-5",
    calls: { whole: json(THINKING_MESSAGE), stream: sse(THINKING_STREAM) },
    text: { whole: json(ANTHROPIC_MESSAGE), stream: sse(ANTHROPIC_STREAM) },
    cities: ["Oslo"],
    reasons: true,
  },
  {
    model: "gpt-5-pro",
    calls: { whole: json(RESPONSE), stream: sse(RESPONSE_STREAM) },
    text: { whole: json(HELLO_RESPONSE), stream: sse(HELLO_RESPONSE_STREAM) },
    cities: ["Oslo", "Rome"],
    reasons: true,
  },
];

const options = (): { apiKey: string; baseURL: string } => ({ apiKey: TEST_ADMIN_KEY, baseURL: `${gateway.url}/v1` });
const aiClients: { name: string; model: (id: string) => LanguageModel; showsReasoning: boolean }[] = [
  { name: "OpenAI's Responses", model: (id) => createOpenAI(options()).responses(id), showsReasoning: true },
  // Its reader of chat completions knows no reasoning.
  { name: "OpenAI's chat", model: (id) => createOpenAI(options()).chat(id), showsReasoning: false },
  { name: "Anthropic's", model: (id) => createAnthropic(options())(id), showsReasoning: true },
];

const get_weather = tool({
  description: "Weather of a city",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});

function answerInTurn(first: FixtureAnswer, then: FixtureAnswer): void {
  let asked = 0;
  provider.answer = (request, reply) => (asked++ === 0 ? first : then)(request, reply);
}

/** The texts of tool results in the last request, in whichever format it was. */
function resultsSent(): string[] {
  return [...JSON.stringify(provider.seen.at(-1)!.body).matchAll(/sunny in (\w+)/g)].map(([, city]) => city!);
}

for (const { name, model: modelOf, showsReasoning } of aiClients) {
  describe(`AI SDK, ${name} format`, () => {
    for (const { model, calls, text, cities, reasons } of targets) {
      const asked = { prompt: "Weather?", tools: { get_weather }, stopWhen: stepCountIs(3) };

      test(`${model}: calls tools, sends their results, answers`, async () => {
        answerInTurn(calls.whole, text.whole);
        const result = await generateText({ ...asked, model: modelOf(model) });
        expect(result.text).toBe("Hello world");
        expect(result.steps[0]!.toolCalls.map(({ input }) => (input as JsonObject)["city"])).toEqual(cities);
        expect(resultsSent()).toEqual(cities);
        expect(result.totalUsage.outputTokens).toBeGreaterThan(0);
      });

      test(`${model}: the same as a stream, reasoning included`, async () => {
        answerInTurn(calls.stream, text.stream);
        const result = streamText({ ...asked, model: modelOf(model) });
        const kinds = new Set<string>();
        for await (const part of result.fullStream) {
          if (part.type === "error") throw part.error;
          kinds.add(part.type);
        }
        expect(await result.text).toBe("Hello world");
        expect(resultsSent()).toEqual(cities);
        expect(kinds).toContain("tool-input-delta");
        expect(kinds.has("reasoning-delta")).toBe(reasons && showsReasoning);
        expect((await result.totalUsage).inputTokens).toBeGreaterThan(0);
      });
    }
  });
}

describe("LangChain", () => {
  const { baseURL } = { baseURL: () => `${gateway.url}/v1` };
  const clients = {
    "OpenAI's chat": (model: string) =>
      new ChatOpenAI({ model, apiKey: TEST_ADMIN_KEY, configuration: { baseURL: baseURL() } }),
    "OpenAI's Responses": (model: string) =>
      new ChatOpenAI({ model, apiKey: TEST_ADMIN_KEY, useResponsesApi: true, configuration: { baseURL: baseURL() } }),
    "Anthropic's": (model: string) =>
      new ChatAnthropic({ model, apiKey: TEST_ADMIN_KEY, anthropicApiUrl: gateway.url, maxTokens: 100 }),
  };
  const cases = Object.entries(clients).flatMap(([name, make]) => targets.map((target) => ({ name, make, ...target })));

  test.each(cases)(
    "$name format, $model: text, tools, stream with usage",
    async ({ make, model, calls, text, cities }) => {
      const chat = make(model);
      provider.answer = text.whole;
      expect((await chat.invoke("Say hello")).text).toBe("Hello world");
      provider.answer = calls.whole;
      const schema = { type: "object", properties: { city: { type: "string" } } };
      const tools = [
        { type: "function", function: { name: "get_weather", description: "Weather", parameters: schema } },
      ];
      const called = await chat.bindTools!(tools).invoke("Weather?");
      expect(called.tool_calls!.map(({ args }) => args["city"])).toEqual(cities);
      provider.answer = text.stream;
      let streamed = "";
      let outputTokens = 0;
      for await (const chunk of await chat.stream("Say hello")) {
        streamed += chunk.text;
        outputTokens += chunk.usage_metadata?.output_tokens ?? 0;
      }
      expect([streamed, outputTokens > 0]).toEqual(["Hello world", true]);
    },
  );
});
