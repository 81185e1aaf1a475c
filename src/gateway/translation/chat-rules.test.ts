import { expect, test } from "vitest";
import type { JsonObject } from "../json.ts";
import { chatRequestToMessages } from "./chat-request.ts";

/** The rules of docs/translation.md for reasoning, tools and cache marks: chat completions to Anthropic. */

const messages = [{ role: "user", content: "x" }];
const translate = (chat: JsonObject, model = "claude-sonnet-4-5"): { body: JsonObject; dropped: readonly string[] } =>
  chatRequestToMessages({ messages, ...chat }, model, "p");

const enabled = (budget_tokens: number): JsonObject => ({ type: "enabled", budget_tokens });

test.each<[string, JsonObject, JsonObject]>([
  ["nothing", {}, { max_tokens: 4_096 }],
  ["none", { reasoning_effort: "none" }, { max_tokens: 4_096 }],
  ["minimal", { reasoning_effort: "minimal" }, { thinking: enabled(1_024), max_tokens: 5_120 }],
  ["low", { reasoning_effort: "low" }, { thinking: enabled(2_048), max_tokens: 6_144 }],
  ["medium", { reasoning_effort: "medium" }, { thinking: enabled(8_192), max_tokens: 12_288 }],
  ["high", { reasoning_effort: "high" }, { thinking: enabled(16_384), max_tokens: 20_480 }],
  ["max", { reasoning_effort: "max" }, { thinking: enabled(24_576), max_tokens: 28_672 }],
  ["an unknown word", { reasoning_effort: "much" }, { thinking: enabled(8_192), max_tokens: 12_288 }],
  [
    "room for the answer",
    { reasoning_effort: "high", max_tokens: 5_000 },
    { thinking: enabled(3_976), max_tokens: 5_000 },
  ],
  ["LiteLLM's member", { thinking: enabled(3_000) }, { thinking: enabled(3_000), max_tokens: 7_096 }],
  ["LiteLLM's, off", { thinking: { type: "disabled" } }, { max_tokens: 4_096 }],
  ["OpenRouter's effort", { reasoning: { effort: "low" } }, { thinking: enabled(2_048), max_tokens: 6_144 }],
  ["OpenRouter's tokens", { reasoning: { max_tokens: 500 } }, { thinking: enabled(1_024), max_tokens: 5_120 }],
  ["OpenRouter's switch", { reasoning: { enabled: true } }, { thinking: enabled(8_192), max_tokens: 12_288 }],
  ["OpenRouter's, off", { reasoning: { enabled: false, effort: "high" } }, { max_tokens: 4_096 }],
])("thinking with a budget: %s", (_name, chat, expected) => {
  const { body, dropped } = translate(chat);
  expect([body, dropped]).toEqual([{ model: "claude-sonnet-4-5", messages: expect.anything(), ...expected }, []]);
});

test.each<[string, JsonObject, JsonObject]>([
  ["none", { reasoning_effort: "none" }, { thinking: { type: "disabled" } }],
  ["minimal", { reasoning_effort: "minimal" }, { thinking: { type: "adaptive" }, output_config: { effort: "low" } }],
  ["xhigh", { reasoning_effort: "xhigh" }, { thinking: { type: "adaptive" }, output_config: { effort: "xhigh" } }],
  ["a budget", { thinking: enabled(4_096) }, { thinking: { type: "adaptive" }, output_config: { effort: "medium" } }],
  ["adaptive as it is", { thinking: { type: "adaptive" } }, { thinking: { type: "adaptive" } }],
])("thinking that adapts: %s", (_name, chat, expected) => {
  for (const model of [
    "claude-opus-4-6",
    "claude-sonnet-5",
    "claude-haiku-5-5-20260801",
    "anthropic.claude-opus-4-8-v1:0",
  ]) {
    const { body } = translate(chat, model);
    expect(body).toEqual({ model, max_tokens: 4_096, messages: expect.anything(), ...expected });
  }
});

const tools = [{ type: "function", function: { name: "f", strict: true } }];

test.each<[string, JsonObject, string, string[]]>([
  ["a model that cannot", { reasoning_effort: "low" }, "claude-3-5-haiku-20241022", ["reasoning_effort"]],
  ["no room", { reasoning_effort: "low", max_tokens: 2_000 }, "claude-sonnet-4-5", ["reasoning_effort"]],
  [
    "a forced tool",
    { reasoning_effort: "low", tools, tool_choice: "required" },
    "claude-sonnet-4-5",
    ["reasoning_effort"],
  ],
  [
    "sampling beside it",
    { reasoning_effort: "low", temperature: 0.2, top_p: 0.5, top_k: 3 },
    "claude-sonnet-4-5",
    ["temperature", "top_p", "top_k"],
  ],
  ["strict at an older model", { tools }, "claude-sonnet-4-20250514", ["tools.strict"]],
])("named as dropped: %s", (_name, chat, model, expected) => {
  expect(translate(chat, model).dropped).toEqual(expected);
});

