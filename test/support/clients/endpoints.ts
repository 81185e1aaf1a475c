import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { OpenAIEmbeddings } from "@langchain/openai";
import { embed } from "ai";
import OpenAI from "openai";
import { expect } from "vitest";
import { parseObject } from "../../../src/gateway/json.ts";
import { PROVIDERS } from "./behaviours.ts";
import { curl } from "./curl-clients.ts";
import { anthropicClient, openAiClient } from "./official-clients.ts";
import type { ScriptedProvider } from "./scripted-provider.ts";

/** What clients do beside asking a model one question, by the clients that can. */

export interface Place {
  readonly url: string;
  readonly apiKey: string;
  readonly provider: ScriptedProvider;
}

interface EndpointBehaviour {
  readonly name: string;
  readonly clients: Readonly<Record<string, (place: Place) => Promise<void>>>;
}

const MODELS = ["claude-sonnet-4-5", "gemini-2.5-flash", "gpt-5-pro", "m-1", "m-embed"];
const VERSION = ["-H", "anthropic-version: 2023-06-01"];
const bearer = ({ apiKey }: Place): string[] => ["-H", `Authorization: Bearer ${apiKey}`];
const anthropicKey = ({ apiKey }: Place): string[] => ["-H", `x-api-key: ${apiKey}`, ...VERSION];
const JSON_TYPE = ["-H", "Content-Type: application/json"];

async function curlJson(options: readonly string[], body?: unknown): Promise<{ status: number; body: unknown }> {
  const data = body === undefined ? [] : ["-d", "@-"];
  const { status, text } = await curl([...options, ...data], body === undefined ? undefined : JSON.stringify(body));
  return { status, body: parseObject(text) };
}

async function rejection(asked: Promise<unknown>): Promise<unknown> {
  return asked.then(
    () => undefined,
    (error: unknown) => error,
  );
}

