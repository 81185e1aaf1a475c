import { afterAll, expect, test } from "vitest";
import { createProvider, type Provider } from "../providers/provider.ts";
import { AnthropicPassThrough } from "../stream/anthropic-pass-through.ts";
import { OpenAiPassThrough } from "../stream/openai-pass-through.ts";
import { TranslatedStream } from "../stream/translated-stream.ts";
import {
  ANTHROPIC_MESSAGE,
  ANTHROPIC_TOOL_MESSAGE,
  OPENAI_COMPLETION,
  OPENAI_TOOL_COMPLETION,
} from "../testing/fixture-provider.ts";
import { Conversation, replyObject } from "./conversation.ts";

const make = (name: string, type: "openai" | "anthropic"): Provider => {
  return createProvider(name, { type, baseUrl: "http://127.0.0.1:9", apiKey: undefined, models: [] }, 1_000, false);
};
const openai = make("openai", "openai");
const anthropic = make("anthropic", "anthropic");
afterAll(() => Promise.all([openai.pool.destroy(), anthropic.pool.destroy()]));

const SEED = "0123456789abcdef0123456789abcdef";
const messages = [{ role: "user", content: "x" }];
const chat = (rest: object = {}): Conversation => new Conversation("openai", { model: "m", messages, ...rest }, SEED);
const message = (rest: object = {}): Conversation =>
  new Conversation("anthropic", { model: "m", messages, max_tokens: 5, ...rest }, SEED);

test("the gateway's own members stay here, everything else passes, the client's body is not touched", () => {
  const conversation = chat({
    provider: "p",
    auto_web_search: true,
    web_search_threshold: 1,
    auto_routing: true,
    custom: { a: 1 },
  });
  expect(conversation.requestFor(openai, "up").body).toEqual({ model: "up", messages, custom: { a: 1 } });
  expect(conversation.body).toMatchObject({ model: "m", provider: "p" });
  expect(message({ provider: "p", thinking: { type: "enabled" } }).requestFor(anthropic, "up").body).toEqual({
    model: "up",
    messages,
    max_tokens: 5,
    thinking: { type: "enabled" },
  });
});

test("usage is asked for in every OpenAI stream, other stream options are kept", () => {
  const { body } = chat({ stream: true, stream_options: { include_obfuscation: false } }).requestFor(openai, "up");
  expect(body["stream_options"]).toEqual({ include_obfuscation: false, include_usage: true });
  expect(message({ stream: true }).requestFor(openai, "up").body).toMatchObject({
    stream_options: { include_usage: true },
  });
  expect(chat().requestFor(openai, "up").body).not.toHaveProperty("stream_options");
});

test("OpenAI's reasoning models get max_completion_tokens", () => {
  expect(message().requestFor(openai, "o4-mini").body).toMatchObject({ max_completion_tokens: 5 });
  expect(message().requestFor(openai, "o4-mini").body).not.toHaveProperty("max_tokens");
  expect(message().requestFor(openai, "gpt-4o").body).toMatchObject({ max_tokens: 5 });
});

test("each pair of formats has its stream converter", () => {
  expect(chat().streamConverter(openai, "m")).toBeInstanceOf(OpenAiPassThrough);
  expect(chat().streamConverter(anthropic, "m")).toBeInstanceOf(TranslatedStream);
  expect(message().streamConverter(anthropic, "m")).toBeInstanceOf(AnthropicPassThrough);
  expect(message().streamConverter(openai, "m")).toBeInstanceOf(TranslatedStream);
});

test("whole replies: bytes as they came in the same format, translated in the other, metered in both", () => {
  for (const [provider, reply] of [
    [openai, OPENAI_COMPLETION],
    [anthropic, ANTHROPIC_MESSAGE],
  ] as const) {
    const bytes = Buffer.from(JSON.stringify(reply));
    for (const conversation of [chat(), message()]) {
      const converted = conversation.convertReply(provider, bytes, reply, "m")!;
      expect(converted.meter).toMatchObject({
        finishReason: "stop",
        outputChars: 11,
        usage: { inputTokens: 20, outputTokens: 5 },
      });
      if (conversation.dialect === provider.type) expect(converted.bytes).toBe(bytes);
      else expect(converted.bytes.toString()).toContain("Hello world");
    }
  }
  expect(chat().convertReply(anthropic, Buffer.alloc(0), ANTHROPIC_TOOL_MESSAGE, "m")!.meter.finishReason).toBe(
    "tool_calls",
  );
  expect(
    JSON.parse(message().convertReply(openai, Buffer.alloc(0), OPENAI_TOOL_COMPLETION, "m")!.bytes.toString()),
  ).toMatchObject({
    id: "msg_0123456789abcdef01234567",
    stop_reason: "tool_use",
  });
});

test("what is no answer is not taken for one", () => {
  for (const reply of [{}, { choices: [] }, { choices: [{}] }, { content: "x" }, { content: [] }]) {
    expect(chat().convertReply(openai, Buffer.alloc(0), reply, "m")).toBeUndefined();
    expect(chat().convertReply(anthropic, Buffer.alloc(0), reply, "m")).toBeUndefined();
  }
  expect(replyObject(Buffer.from("[1]"))).toBeUndefined();
  expect(replyObject(Buffer.from("{"))).toBeUndefined();
});