test("results of calls whose thinking is gone turn thinking off, results of new calls do not", () => {
  const call = { id: "c1", type: "function", function: { name: "f", arguments: "{}" } };
  const details = [{ type: "reasoning.text", text: "Hmm", signature: "c2ln", format: "anthropic-claude-v1" }];
  const result = { role: "tool", tool_call_id: "c1", content: "r" };
  const turn = (answer: JsonObject): JsonObject => ({
    reasoning_effort: "low",
    messages: [...messages, { role: "assistant", content: null, tool_calls: [call], ...answer }, result],
  });
  expect(translate(turn({})).dropped).toEqual(["reasoning_effort"]);
  expect(translate(turn({}))).not.toHaveProperty("body.thinking");
  expect(translate(turn({ reasoning_details: details })).body["thinking"]).toEqual(enabled(2_048));
  // LiteLLM's clients send the blocks as they are.
  const blocks = [{ type: "thinking", thinking: "Hmm", signature: "c2ln" }];
  expect(translate(turn({ thinking_blocks: blocks })).body["messages"]).toMatchObject([
    {},
    { content: [blocks[0], {}] },
    {},
  ]);
});

test.each<[string, JsonObject]>([
  [
    "of another model",
    { reasoning_details: [{ type: "reasoning.encrypted", data: "x", format: "openai-responses-v1" }] },
  ],
  ["without a signature", { reasoning_details: [{ type: "reasoning.text", text: "Hmm" }] }],
  ["as plain text", { reasoning_content: "Hmm" }],
])("reasoning %s stays out of Claude's history", (_name, answer) => {
  const { body } = translate({ messages: [...messages, { role: "assistant", content: "A", ...answer }] });
  expect(body["messages"]).toEqual([
    { role: "user", content: [{ type: "text", text: "x" }] },
    { role: "assistant", content: [{ type: "text", text: "A" }] },
  ]);
});

const named = (name: string): JsonObject => ({ type: "function", function: { name } });

test.each<[string, JsonObject, JsonObject | undefined, string[]]>([
  ["auto", { tool_choice: "auto" }, { type: "auto" }, ["f", "g"]],
  ["none", { tool_choice: "none", parallel_tool_calls: false }, { type: "none" }, ["f", "g"]],
  ["one at a time", { parallel_tool_calls: false }, { type: "auto", disable_parallel_tool_use: true }, ["f", "g"]],
  ["required", { tool_choice: "required" }, { type: "any" }, ["f", "g"]],
  ["a function", { tool_choice: named("g") }, { type: "tool", name: "g" }, ["f", "g"]],
  [
    "some of them",
    { tool_choice: { type: "allowed_tools", allowed_tools: { mode: "required", tools: [named("g")] } } },
    { type: "any" },
    ["g"],
  ],
])("tool_choice: %s", (_name, chat, choice, shown) => {
  const { body } = translate({ tools: [named("f"), named("g")], ...chat });
  expect(body["tool_choice"]).toEqual(choice);
  expect((body["tools"] as JsonObject[]).map(({ name }) => name)).toEqual(shown);
});

test("cache marks stay where they are, a message's goes to its last block", () => {
  const mark = { cache_control: { type: "ephemeral", ttl: "1h" } };
  const { body, dropped } = translate({
    ...mark,
    messages: [
      { role: "system", content: "S", ...mark },
      {
        role: "user",
        content: [
          { type: "text", text: "a", ...mark },
          { type: "text", text: "b" },
        ],
      },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c", type: "function", function: { name: "f" }, ...mark }],
      },
      { role: "tool", tool_call_id: "c", content: "r", ...mark },
    ],
    tools: [{ ...named("f"), ...mark }],
  });
  expect(body).toMatchObject({
    ...mark,
    system: [{ text: "S", ...mark }],
    messages: [
      { content: [{ text: "a", ...mark }, { text: "b" }] },
      { content: [{ type: "tool_use", ...mark }] },
      { content: [{ type: "tool_result", ...mark }] },
    ],
    tools: [{ name: "f", ...mark }],
  });
  expect(dropped).toEqual([]);
});

test("structured outputs: as Anthropic has them, refused for models that do not", () => {
  const schema = { type: "object", properties: {}, additionalProperties: false };
  const chat = {
    response_format: { type: "json_schema", json_schema: { name: "n", schema, strict: true } },
    reasoning_effort: "high",
  };
  expect(translate(chat, "claude-opus-4-6").body["output_config"]).toEqual({
    effort: "high",
    format: { type: "json_schema", schema },
  });
  const refused = expect.objectContaining({ code: "NOT_TRANSLATABLE", param: "response_format" });
  for (const model of ["claude-3-5-haiku-20241022", "claude-sonnet-4-20250514", "claude-opus-4-0"]) {
    expect(() => translate(chat, model)).toThrow(refused);
  }
  expect(() => translate(chat, "claude-opus-4-1-20250805")).not.toThrow();
});
