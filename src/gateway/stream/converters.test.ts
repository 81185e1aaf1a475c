import { expect, test } from "vitest";
import { PENDING_ARGUMENT_CHARS_MAX, STREAM_TOOL_CALLS_MAX } from "../limits.ts";
import {
  ANTHROPIC_STREAM,
  ANTHROPIC_TOOL_STREAM,
  anthropicEvent,
  OPENAI_STREAM,
  OPENAI_TOOL_STREAM,
  OPENAI_USAGE,
  openAiChunk,
} from "../testing/fixture-provider.ts";
import { AnthropicPassThrough } from "./anthropic-pass-through.ts";
import { AnthropicSource } from "./anthropic-source.ts";
import { ChatSink } from "./chat-sink.ts";
import type { StreamConverter } from "./converter.ts";
import { MessagesSink } from "./messages-sink.ts";
import { OpenAiPassThrough } from "./openai-pass-through.ts";
import { OpenAiSource } from "./openai-source.ts";
import { TranslatedStream } from "./translated-stream.ts";

const RAW_USAGE = { inputTokens: 20, outputTokens: 5, cacheReadTokens: 8 };

function run(converter: StreamConverter, pieces: readonly string[]): string {
  return pieces.map((piece) => converter.push(Buffer.from(piece)).toString()).join("") + converter.end();
}

/** The data of each event, parsed; `[DONE]` as it is. */
function events(text: string): Record<string, unknown>[] {
  return text
    .split("\n\n")
    .filter(Boolean)
    .map((event) => event.replace(/^event: .*\n/, "").replace(/^data: /, ""))
    .map((data) => (data === "[DONE]" ? data : JSON.parse(data)));
}

test("OpenAI pass-through keeps the bytes, withholding only the usage chunk", () => {
  const withUsage = new OpenAiPassThrough(true);
  expect(run(withUsage, OPENAI_STREAM)).toBe(OPENAI_STREAM.join(""));
  const without = new OpenAiPassThrough(false);
  expect(run(without, OPENAI_STREAM)).toBe(OPENAI_STREAM.filter((piece) => !piece.includes('"choices":[]')).join(""));
  for (const { meter } of [withUsage, without]) {
    expect(meter.usage).toMatchObject({ ...RAW_USAGE, reasoningTokens: 2 });
    expect(meter).toMatchObject({ finishReason: "stop", responseId: "chatcmpl-1", outputChars: 11 });
  }
});

test("OpenAI pass-through: output is counted though most chunks are not parsed", () => {
  const converter = new OpenAiPassThrough(false);
  const pieces = Array.from({ length: 200 }, () => openAiChunk({ content: "12345" }));
  for (const piece of pieces) converter.push(Buffer.from(piece));
  expect(converter.meter.outputChars).toBe(1_000);
  expect(converter.finished).toBe(false);
});

test("OpenAI pass-through: comments, unreadable events and usage on the last content chunk", () => {
  const converter = new OpenAiPassThrough(false);
  expect(converter.push(Buffer.from(": OPENROUTER PROCESSING\n\n"))).toBe("");
  expect(converter.push(Buffer.from("data: {oops\n\n"))).toBe("");
  expect(converter.started).toBe(false);
  converter.push(Buffer.from(openAiChunk({ content: "Hi" }, "stop", { usage: OPENAI_USAGE })));
  expect(converter.meter).toMatchObject({ chunks: 1, chunksDropped: 1, usage: RAW_USAGE });
  expect(converter.finished).toBe(true);
});

test("OpenAI pass-through: usage on a chunk with content moves to one of its own, or goes", () => {
  const pieces = [openAiChunk({ content: "Hi" }), openAiChunk({}, "stop", { usage: OPENAI_USAGE }), "data: [DONE]\n\n"];
  const asked = events(run(new OpenAiPassThrough(true), pieces));
  expect(asked.map((chunk) => chunk["usage"])).toEqual([null, null, OPENAI_USAGE, undefined]);
  expect(asked[2]).toMatchObject({ id: "chatcmpl-1", choices: [] });
  const plain = run(new OpenAiPassThrough(false), pieces);
  expect(events(plain)).toHaveLength(3);
  expect(plain).not.toContain("prompt_tokens");
});

