import { describe, expect, test } from "vitest";
import { capturedMessages } from "./gen-ai-content.ts";
import { GenAiMetrics } from "./gen-ai-metrics.ts";
import { genAiSpan } from "./gen-ai-span.ts";
import { MetricSet } from "./metric-set.ts";
import { finishedAttempt, finishedRecord } from "./testing.ts";

const OPTIONS = {
  system: false,
  redact: String,
  server: { address: "api.openai.com", port: 443 },
  failure: undefined,
  events: [],
};

describe("the span of an inference", () => {
  test("has the newest names; gen_ai.system only where older ones were asked for", () => {
    const base = finishedRecord();
    const record = finishedRecord({
      attempts: [finishedAttempt(base.startedAtMs, { provider: "bedrock", model: "claude" })],
      inference: {
        ...base.inference!,
        topK: 40,
        seed: 7,
        choiceCount: 1,
        stopSequences: ["END"],
        outputType: "json",
        reasoningEffort: "low",
      },
      outcome: { ...base.outcome!, provider: "bedrock", model: "claude", responseModel: "claude-x" },
      usage: { ...base.usage!, cachedInputTokens: 5, cacheWriteInputTokens: 3, reasoningTokens: 2 },
    });
    const span = genAiSpan(record, OPTIONS)!;
    expect(span).toMatchObject({ name: "chat claude", kind: 3, parentSpanId: record.spanId });
    expect(span.attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "aws.bedrock",
      "gen_ai.request.top_k": 40,
      "gen_ai.request.seed": 7,
      "gen_ai.request.stop_sequences": ["END"],
      "gen_ai.request.reasoning.level": "low",
      "gen_ai.output.type": "json",
      "gen_ai.response.model": "claude-x",
      "gen_ai.usage.cache_read.input_tokens": 5,
      "gen_ai.usage.cache_write.input_tokens": 3,
      "gen_ai.usage.cache_creation.input_tokens": 3,
      "gen_ai.usage.reasoning.output_tokens": 2,
    });
    expect(span.attributes["gen_ai.system"]).toBeUndefined();
    expect(span.attributes["gen_ai.request.choice.count"]).toBeUndefined();
    expect(span.attributes["gen_ai.input.messages"]).toBeUndefined();
    expect(genAiSpan(record, { ...OPTIONS, system: true })!.attributes["gen_ai.system"]).toBe("aws.bedrock");
  });

  test("there is none where no provider was called", () => {
    expect(genAiSpan(finishedRecord({ attempts: [] }), OPTIONS)).toBeUndefined();
    expect(
      genAiSpan(finishedRecord({ attempts: [finishedAttempt(0, { result: "skipped" })] }), OPTIONS),
    ).toBeUndefined();
  });
});

describe("captured content", () => {
  test("chat completions and messages become messages of a role and parts", () => {
    const chat = capturedMessages({
      input: JSON.stringify({
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "hi" },
              { type: "image_url", image_url: { url: "data:" } },
            ],
          },
          { role: "assistant", content: null, tool_calls: [{ id: "c", function: { name: "f", arguments: "{}" } }] },
          { role: "tool", tool_call_id: "c", content: "42" },
        ],
        tools: [{ type: "function", function: { name: "f", description: "d", parameters: {} } }],
      }),
      output: JSON.stringify({ choices: [{ message: { role: "assistant", content: "yo" }, finish_reason: "stop" }] }),
    });
    expect(JSON.parse(chat.input!)).toEqual([
      { role: "user", parts: [{ type: "text", content: "hi" }, { type: "image_url" }] },
      { role: "assistant", parts: [{ type: "tool_call", id: "c", name: "f", arguments: "{}" }] },
      { role: "tool", parts: [{ type: "tool_call_response", id: "c", response: "42" }] },
    ]);
    expect(JSON.parse(chat.output!)).toEqual([
      { role: "assistant", parts: [{ type: "text", content: "yo" }], finish_reason: "stop" },
    ]);
    expect(JSON.parse(chat.tools!)).toEqual([{ type: "function", name: "f", description: "d" }]);
    const message = capturedMessages({
      input: JSON.stringify({ system: "be kind", messages: [{ role: "user", content: "hi" }] }),
      output: JSON.stringify({ content: [{ type: "thinking", thinking: "hm" }], stop_reason: "end_turn" }),
    });
    expect(JSON.parse(message.system!)).toEqual([{ type: "text", content: "be kind" }]);
    expect(JSON.parse(message.output!)).toEqual([
      { role: "assistant", parts: [{ type: "reasoning", content: "hm" }], finish_reason: "end_turn" },
    ]);
  });

  test("what was cut is one text", () => {
    const cut = capturedMessages({ input: '{"messages":[{"ro', output: "" });
    expect(JSON.parse(cut.input!)).toEqual([{ role: "user", parts: [{ type: "text", content: '{"messages":[{"ro' }] }]);
    expect(cut.output).toBeUndefined();
  });
});

describe("metrics of the conventions", () => {
  const names = (newest: boolean, older: boolean): string[] => {
    const set = new MetricSet();
    const base = finishedRecord();
    const usage = { ...base.usage!, cachedInputTokens: 5, cacheWriteInputTokens: 3, reasoningTokens: 2 };
    new GenAiMetrics(set, { newest, older }).finished({ ...base, usage }, "openai", "gpt", 0.5);
    return [...set.families()]
      .filter(({ name }) => name.startsWith("gen_ai_"))
      .filter((family) => [...family.children()].some((child) => "count" in child || child.value > 0))
      .map(({ name }) => name);
  };

  test("the newest generation alone, the older alone, or both", () => {
    const server = names(false, false);
    const newest = names(true, false).filter((name) => !server.includes(name));
    const older = names(false, true).filter((name) => !server.includes(name));
    expect(server).toEqual(server.filter((name) => name.startsWith("gen_ai_server_")));
    expect(server).toHaveLength(3);
    expect(newest).toHaveLength(10);
    expect(newest.every((name) => name.startsWith("gen_ai_client_inference_"))).toBe(true);
    expect(older.sort()).toEqual([
      "gen_ai_client_operation_duration_seconds",
      "gen_ai_client_operation_time_per_output_chunk_seconds",
      "gen_ai_client_operation_time_to_first_chunk_seconds",
      "gen_ai_client_token_usage",
    ]);
  });

  test("a failure has its error type, a success none, and chunks count one by one", () => {
    const set = new MetricSet();
    const metrics = new GenAiMetrics(set, { newest: true, older: false });
    const base = finishedRecord();
    metrics.finished(base, "openai", "gpt", 0.503);
    const error = { code: "PROVIDER_ERROR", type: "api_error", message: "" };
    metrics.finished({ ...base, outcome: { ...base.outcome!, statusCode: 502, error } }, "openai", "gpt", 0.5);
    const durations = set.histogram("gen_ai_client_inference_duration_seconds");
    expect(durations.child("chat", "openai", "gpt", "").count).toBe(1);
    expect(durations.child("chat", "openai", "gpt", "PROVIDER_ERROR").count).toBe(1);
    const perChunk = set.histogram("gen_ai_client_inference_time_per_output_chunk_seconds");
    expect(perChunk.child("chat", "openai", "gpt").count).toBe(base.outcome!.chunks - 1);
  });
});
