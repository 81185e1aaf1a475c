import { afterAll, expect, test } from "vitest";
import type { JsonObject } from "../json.ts";
import { createProvider, type Provider } from "../providers/provider.ts";
import { lowerChat } from "./lower-chat.ts";
import { messagesRequestToChat } from "./messages-request.ts";

const make = (name: string): Provider => createProvider(name, { baseUrl: "http://127.0.0.1:9/v1" }, 1_000, false);
const [plain, openrouter, deepseek] = ["some-server", "openrouter", "deepseek"].map(make) as [
  Provider,
  Provider,
  Provider,
];
afterAll(() => Promise.all([plain, openrouter, deepseek].map(({ pool }) => pool.destroy())));

const mark = { cache_control: { type: "ephemeral" } };
const image = { type: "image", source: { type: "url", url: "https://x.example/a.png" } };
const imagePart = { type: "image_url", image_url: { url: "https://x.example/a.png" } };

/** What an Anthropic client's request becomes at this provider. */
function lowered(
  provider: Provider,
  request: JsonObject,
  model = "gpt-4o",
): { body: JsonObject; dropped: readonly string[] } {
  const { body, dropped } = messagesRequestToChat({ max_tokens: 9, ...request }, model, provider.name);
  const result = lowerChat(body, model, provider);
  return { body: result.body, dropped: [...dropped, ...result.dropped] };
}

const toolTurn = [
  { role: "user", content: "Look." },
  {
    role: "assistant",
    content: [
      { type: "thinking", thinking: "Hmm", signature: "c2ln" },
      { type: "tool_use", id: "t1", name: "f", input: {} },
      { type: "tool_use", id: "t2", name: "f", input: {} },
    ],
  },
  {
    role: "user",
    content: [
      { type: "tool_result", tool_use_id: "t1", content: [{ type: "text", text: "seen" }, image], is_error: true },
      { type: "tool_result", tool_use_id: "t2", content: "two" },
      { type: "text", text: "And now?" },
    ],
  },
];

test("tool messages hold text only: pictures follow behind all results, errors are written out", () => {
  expect(lowered(plain, { messages: toolTurn }).body["messages"]).toEqual([
    { role: "user", content: "Look." },
    {
      role: "assistant",
      content: null,
      tool_calls: ["t1", "t2"].map((id) => ({ id, type: "function", function: { name: "f", arguments: "{}" } })),
    },
    { role: "tool", tool_call_id: "t1", content: "Error: seen" },
    { role: "tool", tool_call_id: "t2", content: "two" },
    { role: "user", content: [imagePart, { type: "text", text: "And now?" }] },
  ]);
});

test("reasoning goes back to providers that want it, in the member that they read", () => {
  const answers = (provider: Provider): JsonObject => {
    return (lowered(provider, { messages: toolTurn }).body["messages"] as JsonObject[])[1]!;
  };
  expect(answers(plain)).not.toHaveProperty("reasoning_details");
  expect(answers(deepseek)).toMatchObject({ reasoning_content: "Hmm" });
  expect(answers(openrouter)).toMatchObject({
    reasoning_details: [{ type: "reasoning.text", text: "Hmm", signature: "c2ln", format: "anthropic-claude-v1" }],
  });
});

test("cache marks are kept where they are known and named where they are dropped", () => {
  const request = {
    system: [
      { type: "text", text: "A", ...mark },
      { type: "text", text: "B" },
    ],
    messages: [{ role: "user", content: [{ type: "text", text: "x", ...mark }] }],
    tools: [{ name: "f", input_schema: { type: "object" }, ...mark }],
  };
  const kept = lowered(openrouter, request);
  expect(kept.body).toMatchObject({
    messages: [{ content: [{ text: "A", ...mark }, { text: "B" }] }, { content: [{ text: "x", ...mark }] }],
    tools: [{ ...mark, function: { name: "f" } }],
  });
  expect(kept.dropped).toEqual([]);
  const { body, dropped } = lowered(plain, request);
  expect(JSON.stringify(body)).not.toContain("cache_control");
  expect(body["messages"]).toEqual([
    { role: "system", content: "A\n\nB" },
    { role: "user", content: "x" },
  ]);
  expect(dropped).toEqual(["cache_control"]);
});

const messages = [{ role: "user", content: "x" }];
const budget = { thinking: { type: "enabled", budget_tokens: 2_048 } };
const adaptive = { thinking: { type: "adaptive" }, output_config: { effort: "xhigh" } };

test.each<[string, () => Provider, string, JsonObject, JsonObject, string[]]>([
  ["a budget for a reasoning model", () => plain, "gpt-5", budget, { reasoning_effort: "low" }, []],
  ["an effort for a reasoning model", () => plain, "o4-mini", adaptive, { reasoning_effort: "high" }, []],
  ["adaptive alone, which is what they do", () => plain, "gpt-5", { thinking: { type: "adaptive" } }, {}, []],
  ["a budget for another model", () => plain, "gpt-4o", budget, {}, ["thinking"]],
  ["an effort for another model", () => plain, "gpt-4o", adaptive, {}, ["thinking", "reasoning_effort"]],
  [
    "an effort for a model that nobody knows",
    () => plain,
    "mine",
    { output_config: { effort: "low" } },
    { reasoning_effort: "low" },
    [],
  ],
  ["no thinking", () => plain, "gpt-4o", { thinking: { type: "disabled" } }, {}, []],
  ["a budget at OpenRouter", () => openrouter, "any", budget, { reasoning: { max_tokens: 2_048 } }, []],
  ["an effort at OpenRouter", () => openrouter, "any", adaptive, { reasoning: { effort: "high" } }, []],
  [
    "no thinking at OpenRouter",
    () => openrouter,
    "any",
    { thinking: { type: "disabled" } },
    { reasoning: { enabled: false } },
    [],
  ],
])("%s", (_name, provider, model, request, expected, dropped) => {
  const result = lowered(provider(), { ...request, messages }, model);
  const { model: _model, messages: _messages, max_tokens: _max, ...rest } = result.body;
  expect([rest, result.dropped]).toEqual([expected, dropped]);
});

test("what chat completions cannot say is refused", () => {
  const refused = expect.objectContaining({ code: "NOT_TRANSLATABLE", status: 400 });
  expect(() => lowered(plain, { messages, stop_sequences: ["a", "b", "c", "d", "e"] })).toThrow(refused);
  const url = [{ type: "document", source: { type: "url", url: "https://x.example/a.pdf" } }];
  expect(() => lowered(plain, { messages: [{ role: "user", content: url }] })).toThrow(refused);
  expect(lowered(openrouter, { messages: [{ role: "user", content: url }] }).body["messages"]).toMatchObject([
    { content: [{ type: "file", file: { file_data: "https://x.example/a.pdf" } }] },
  ]);
});