test("Anthropic pass-through keeps the bytes", () => {
  const converter = new AnthropicPassThrough();
  expect(run(converter, ANTHROPIC_STREAM)).toBe(ANTHROPIC_STREAM.join(""));
  expect(converter.meter).toMatchObject({ finishReason: "stop", responseId: "msg_1", outputChars: 11 });
  expect(converter.meter.usage).toMatchObject({ ...RAW_USAGE, cacheWriteTokens: 2 });
});

test("an answer starts at its first content, not at its frame", () => {
  const openai = new OpenAiPassThrough(false);
  openai.push(Buffer.from(OPENAI_STREAM[0]!));
  expect(openai.started).toBe(false);
  openai.push(Buffer.from(OPENAI_STREAM[1]!));
  expect(openai.started).toBe(true);
  const anthropic = new AnthropicPassThrough();
  for (const piece of ANTHROPIC_STREAM.slice(0, 3)) anthropic.push(Buffer.from(piece));
  expect(anthropic.started).toBe(false);
  anthropic.push(Buffer.from(ANTHROPIC_STREAM[3]!));
  expect(anthropic.started).toBe(true);
});

test("Anthropic to OpenAI: text, thinking, usage", () => {
  const thinking = [
    anthropicEvent("content_block_delta", { index: 0, delta: { type: "thinking_delta", thinking: "Hmm" } }),
    anthropicEvent("content_block_delta", { index: 0, delta: { type: "signature_delta", signature: "c2ln" } }),
  ];
  const chunks = events(
    run(new TranslatedStream(new AnthropicSource(), new ChatSink(true, 5)), [
      ...ANTHROPIC_STREAM.slice(0, 2),
      ...thinking,
      ...ANTHROPIC_STREAM.slice(3),
    ]),
  );
  const deltas = chunks.slice(0, -2).map((chunk) => (chunk["choices"] as { delta: object }[])[0]!.delta);
  expect(deltas).toEqual([
    { role: "assistant", content: "" },
    {
      reasoning_content: "Hmm",
      reasoning_details: [{ type: "reasoning.text", text: "Hmm", format: "anthropic-claude-v1", index: 0 }],
    },
    {
      reasoning_details: [
        { type: "reasoning.text", text: "", signature: "c2ln", format: "anthropic-claude-v1", index: 0 },
      ],
      thinking_blocks: [{ type: "thinking", thinking: "Hmm", signature: "c2ln" }],
    },
    { content: "Hello" },
    { content: " world" },
    {},
  ]);
  expect(chunks.at(-2)).toMatchObject({
    choices: [],
    usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 },
  });
  expect(chunks.at(-1)).toBe("[DONE]");
  expect(new Set(chunks.slice(0, -1).map(({ id }) => id))).toEqual(new Set(["chatcmpl-1"]));
});

test("Anthropic to OpenAI: parallel tool calls get indexes of their own", () => {
  const chunks = events(
    run(new TranslatedStream(new AnthropicSource(), new ChatSink(false, 5)), ANTHROPIC_TOOL_STREAM),
  );
  const calls = chunks.slice(0, -1).flatMap((chunk) => {
    const choice = (
      chunk["choices"] as {
        delta: { tool_calls?: { index: number; id?: string; function: { arguments: string } }[] };
      }[]
    )[0]!;
    return choice.delta.tool_calls ?? [];
  });
  expect(calls.map(({ index }) => index)).toEqual([0, 0, 0, 1, 1, 1]);
  expect(calls.map(({ id }) => id)).toEqual(["toolu_0", undefined, undefined, "toolu_1", undefined, undefined]);
  expect(chunks.at(-2)).toMatchObject({ choices: [{ finish_reason: "tool_calls" }] });
});

