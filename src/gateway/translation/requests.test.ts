import { expect, test } from "vitest";
import { GatewayError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import { chatRequestToMessages } from "./chat-request.ts";
import { messagesRequestToChat } from "./messages-request.ts";
import { completionToMessage, messageToCompletion } from "./replies.ts";

const PNG = "iVBORw0KGgo=";
const schema = { type: "object", properties: { city: { type: "string" } } };

test("chat to messages: a whole conversation", () => {
  const chat = {
    model: "ignored",
    messages: [
      { role: "system", content: "Be brief." },
      { role: "developer", content: [{ type: "text", text: "Be kind." }] },
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?", cache_control: { type: "ephemeral" } },
          { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
          { type: "image_url", image_url: { url: "https://example.com/a.png" } },
        ],
      },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: '{"city":"Oslo"}' } }],
      },
      { role: "tool", tool_call_id: "c1", content: "sunny" },
      { role: "user", content: "And now?" },
    ],
    max_completion_tokens: 50,
    temperature: 1.7,
    top_p: 0.9,
    stop: "END",
    user: "u1",
    tools: [{ type: "function", function: { name: "f", description: "d", parameters: schema } }],
    tool_choice: { type: "function", function: { name: "f" } },
    parallel_tool_calls: false,
    frequency_penalty: 0.5,
    presence_penalty: 0,
    seed: 7,
  };
  const { body, dropped } = chatRequestToMessages(chat, "claude-x", "p");
  expect(body).toEqual({
    model: "claude-x",
    max_tokens: 50,
    system: [
      { type: "text", text: "Be brief." },
      { type: "text", text: "Be kind." },
    ],
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?", cache_control: { type: "ephemeral" } },
          { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
          { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
        ],
      },
      { role: "assistant", content: [{ type: "tool_use", id: "c1", name: "f", input: { city: "Oslo" } }] },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "c1", content: [{ type: "text", text: "sunny" }] },
          { type: "text", text: "And now?" },
        ],
      },
    ],
    temperature: 1,
    top_p: 0.9,
    stop_sequences: ["END"],
    metadata: { user_id: "u1" },
    tools: [{ name: "f", description: "d", input_schema: schema }],
    tool_choice: { type: "tool", name: "f", disable_parallel_tool_use: true },
  });
  expect(dropped).toEqual(["frequency_penalty", "seed"]);
});

const user = { messages: [{ role: "user", content: "x" }] };

test.each<[string, JsonObject, JsonObject]>([
  ["the default maximum", {}, { max_tokens: 4_096 }],
  [
    "tool_choice required",
    { tools: [{ type: "function", function: { name: "f" } }], tool_choice: "required" },
    { tool_choice: { type: "any" } },
  ],
  [
    "a JSON schema",
    { response_format: { type: "json_schema", json_schema: { name: "n", schema } } },
    { output_config: { format: { type: "json_schema", schema } } },
  ],
  [
    "JSON mode",
    { response_format: { type: "json_object" } },
    { system: "Answer with one valid JSON object and nothing else." },
  ],
])("chat to messages: %s", (_name, chat, expected) => {
  expect(chatRequestToMessages({ ...user, ...chat }, "m", "p").body).toMatchObject(expected);
});

test.each<[string, JsonObject, string]>([
  ["n", { n: 2 }, "n"],
  ["logprobs", { logprobs: true }, "logprobs"],
  ["audio", { modalities: ["text", "audio"] }, "modalities"],
  ["functions", { functions: [] }, "functions"],
  ["a foreign tool", { tools: [{ type: "web_search" }] }, "tools"],
  ["input_audio", { messages: [{ role: "user", content: [{ type: "input_audio" }] }] }, "messages"],
  [
    "a TIFF",
    {
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:image/tiff;base64,AA==" } }] }],
    },
    "messages",
  ],
  [
    "a local file",
    { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "file:///etc/passwd" } }] }] },
    "messages",
  ],
])("chat to messages refuses %s", (_name, chat, param) => {
  const refused = (): unknown => chatRequestToMessages({ ...user, ...chat }, "m", "p");
  expect(refused).toThrow(expect.objectContaining({ code: "NOT_TRANSLATABLE", param, status: 400 }));
});

test("chat to messages: broken tool arguments are the request's fault", () => {
  const calls = [{ id: "c1", type: "function", function: { name: "f", arguments: "{oops" } }];
  const messages = [...user.messages, { role: "assistant", tool_calls: calls }];
  expect(() => chatRequestToMessages({ messages }, "m", "p")).toThrow(GatewayError);
});

