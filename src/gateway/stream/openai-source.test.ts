import { expect, test } from "vitest";
import type { JsonObject } from "../json.ts";
import { openAiChunk } from "../testing/fixture-provider.ts";
import type { ChatDelta, StreamMeter } from "./converter.ts";
import { OpenAiSource } from "./openai-source.ts";

/** How servers of chat completions differ from OpenAI's own stream, as their references show. */

function read(pieces: readonly string[]): { steps: ChatDelta[]; meter: StreamMeter; finish: string | undefined } {
  const source = new OpenAiSource();
  const steps: ChatDelta[] = [];
  let finish: string | undefined;
  source.push(Buffer.from(pieces.join("")), (delta, finishReason) => {
    if (Object.keys(delta).length > 0) steps.push(delta);
    finish = finishReason ?? finish;
  });
  return { steps, meter: source.meter, finish };
}

const fn = (name: string | undefined, written: unknown): JsonObject => ({ name, arguments: written });

test.each<[string, JsonObject[], ChatDelta[]]>([
  [
    "DeepSeek: reasoning_content beside an empty content",
    [{ reasoning_content: "Hm", content: null }],
    [{ reasoningText: "Hm" }],
  ],
  ["Groq, Cerebras: reasoning", [{ reasoning: "Hm" }], [{ reasoningText: "Hm" }]],
  [
    "OpenRouter: the same text in reasoning and reasoning_details, then a signature",
    [
      {
        reasoning: "Hm",
        reasoning_details: [{ type: "reasoning.text", text: "Hm", format: "anthropic-claude-v1", index: 0 }],
      },
      { reasoning_details: [{ type: "reasoning.text", signature: "c2ln", format: "anthropic-claude-v1", index: 0 }] },
    ],
    [
      { reasoning: [{ type: "reasoning.text", text: "Hm", format: "anthropic-claude-v1", index: 0 }] },
      { reasoning: [{ type: "reasoning.text", signature: "c2ln", format: "anthropic-claude-v1", index: 0 }] },
    ],
  ],
  [
    "LiteLLM: thinking_blocks",
    [{ reasoning_content: "Hm", thinking_blocks: [{ type: "thinking", thinking: "Hm", signature: "c2ln" }] }],
    [
      {
        reasoning: [{ type: "reasoning.text", text: "Hm", signature: "c2ln", format: "anthropic-claude-v1", index: 0 }],
      },
    ],
  ],
  [
    "Mistral: content in parts",
    [
      {
        content: [
          { type: "thinking", thinking: [{ type: "text", text: "Hm" }] },
          { type: "text", text: "So" },
        ],
      },
    ],
    [{ content: "So" }],
  ],
  [
    "Ollama: arguments as an object, without an index",
    [
      {
        tool_calls: [
          { id: "a", function: fn("f", { x: 1 }) },
          { id: "b", function: fn("g", {}) },
        ],
      },
    ],
    [
      {
        toolCalls: [
          { index: 0, id: "a", name: "f", arguments: '{"x":1}' },
          { index: 1, id: "b", name: "g", arguments: "{}" },
        ],
      },
    ],
  ],
  [
    "Gemini's compatible endpoint: every call is number 0",
    [
      { tool_calls: [{ index: 0, id: "a", function: fn("f", "{}") }] },
      { tool_calls: [{ index: 0, id: "b", function: fn("f", "{}") }] },
    ],
    [
      { toolCalls: [{ index: 0, id: "a", name: "f", arguments: "{}" }] },
      { toolCalls: [{ index: 1, id: "b", name: "f", arguments: "{}" }] },
    ],
  ],
  [
    "vLLM: id and name on every piece",
    [
      { tool_calls: [{ index: 0, id: "a", function: fn("f", "{") }] },
      { tool_calls: [{ index: 0, id: "a", function: fn("f", "}") }] },
    ],
    [
      { toolCalls: [{ index: 0, id: "a", name: "f", arguments: "{" }] },
      { toolCalls: [{ index: 0, id: "a", name: "f", arguments: "}" }] },
    ],
  ],
  [
    "OpenAI: a freeform call",
    [{ tool_calls: [{ index: 0, id: "a", type: "custom", custom: { name: "p", input: "x" } }] }],
    [{ toolCalls: [{ index: 0, id: "a", name: "p", arguments: "x" }] }],
  ],
  ["a delta of nothing", [{ role: "assistant", content: "", tool_calls: [], reasoning_content: "" }], []],
])("%s", (_name, deltas, expected) => {
  expect(read(deltas.map((delta) => openAiChunk(delta))).steps).toEqual(expected);
});

test("vLLM's stop_reason is the stop sequence that was met; a number is a token's", () => {
  const choice = (stop_reason: unknown): string =>
    openAiChunk({}, null, { choices: [{ index: 0, delta: {}, finish_reason: "stop", stop_reason }] });
  expect([read([choice("END")]).meter.stopSequence, read([choice(7)]).meter.stopSequence]).toEqual(["END", undefined]);
});

test("counts on the last chunk with content, log probabilities, and other choices than the first", () => {
  const logprobs = { content: [{ token: "H", logprob: -0.1 }] };
  const usage = { prompt_tokens: 3, completion_tokens: 1, prompt_tokens_details: { audio_tokens: 2 } };
  const { steps, meter, finish } = read([
    openAiChunk({}, null, { choices: [{ index: 1, delta: { content: "other" } }] }),
    openAiChunk({}, null, {
      choices: [{ index: 0, delta: { content: "H" }, logprobs, finish_reason: "length" }],
      usage,
    }),
  ]);
  expect(steps).toEqual([{ content: "H", logprobs: logprobs.content }]);
  expect(meter.usage).toMatchObject({ inputTokens: 3, outputTokens: 1, audioInputTokens: 2 });
  expect(finish).toBe("length");
});