test("OpenAI to Anthropic: interleaved tool calls become one block after the other", () => {
  const types = events(
    run(new TranslatedStream(new OpenAiSource(), new MessagesSink("msg_x", 7)), OPENAI_TOOL_STREAM),
  ).map((event) => {
    const delta = (event["delta"] ?? {}) as { partial_json?: string };
    return [event["type"], event["index"], delta.partial_json].filter((value) => value !== undefined).join(" ");
  });
  expect(types).toEqual([
    "message_start",
    "ping",
    "content_block_start 0",
    'content_block_delta 0 {"city":',
    'content_block_delta 0 "Oslo"}',
    "content_block_stop 0",
    "content_block_start 1",
    'content_block_delta 1 {"ci',
    'content_block_delta 1 ty":"Rome"}',
    "content_block_stop 1",
    "message_delta",
    "message_stop",
  ]);
});

test("OpenAI to Anthropic: thinking, text, then a tool, then late text", () => {
  const call = { index: 0, id: "call_1", type: "function", function: { name: "f", arguments: '{"a":' } };
  const pieces = [
    openAiChunk({ role: "assistant", reasoning_content: "Hmm" }),
    openAiChunk({ content: "Let me look." }),
    openAiChunk({ tool_calls: [call] }),
    openAiChunk({ content: "Wait." }),
    openAiChunk({ tool_calls: [{ index: 0, function: { arguments: "1}" } }] }),
    openAiChunk({}, "tool_calls"),
  ];
  const all = events(run(new TranslatedStream(new OpenAiSource(), new MessagesSink("msg_x", 7)), pieces));
  const starts = all
    .filter(({ type }) => type === "content_block_start")
    .map((event) => (event["content_block"] as { type: string }).type);
  expect(starts).toEqual(["thinking", "text", "tool_use", "text"]);
  // The provider reported no usage: the estimate stands.
  expect(all.at(-2)).toMatchObject({ delta: { stop_reason: "tool_use" }, usage: { input_tokens: 7 } });
});

const ended = (delta: object): string => anthropicEvent("message_delta", { delta, usage: { output_tokens: 5 } });
const translated = (from: "openai" | "anthropic", pieces: readonly string[]): Record<string, unknown>[] => {
  const stream =
    from === "openai"
      ? new TranslatedStream(new OpenAiSource(), new MessagesSink("msg_x", 0))
      : new TranslatedStream(new AnthropicSource(), new ChatSink(false, 5));
  return events(run(stream, pieces));
};

test.each<[object, string, string | undefined]>([
  [{ stop_reason: "end_turn" }, "stop", undefined],
  [{ stop_reason: "stop_sequence", stop_sequence: "END" }, "stop", undefined],
  [{ stop_reason: "pause_turn" }, "stop", undefined],
  [{ stop_reason: "max_tokens" }, "length", undefined],
  [{ stop_reason: "model_context_window_exceeded" }, "length", undefined],
  [{ stop_reason: "tool_use" }, "tool_calls", undefined],
  [{ stop_reason: "refusal", stop_details: { explanation: "No." } }, "content_filter", "No."],
])("Anthropic to OpenAI: %j ends with %s", (delta, finishReason, refusal) => {
  const pieces = [...ANTHROPIC_STREAM.slice(0, 4), ended(delta), anthropicEvent("message_stop")];
  const [choice] = translated("anthropic", pieces).at(-2)!["choices"] as { finish_reason: string; delta: object }[];
  expect(choice).toMatchObject({ finish_reason: finishReason, delta: refusal === undefined ? {} : { refusal } });
});

test.each<[string, object, string | null, object]>([
  ["stop", { content: "x" }, null, { stop_reason: "end_turn", stop_sequence: null }],
  ["stop", { refusal: "No." }, null, { stop_reason: "refusal" }],
  ["stop", { content: "x" }, "END", { stop_reason: "stop_sequence", stop_sequence: "END" }],
  ["length", { content: "x" }, null, { stop_reason: "max_tokens" }],
  ["content_filter", { content: "x" }, null, { stop_reason: "refusal" }],
  ["function_call", { content: "x" }, null, { stop_reason: "tool_use" }],
])("OpenAI to Anthropic: %s after %j and %j", (finishReason, delta, stopReason, expected) => {
  const choices = [{ index: 0, delta: {}, finish_reason: finishReason, stop_reason: stopReason }];
  const all = translated("openai", [openAiChunk({ ...delta }), openAiChunk({}, null, { choices })]);
  expect(all.at(-2)).toMatchObject({ type: "message_delta", delta: expected });
  // Nothing was counted, and nothing estimated: still not 0.
  expect(all[0]).toMatchObject({ message: { usage: { input_tokens: 1, output_tokens: 1 } } });
});