test("messages to chat: a whole conversation", () => {
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } };
  const request = {
    model: "ignored",
    max_tokens: 99,
    system: [
      { type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } },
      { type: "text", text: "Be kind." },
    ],
    messages: [
      { role: "user", content: [{ type: "text", text: "What is this?" }, image] },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "Hmm", signature: "s" },
          { type: "text", text: "Looking." },
          { type: "tool_use", id: "t1", name: "f", input: { city: "Oslo" } },
        ],
      },
      {
        role: "user",
        content: [
          { type: "text", text: "And now?" },
          { type: "tool_result", tool_use_id: "t1", content: [{ type: "text", text: "no" }, image], is_error: true },
        ],
      },
    ],
    stop_sequences: ["END"],
    temperature: 0.5,
    top_k: 5,
    metadata: { user_id: "u1" },
    tools: [{ name: "f", description: "d", input_schema: schema }],
    tool_choice: { type: "any", disable_parallel_tool_use: true },
  };
  const { body, dropped } = messagesRequestToChat(request, "gpt-x", "p");
  const imagePart = { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } };
  const mark = { cache_control: { type: "ephemeral" } };
  expect(body).toEqual({
    model: "gpt-x",
    max_tokens: 99,
    messages: [
      {
        role: "system",
        content: [
          { type: "text", text: "Be brief.", ...mark },
          { type: "text", text: "Be kind." },
        ],
      },
      { role: "user", content: [{ type: "text", text: "What is this?" }, imagePart] },
      {
        role: "assistant",
        content: "Looking.",
        reasoning_details: [
          { type: "reasoning.text", text: "Hmm", signature: "s", format: "anthropic-claude-v1", index: 0 },
        ],
        tool_calls: [{ id: "t1", type: "function", function: { name: "f", arguments: '{"city":"Oslo"}' } }],
      },
      { role: "tool", tool_call_id: "t1", content: [{ type: "text", text: "no" }, imagePart], is_error: true },
      { role: "user", content: "And now?" },
    ],
    stop: ["END"],
    temperature: 0.5,
    top_k: 5,
    user: "u1",
    tools: [{ type: "function", function: { name: "f", description: "d", parameters: schema } }],
    tool_choice: "required",
    parallel_tool_calls: false,
  });
  expect(dropped).toEqual([]);
});

test.each<[string, JsonObject]>([
  ["a built-in tool", { tools: [{ type: "web_search_20250305", name: "web_search" }] }],
  ["MCP servers", { mcp_servers: [{}] }],
  ["a server tool's block", { messages: [{ role: "assistant", content: [{ type: "server_tool_use" }] }] }],
  ["a file by id", { messages: [{ role: "user", content: [{ type: "document", source: { type: "file" } }] }] }],
])("messages to chat refuses %s", (_name, request) => {
  const refused = (): unknown => messagesRequestToChat({ ...user, max_tokens: 1, ...request }, "m", "p");
  expect(refused).toThrow(expect.objectContaining({ code: "NOT_TRANSLATABLE" }));
});

test("whatever else a request has is dropped and named, unless it is neutral or the gateway's own", () => {
  const rest = {
    future: { a: 1 },
    presence_penalty: 0,
    store: false,
    metadata: {},
    logit_bias: null,
    provider: "p",
    "bad\nname": 1,
  };
  expect(chatRequestToMessages({ ...user, ...rest }, "m", "p").dropped).toEqual(["future"]);
  expect(chatRequestToMessages({ ...user, seed: 0 }, "m", "p").dropped).toEqual(["seed"]);
  const inference = { ...user, max_tokens: 1, inference_geo: "eu", context_management: { edits: [] } };
  expect(messagesRequestToChat(inference, "m", "p").dropped).toEqual(["inference_geo", "context_management"]);
});

test("replies: tool arguments that are no JSON are shown, not lost", () => {
  const call = { id: "c1", type: "function", function: { name: "f", arguments: "{oops" } };
  const completion = {
    model: "m",
    choices: [{ message: { content: "", tool_calls: [call] }, finish_reason: "tool_calls" }],
  };
  expect(completionToMessage(completion, "msg_1")).toMatchObject({
    content: [{ type: "tool_use", id: "c1", name: "f", input: { _unparsed: "{oops" } }],
    stop_reason: "tool_use",
  });
});

test("replies: a message with thinking", () => {
  const content = [
    { type: "thinking", thinking: "Hmm", signature: "s" },
    { type: "text", text: "Hi" },
  ];
  const message = {
    id: "msg_7",
    model: "m",
    content,
    stop_reason: "max_tokens",
    usage: { input_tokens: 1, output_tokens: 2 },
  };
  expect(messageToCompletion(message, 9)).toMatchObject({
    id: "chatcmpl-7",
    created: 9,
    choices: [{ message: { content: "Hi", reasoning_content: "Hmm" }, finish_reason: "length" }],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  });
});