export const ENDPOINTS: readonly EndpointBehaviour[] = [
  {
    name: "models are listed",
    clients: {
      async openai(place) {
        const ids: string[] = [];
        for await (const { id } of openAiClient(place.url, place).models.list()) ids.push(id);
        expect(ids).toEqual(MODELS);
      },
      async anthropic(place) {
        const ids: string[] = [];
        for await (const { id, type } of anthropicClient(place.url, place).models.list({ limit: 2 })) {
          expect(type).toBe("model");
          ids.push(id);
        }
        expect(ids).toEqual(MODELS);
      },
      async curl(place) {
        const listed = await curlJson([`${place.url}/v1/models`, ...bearer(place)]);
        expect(listed.body).toMatchObject({ object: "list", data: MODELS.map((id) => ({ id, object: "model" })) });
        const page = await curlJson([`${place.url}/v1/models`, ...anthropicKey(place)]);
        expect(page.body).toMatchObject({ data: MODELS.map((id) => ({ id, type: "model" })), has_more: false });
      },
    },
  },
  {
    name: "a model is told, an unknown one is 404",
    clients: {
      async openai(place) {
        const { models } = openAiClient(place.url, place);
        expect(await models.retrieve("m-1")).toMatchObject({ id: "m-1", object: "model" });
        expect(await rejection(models.retrieve("none"))).toBeInstanceOf(OpenAI.NotFoundError);
      },
      async anthropic(place) {
        const { models } = anthropicClient(place.url, place);
        expect(await models.retrieve("claude-sonnet-4-5")).toMatchObject({ id: "claude-sonnet-4-5", type: "model" });
        expect(await rejection(models.retrieve("none"))).toBeInstanceOf(Anthropic.NotFoundError);
      },
      async curl(place) {
        const found = await curlJson([`${place.url}/v1/models/m-1`, ...bearer(place)]);
        expect(found).toMatchObject({ status: 200, body: { id: "m-1", object: "model" } });
        const unknown = await curlJson([`${place.url}/v1/models/none`, ...anthropicKey(place)]);
        expect(unknown).toMatchObject({ status: 404, body: { type: "error", error: { type: "not_found_error" } } });
      },
    },
  },
  {
    name: "a wrong key is 401",
    clients: {
      async openai({ url }) {
        const asked = openAiClient(url, { apiKey: "wrong" }).models.list();
        expect(await rejection(asked as unknown as Promise<unknown>)).toBeInstanceOf(OpenAI.AuthenticationError);
      },
      async anthropic({ url }) {
        const messages = [{ role: "user" as const, content: "x" }];
        const asked = anthropicClient(url, { apiKey: "wrong" }).messages.create({
          model: "m-1",
          max_tokens: 9,
          messages,
        });
        expect(await rejection(asked)).toBeInstanceOf(Anthropic.AuthenticationError);
      },
      async curl({ url }) {
        const { status, body } = await curlJson([`${url}/v1/models`, "-H", "Authorization: Bearer wrong"]);
        expect(status).toBe(401);
        expect(body).toMatchObject({ error: { code: "invalid_api_key", gateway_code: "INVALID_API_KEY" } });
      },
    },
  },
  {
    name: "a body past the limit is 413",
    clients: {
      async openai(place) {
        const messages = [{ role: "user" as const, content: "x".repeat(25 * 1024 * 1024) }];
        const asked = openAiClient(place.url, place).chat.completions.create({ model: "m-1", messages });
        expect(await rejection(asked)).toMatchObject({ status: 413, code: "request_too_large" });
      },
      async anthropic(place) {
        const messages = [{ role: "user" as const, content: "x".repeat(25 * 1024 * 1024) }];
        const asked = anthropicClient(place.url, place).messages.create({ model: "m-1", max_tokens: 9, messages });
        expect(await rejection(asked)).toMatchObject({ status: 413, type: "request_too_large" });
      },
    },
  },
  {
    name: "embeddings",
    clients: {
      async openai(place) {
        const { data } = await openAiClient(place.url, place).embeddings.create({
          model: "m-embed",
          input: "x",
          encoding_format: "float",
        });
        expect(data[0]!.embedding).toEqual([0.25, -0.5]);
      },
      async "AI SDK"({ url, apiKey }) {
        const model = createOpenAI({ baseURL: `${url}/v1`, apiKey }).embedding("m-embed");
        const { embedding, usage } = await embed({ model, value: "x" });
        expect([embedding, usage.tokens]).toEqual([[0.25, -0.5], 3]);
      },
      async LangChain({ url, apiKey }) {
        const configuration = { baseURL: `${url}/v1` };
        const model = new OpenAIEmbeddings({ model: "m-embed", apiKey, configuration, encodingFormat: "float" });
        expect(await model.embedQuery("x")).toEqual([0.25, -0.5]);
      },
      async curl(place) {
        const options = [`${place.url}/v1/embeddings`, ...JSON_TYPE, ...bearer(place)];
        const { body } = await curlJson(options, { model: "m-embed", input: "x" });
        expect(body).toMatchObject({ object: "list", data: [{ embedding: [0.25, -0.5] }] });
      },
    },
  },
  {
    name: "tokens are counted before a request",
    clients: {
      async anthropic(place) {
        const messages = [{ role: "user" as const, content: "Hello, how are you today?" }];
        const counted = await anthropicClient(place.url, place).messages.countTokens({ model: "m-1", messages });
        expect(counted.input_tokens).toBeGreaterThan(4);
      },
      async curl(place) {
        const options = [`${place.url}/v1/messages/count_tokens`, ...JSON_TYPE, ...anthropicKey(place)];
        const { body } = await curlJson(options, {
          model: "m-1",
          messages: [{ role: "user", content: "Hello, how are you?" }],
        });
        expect(body).toEqual({ input_tokens: expect.any(Number) });
      },
    },
  },
  {
    name: "a response is continued, fetched and deleted, whatever the provider",
    clients: {
      async openai(place) {
        const { responses } = openAiClient(place.url, place);
        for (const { model } of Object.values(PROVIDERS)) {
          const script = place.provider.script([{ text: "Hello" }, { text: "again" }]);
          const first = await responses.create({ model, input: `One ${script.mark}` });
          const second = await responses.create({ model, input: `Two ${script.mark}`, previous_response_id: first.id });
          expect([first.output_text, second.output_text]).toEqual(["Hello", "again"]);
          // Where the provider keeps responses itself, it is told the id; others are told what was said.
          const { turns, body } = script.asked.at(-1)!;
          const told = JSON.stringify(turns.map(({ text }) => text.slice(0, 5)));
          if (body["previous_response_id"] === undefined) expect(told).toBe('["One [","Hello","Two ["]');
          else expect(body["previous_response_id"]).toBe(first.id);
          expect((await responses.retrieve(second.id)).output_text).toBe("again");
          await responses.delete(second.id);
          expect(await rejection(responses.retrieve(second.id))).toBeInstanceOf(OpenAI.NotFoundError);
        }
      },
      async curl(place) {
        const script = place.provider.script([{ text: "Hello" }]);
        const path = `${place.url}/v1/responses`;
        const made = await curlJson([path, ...JSON_TYPE, ...bearer(place)], { model: "m-1", input: script.mark });
        const { id } = made.body as { id: string };
        expect((await curlJson([`${path}/${id}`, ...bearer(place)])).body).toMatchObject({ id, status: "completed" });
        const deleted = await curlJson(["-X", "DELETE", `${path}/${id}`, ...bearer(place)]);
        expect(deleted).toMatchObject({ status: 200, body: { id, deleted: true } });
        expect((await curlJson([`${path}/${id}`, ...bearer(place)])).status).toBe(404);
      },
    },
  },
  {
    name: "the client's own loop runs tools, whatever the provider",
    clients: {
      async openai(place) {
        for (const { model } of Object.values(PROVIDERS)) {
          const call = { id: "call_a", name: "get_weather", args: { city: "Oslo" } };
          const script = place.provider.script([{ calls: [call] }, { text: "Sunny." }]);
          const cities: string[] = [];
          const runner = openAiClient(place.url, place).chat.completions.runTools({
            model,
            messages: [{ role: "user", content: script.mark }],
            tools: [
              {
                type: "function",
                function: {
                  name: "get_weather",
                  description: "Weather of a city",
                  parameters: { type: "object", properties: { city: { type: "string" } } },
                  parse: (text: string) => JSON.parse(text) as { city: string },
                  function: ({ city }: { city: string }) => {
                    cities.push(city);
                    return "sunny";
                  },
                },
              },
            ],
          });
          expect(await runner.finalContent()).toBe("Sunny.");
          expect(cities).toEqual(["Oslo"]);
        }
      },
    },
  },
];