test("Anthropic to OpenAI: a call without input has arguments that can be parsed", () => {
  const call = { type: "tool_use", id: "t", name: "now", input: {} };
  const chunks = translated("anthropic", [
    ANTHROPIC_STREAM[0]!,
    anthropicEvent("content_block_start", { index: 0, content_block: call }),
    anthropicEvent("content_block_delta", { index: 0, delta: { type: "input_json_delta", partial_json: "" } }),
    anthropicEvent("content_block_stop", { index: 0 }),
    ended({ stop_reason: "tool_use" }),
    anthropicEvent("message_stop"),
  ]);
  const written = chunks.slice(0, -1).flatMap((chunk) => {
    const [choice] = chunk["choices"] as { delta: { tool_calls?: { function: { arguments: string } }[] } }[];
    return (choice!.delta.tool_calls ?? []).map((each) => each.function.arguments);
  });
  expect(JSON.parse(written.join(""))).toEqual({});
});

test("OpenAI to Anthropic: reasoning of several makers, each signed in its own way", () => {
  const detail = (members: object): string => openAiChunk({ reasoning_details: [members] });
  const all = translated("openai", [
    detail({ type: "reasoning.text", text: "A", format: "anthropic-claude-v1", index: 0 }),
    detail({ type: "reasoning.text", signature: "c2ln", format: "anthropic-claude-v1", index: 0 }),
    detail({ type: "reasoning.encrypted", data: "ZW5j", format: "anthropic-claude-v1", index: 1 }),
    detail({ type: "reasoning.summary", summary: "B", format: "openai-responses-v1", id: "rs_1", index: 2 }),
    detail({ type: "reasoning.encrypted", data: "gAAA", format: "openai-responses-v1", id: "rs_1", index: 2 }),
    detail({ type: "reasoning.encrypted", data: "sig", format: "google-gemini-v1", index: 3 }),
    openAiChunk({ content: "C" }, "stop"),
  ]);
  const blocks: Record<string, string>[] = [];
  for (const event of all) {
    if (event["type"] === "content_block_start") blocks.push({ ...(event["content_block"] as object) });
    const delta = (event["type"] === "content_block_delta" ? event["delta"] : {}) as Record<string, string>;
    for (const name of ["text", "thinking", "signature"]) if (delta[name]) blocks.at(-1)![name] += delta[name];
  }
  expect(blocks).toEqual([
    { type: "thinking", thinking: "A", signature: "c2ln" },
    { type: "redacted_thinking", data: "ZW5j" },
    { type: "thinking", thinking: "B", signature: expect.stringMatching(/^gwz1\./) },
    { type: "redacted_thinking", data: expect.stringMatching(/^gwz1\./) },
    { type: "text", text: "C" },
  ]);
});

test("what would have to be left out ends the stream instead: too many calls, too much beside an unfinished one", () => {
  const call = (index: number, written: string): string =>
    openAiChunk({ tool_calls: [{ index, id: `c${index}`, function: { name: "f", arguments: written } }] });
  const many = new TranslatedStream(new OpenAiSource(), new ChatSink(false, 1));
  for (let index = 0; index <= STREAM_TOOL_CALLS_MAX; index++) many.push(Buffer.from(call(index, "{}")));
  expect(many.providerError!.message).toContain("tool calls");
  const long = new TranslatedStream(new OpenAiSource(), new MessagesSink("msg_x", 1));
  long.push(Buffer.from(call(0, "{")));
  const piece = Buffer.from(openAiChunk({ content: "x".repeat(PENDING_ARGUMENT_CHARS_MAX / 2) }));
  for (let count = 0; count < 2; count++) long.push(piece);
  expect(long.providerError).toBeUndefined();
  long.push(piece);
  expect(long.providerError!.message).toContain("too long");
});
