import { afterAll, beforeAll, expect, test } from "vitest";
import type { ProviderType } from "../../../config/provider-schema.ts";
import { type JsonObject, objectAt, objectsAt } from "../../json.ts";
import { bedrockFrame } from "../../testing/wire/bedrock.ts";
import { EXAMPLE, post, type StartedFormat, startFormat } from "../../testing/wire/format-test.ts";
import { createProvider } from "../provider.ts";
import type { Wire } from "../wire.ts";
import { loadEventStream } from "./bedrock/event-stream.ts";
import { bedrockWire } from "./bedrock.ts";
import { cohereWire } from "./cohere.ts";
import { geminiWire } from "./gemini.ts";

/** What is special in each format and does not fit the table of all providers. */

let gemini: StartedFormat;
let gemini3: StartedFormat;
let bedrock: StartedFormat;
let cohere: StartedFormat;
let vertex: StartedFormat;

beforeAll(async () => {
  [gemini, gemini3, bedrock, cohere, vertex] = await Promise.all([
    startFormat("gemini", "gemini-2.5-flash"),
    startFormat("gemini", "gemini-3-pro-preview"),
    startFormat("bedrock", "anthropic.claude-3-7-sonnet-20250219-v1:0"),
    startFormat("cohere", "command-a-reasoning-08-2025"),
    startFormat("vertex", "gemini-2.5-flash"),
  ]);
});

afterAll(() => Promise.all([gemini, gemini3, bedrock, cohere, vertex].map((one) => one.close())));

const PNG = "data:image/png;base64,iVBORw0KGgo=";
const user = (...content: JsonObject[]): JsonObject => ({ role: "user", content });
const text = (value: string): JsonObject => ({ type: "text", text: value });
const image = (url: string): JsonObject => ({ type: "image_url", image_url: { url } });

test("gemini: pictures, files and sound become parts; unknown parts are refused", async () => {
  const pdf = { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0=" } };
  const sound = { type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } };
  const messages = [user(text("What?"), image(PNG), image("https://example.com/a.jpg?x=1"), pdf, sound)];
  await post(gemini, { messages });
  expect(objectsAt(objectsAt(gemini.lastBody(), "contents")[0]!, "parts")).toEqual([
    { text: "What?" },
    { inlineData: { mimeType: "image/png", data: "iVBORw0KGgo=" } },
    { fileData: { fileUri: "https://example.com/a.jpg?x=1", mimeType: "image/jpeg" } },
    { inlineData: { mimeType: "application/pdf", data: "JVBERi0=" } },
    { inlineData: { mimeType: "audio/wav", data: "UklGRg==" } },
  ]);
  const refused = await post(gemini, { messages: [user({ type: "video_url", video_url: { url: "x" } })] });
  expect(refused.status).toBe(400);
  expect(objectAt(refused.body, "error")["gateway_code"]).toBe("NOT_TRANSLATABLE");
});

test("gemini: sampling, structure and thinking in its own names; what it does not know is named", async () => {
  const schema = { type: "object", properties: { a: { type: "string" } } };
  const { headers } = await post(gemini, {
    ...{ temperature: 0.3, top_p: 0.9, top_k: 40, max_completion_tokens: 50, stop: "END", seed: 7, user: "u1" },
    ...{ presence_penalty: 0.5, frequency_penalty: -0.5, reasoning_effort: "low", service_tier: "flex" },
    ...{ response_format: { type: "json_schema", json_schema: { name: "x", schema } } },
    safety_settings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
  });
  expect(gemini.lastBody()).toMatchObject({
    generationConfig: {
      ...{ temperature: 0.3, topP: 0.9, topK: 40, maxOutputTokens: 50, stopSequences: ["END"], seed: 7 },
      ...{ presencePenalty: 0.5, frequencyPenalty: -0.5, responseMimeType: "application/json" },
      responseJsonSchema: schema,
      thinkingConfig: { includeThoughts: true, thinkingBudget: 1_024 },
    },
    safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
  });
  expect(headers.get("x-gatewayz-dropped-params")).toBe("user, service_tier");
  await post(gemini3, { reasoning_effort: "medium" });
  expect(objectAt(gemini3.lastBody(), "generationConfig")["thinkingConfig"]).toEqual({
    includeThoughts: true,
    thinkingLevel: "high",
  });
  await post(gemini, { reasoning_effort: "none" });
  expect(objectAt(gemini.lastBody(), "generationConfig")["thinkingConfig"]).toEqual({ thinkingBudget: 0 });
});

test("gemini: a thought signature survives the way to the client and back, to the call that it belongs to", async () => {
  gemini3.answer = EXAMPLE.geminiTools;
  const { body } = await post(gemini3, { tools: EXAMPLE.tools });
  const message = objectAt(objectsAt(body, "choices")[0]!, "message");
  const [first] = objectsAt(message, "tool_calls");
  gemini3.answer = EXAMPLE.geminiHello;
  const results = objectsAt(message, "tool_calls").map((call) => ({
    role: "tool",
    tool_call_id: call["id"],
    content: '{"sky":"grey"}',
  }));
  await post(gemini3, { messages: [user(text("?")), message, ...results], tools: EXAMPLE.tools });
  const [, turn, answers] = objectsAt(gemini3.lastBody(), "contents");
  const calls = objectsAt(turn!, "parts").filter((part) => part["functionCall"] !== undefined);
  expect(calls.map((part) => part["thoughtSignature"])).toEqual(["c2ln", undefined]);
  expect(objectsAt(answers!, "parts")[0]).toEqual({
    functionResponse: { name: "get_weather", response: { sky: "grey" } },
  });
  // Calls that another model made have none; Gemini 3 takes a stand-in for the first.
  await post(gemini3, {
    messages: [
      user(text("?")),
      { role: "assistant", tool_calls: [first] },
      { role: "tool", tool_call_id: first!["id"], content: "x" },
    ],
    tools: EXAMPLE.tools,
  });
  const parts = objectsAt(objectsAt(gemini3.lastBody(), "contents")[1]!, "parts");
  expect(parts[0]!["thoughtSignature"]).toBe("skip_thought_signature_validator");
});

test("gemini: with an Anthropic client, too, whole and streamed", async () => {
  const tools = [{ name: "get_weather", input_schema: EXAMPLE.tools[0]!.function.parameters }];
  for (const stream of [false, true]) {
    gemini3.answer = EXAMPLE.geminiTools;
    if (stream) gemini3.answerStream = [EXAMPLE.geminiTools];
    const first = await gemini3.send("/v1/messages", {
      ...{ model: gemini3.model, max_tokens: 100, stream, tools },
      messages: [{ role: "user", content: "?" }],
    });
    const content = blocksOf(await first.text(), stream);
    gemini3.answerStream = undefined;
    gemini3.answer = EXAMPLE.geminiHello;
    const results = content
      .filter((block) => block["type"] === "tool_use")
      .map((block) => ({ type: "tool_result", tool_use_id: block["id"], content: "grey" }));
    expect(results).toHaveLength(2);
    const messages = [
      { role: "user", content: "?" },
      { role: "assistant", content },
      { role: "user", content: results },
    ];
    await gemini3.send("/v1/messages", { model: gemini3.model, max_tokens: 100, tools, messages });
    const parts = objectsAt(objectsAt(gemini3.lastBody(), "contents")[1]!, "parts");
    const calls = parts.filter((part) => part["functionCall"] !== undefined);
    expect(calls.map((part) => part["thoughtSignature"])).toEqual(["c2ln", undefined]);
  }
});

/** The content of an Anthropic message, whole or streamed. */
function blocksOf(text: string, stream: boolean): JsonObject[] {
  if (!stream) return objectsAt(JSON.parse(text) as JsonObject, "content");
  const blocks: JsonObject[] = [];
  const json: string[] = [];
  for (const line of text.split("\n").filter((one) => one.startsWith("data: "))) {
    const event = JSON.parse(line.slice(6)) as JsonObject;
    const index = event["index"] as number;
    if (event["type"] === "content_block_start") blocks[index] = { ...objectAt(event, "content_block") };
    const delta = objectAt(event, "delta");
    if (typeof delta["partial_json"] === "string") json[index] = (json[index] ?? "") + delta["partial_json"];
    if (typeof delta["signature"] === "string") blocks[index]!["signature"] = delta["signature"];
  }
  for (const [index, input] of json.entries()) if (input !== undefined) blocks[index]!["input"] = JSON.parse(input);
  return blocks;
}

test("gemini: a blocked prompt, a safety stop and a failed call say what they are", async () => {
  gemini.answer = { promptFeedback: { blockReason: "PROHIBITED_CONTENT" }, usageMetadata: { promptTokenCount: 9 } };
  const blocked = objectsAt((await post(gemini, {})).body, "choices")[0]!;
  expect(blocked).toMatchObject({
    finish_reason: "content_filter",
    message: { content: "", refusal: "The prompt was blocked (PROHIBITED_CONTENT)." },
  });
  gemini.answer = {
    candidates: [{ content: { parts: [{ text: "Well" }] }, finishReason: "SAFETY", safetyRatings: [] }],
  };
  expect(objectsAt((await post(gemini, {})).body, "choices")[0]).toMatchObject({
    finish_reason: "content_filter",
    message: { content: "Well" },
  });
  gemini.answer = { candidates: [{ finishReason: "MALFORMED_FUNCTION_CALL", finishMessage: "Malformed: print(x)" }] };
  for (const stream of [false, true]) {
    const failed = await post(gemini, { stream });
    expect(failed.status).toBe(502);
    expect(objectAt(failed.body, "error")["message"]).toContain("Malformed: print(x)");
  }
  gemini.answer = EXAMPLE.geminiHello;
});

test("embeddings: Gemini, Vertex, Cohere and Bedrock in OpenAI's shape", async () => {
  const cases: [StartedFormat, JsonObject, JsonObject | undefined][] = [
    [gemini, { embeddings: [{ values: [1, 2] }, { values: [3, 4] }] }, undefined],
    [
      vertex,
      {
        predictions: [
          { embeddings: { values: [1, 2], statistics: { token_count: 3 } } },
          { embeddings: { values: [3, 4], statistics: { token_count: 4 } } },
        ],
      },
      { prompt_tokens: 7, total_tokens: 7 },
    ],
    [
      cohere,
      {
        embeddings: {
          float: [
            [1, 2],
            [3, 4],
          ],
        },
        meta: { billed_units: { input_tokens: 7 } },
      },
      { prompt_tokens: 7, total_tokens: 7 },
    ],
  ];
  for (const [format, reply, usage] of cases) {
    const before = format.answer;
    format.answer = reply;
    const { status, body } = await post(format, { input: ["a", "b"], dimensions: 2 }, "/v1/embeddings");
    format.answer = before;
    expect({ status, body }).toMatchObject({ status: 200, body: { object: "list" } });
    expect(objectsAt(body, "data")).toEqual([
      { object: "embedding", index: 0, embedding: [1, 2] },
      { object: "embedding", index: 1, embedding: [3, 4] },
    ]);
    if (usage !== undefined) expect(body["usage"]).toEqual(usage);
  }
  expect(gemini.lastBody()).toEqual({
    requests: ["a", "b"].map((value) => ({
      model: "models/gemini-2.5-flash",
      content: { parts: [{ text: value }] },
      outputDimensionality: 2,
    })),
  });
  const several = await post(bedrock, { input: ["a", "b"] }, "/v1/embeddings");
  expect(several.status).toBe(400);
  const before = bedrock.answer;
  bedrock.answer = { embedding: [1, 2], inputTextTokenCount: 3 };
  const one = await post(bedrock, { input: "a" }, "/v1/embeddings");
  bedrock.answer = before;
  expect(one.body).toMatchObject({ data: [{ embedding: [1, 2] }], usage: { prompt_tokens: 3 } });
  expect(bedrock.lastPath()).toBe("/model/anthropic.claude-3-7-sonnet-20250219-v1%3A0/invoke");
});

test("fal: pictures by address or inline, the model in the path; chats are refused", async () => {
  const fal = await startFormat("fal", "fal-ai/flux/dev");
  fal.answer = { images: [{ url: "https://fal.media/a.png" }], seed: 1 };
  const ask = { prompt: "a cat", n: 1, size: "1024x768", seed: 7, quality: "high" };
  const linked = await post(fal, ask, "/v1/images/generations");
  expect(linked).toMatchObject({ status: 200, body: { data: [{ url: "https://fal.media/a.png" }] } });
  expect(linked.headers.get("x-gatewayz-dropped-params")).toBe("quality");
  expect(fal.lastPath()).toBe("/fal-ai/flux/dev");
  expect(fal.lastBody()).toEqual({
    ...{ prompt: "a cat", num_images: 1, seed: 7 },
    image_size: { width: 1024, height: 768 },
  });
  fal.answer = { images: [{ url: PNG }] };
  const inline = await post(fal, { prompt: "a cat", response_format: "b64_json" }, "/v1/images/generations");
  expect(inline.body).toMatchObject({ data: [{ b64_json: "iVBORw0KGgo=" }] });
  expect(fal.lastBody()).toMatchObject({ sync_mode: true });
  const chat = await post(fal, {});
  await fal.close();
  expect(objectAt(chat.body, "error")["gateway_code"]).toBe("NOT_TRANSLATABLE");
});

test("rerank: Cohere's own endpoint, documents as texts", async () => {
  const before = cohere.answer;
  cohere.answer = {
    id: "r1",
    results: [{ index: 1, relevance_score: 0.9 }],
    meta: { billed_units: { search_units: 1 } },
  };
  const { body } = await post(cohere, { query: "q", documents: [{ text: "a" }, "b"], top_n: 1 }, "/v1/rerank");
  cohere.answer = before;
  expect(objectsAt(body, "results")).toEqual([{ index: 1, relevance_score: 0.9 }]);
  expect(cohere.lastPath()).toBe("/v2/rerank");
  expect(cohere.lastBody()).toMatchObject({ documents: ["a", "b"], top_n: 1 });
});

test("count_tokens: exact where the provider can, from its own endpoint", async () => {
  const body = { messages: [{ role: "user", content: "Hello" }], system: "Be brief." };
  const cases: [StartedFormat, JsonObject, string][] = [
    [gemini, { totalTokens: 42 }, "/v1beta/models/gemini-2.5-flash:countTokens"],
    [
      vertex,
      { totalTokens: 42 },
      "/v1/projects/test-project/locations/global/publishers/google/models/gemini-2.5-flash:countTokens",
    ],
    [bedrock, { inputTokens: 42 }, "/model/anthropic.claude-3-7-sonnet-20250219-v1%3A0/count-tokens"],
  ];
  for (const [format, reply, path] of cases) {
    const before = format.answer;
    format.answer = reply;
    const counted = await post(format, body, "/v1/messages/count_tokens");
    format.answer = before;
    expect(counted.body).toEqual({ input_tokens: 42 });
    expect(counted.headers.get("x-gatewayz-token-count")).toBeNull();
    expect(format.lastPath()).toBe(path);
    expect(JSON.stringify(format.lastBody())).toContain("Be brief.");
  }
  const estimated = await post(cohere, body, "/v1/messages/count_tokens");
  expect(estimated.headers.get("x-gatewayz-token-count")).toBe("estimate");
});

test("bedrock: pictures, documents, cache points, thinking and structure", async () => {
  const schema = { type: "object", properties: {} };
  await post(bedrock, {
    max_tokens: 20_000,
    temperature: 0.5,
    reasoning_effort: "low",
    parallel_tool_calls: false,
    tools: [{ ...EXAMPLE.tools[0], cache_control: { type: "ephemeral" } }],
    response_format: { type: "json_schema", json_schema: { name: "x", schema } },
    messages: [
      { role: "system", content: [{ ...text("Long."), cache_control: { type: "ephemeral" } }] },
      user(text("?"), image(PNG), { type: "file", file: { file_data: "data:application/pdf;base64,JVBERi0=" } }),
    ],
  });
  const body = bedrock.lastBody();
  expect(body).toMatchObject({
    system: [{ text: "Long." }, { cachePoint: { type: "default" } }],
    messages: [
      {
        role: "user",
        content: [
          { text: "?" },
          { image: { format: "png", source: { bytes: "iVBORw0KGgo=" } } },
          { document: { format: "pdf", name: "document-1", source: { bytes: "JVBERi0=" } } },
        ],
      },
    ],
    inferenceConfig: { maxTokens: 20_000 },
    outputConfig: { textFormat: { type: "json_schema", structure: { jsonSchema: { name: "x" } } } },
    additionalModelRequestFields: {
      thinking: { type: "enabled", budget_tokens: 2_048 },
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
    },
  });
  expect(objectAt(body, "inferenceConfig")["temperature"]).toBeUndefined();
  expect(objectsAt(objectAt(body, "toolConfig"), "tools")[1]).toEqual({ cachePoint: { type: "default" } });
  const byUrl = await post(bedrock, { messages: [user(image("https://example.com/a.png"))] });
  expect(byUrl.status).toBe(400);
});

test("bedrock: signed thinking goes back whole, tools of the history stay declared", async () => {
  const { body } = await post(bedrock, {});
  const message = objectAt(objectsAt(body, "choices")[0]!, "message");
  const call = { id: "t1", type: "function", function: { name: "get_weather", arguments: "{}" } };
  const history = { ...message, content: null, tool_calls: [call] };
  const result = { role: "tool", tool_call_id: "t1", content: "" };
  await post(bedrock, { messages: [user(text("?")), history, result] });
  expect(objectsAt(bedrock.lastBody(), "messages")[1]).toEqual({
    role: "assistant",
    content: [
      { reasoningContent: { reasoningText: { text: "Let me see.", signature: "c2lnbmVk" } } },
      { toolUse: { toolUseId: "t1", name: "get_weather", input: {} } },
    ],
  });
  expect(objectsAt(objectAt(bedrock.lastBody(), "toolConfig"), "tools")).toHaveLength(1);
});

test("cohere: its own names, a tool demanded by name, thinking switched off", async () => {
  await post(cohere, {
    ...{ top_p: 0.5, top_k: 10, stop: ["a"], logprobs: true, reasoning_effort: "none", max_completion_tokens: 9 },
    tools: [EXAMPLE.tools[0]!, { type: "function", function: { name: "other" } }],
    tool_choice: { type: "function", function: { name: "get_weather" } },
    documents: ["d"],
    messages: [user(text("?"), image(PNG))],
  });
  expect(cohere.lastBody()).toMatchObject({
    ...{ p: 0.5, k: 10, stop_sequences: ["a"], logprobs: true, max_tokens: 9, tool_choice: "REQUIRED" },
    thinking: { type: "disabled" },
    documents: ["d"],
  });
  expect(objectsAt(cohere.lastBody(), "tools")).toHaveLength(1);
});

test("vertex: the token is fetched once and kept; a token service that refuses is the provider's failure", async () => {
  const before = vertex.tokens;
  await Promise.all([post(vertex, {}), post(vertex, {}), post(vertex, {})]);
  expect(vertex.tokens - before).toBeLessThanOrEqual(1);
  const broken = await startFormat("vertex", "gemini-2.5-flash", { tokenStatus: 400 });
  const { status, body } = await post(broken, {});
  await broken.close();
  expect(status).toBe(502);
  expect(objectAt(body, "error")["gateway_code"]).toBe("PROVIDER_AUTHENTICATION_ERROR");
  expect(JSON.stringify(body)).not.toContain("PRIVATE KEY");
});

test("model lists: each provider's own path and shape, ids as clients write them", () => {
  const cases: [
    name: string,
    type: ProviderType,
    baseUrl: string,
    path: string | undefined,
    list: object,
    ids: string[],
  ][] = [
    ["openai", "openai", "https://api.openai.com/v1", "/v1/models", { data: [{ id: "a" }] }, ["a"]],
    ["together", "openai", "https://api.together.xyz/v1", "/v1/models", [{ id: "a" }], ["a"]],
    ["deepinfra", "openai", "https://api.deepinfra.com/v1/openai", "/models/list", [{ model_name: "a/b" }], ["a/b"]],
    [
      "gemini",
      "gemini",
      "https://x.googleapis.com",
      "/v1beta/models?pageSize=1000",
      { models: [{ name: "models/a" }] },
      ["a"],
    ],
    ["cohere", "cohere", "https://api.cohere.com/v2", "/v1/models?page_size=1000", { models: [{ name: "a" }] }, ["a"]],
    ["azure", "azure", "https://r.openai.azure.com/openai/v1", "/openai/v1/models", { data: [{ id: "a" }] }, ["a"]],
  ];
  for (const [name, type, baseUrl, path, list, ids] of cases) {
    const provider = createProvider(name, { type, baseUrl }, 1_000, false);
    const wire = provider.wire("");
    expect(wire.modelsPath(provider)).toBe(path);
    expect(wire.readModelIds(JSON.stringify(list))).toEqual(ids);
    expect(wire.readModelIds("<html>")).toBeUndefined();
  }
  const perplexity = createProvider("perplexity", { baseUrl: "https://api.perplexity.ai" }, 1_000, false);
  expect(perplexity.configuredModels).toContain("sonar-pro");
  for (const type of ["vertex", "bedrock"] as const) {
    const provider = createProvider(type, { type, baseUrl: "https://x.example.com", models: ["m"] }, 1_000, false);
    expect(provider.wire("").modelsPath(provider)).toBeUndefined();
  }
});

test("a failure in the middle of a stream is told with the status that it would have had", async () => {
  await loadEventStream();
  const delta = { contentBlockIndex: 0, delta: { text: "Hel" } };
  const cases: [Wire, Buffer, string][] = [
    [
      bedrockWire,
      Buffer.concat([
        bedrockFrame("contentBlockDelta", delta),
        bedrockFrame("throttlingException", { message: "slow down" }, "exception"),
      ]),
      "429",
    ],
    [
      bedrockWire,
      Buffer.concat([
        bedrockFrame("contentBlockDelta", delta),
        bedrockFrame("modelStreamErrorException", { message: "slow down" }, "exception"),
      ]),
      "502",
    ],
    [
      geminiWire,
      Buffer.from(
        'data: {"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}\n\n' +
          'data: {"error":{"code":503,"message":"slow down","status":"UNAVAILABLE"}}\n\n',
      ),
      "503",
    ],
    [
      cohereWire,
      Buffer.from(
        'data: {"type":"content-delta","delta":{"message":{"content":{"text":"Hel"}}}}\n\n' +
          'data: {"type":"message-end","delta":{"finish_reason":"TIMEOUT","error":"slow down"}}\n\n',
      ),
      "504",
    ],
  ];
  for (const [wire, bytes, code] of cases) {
    const source = wire.format!.source("m");
    let text = "";
    source.push(bytes, ({ content = "" }) => {
      text += content;
    });
    expect(text).toBe("Hel");
    expect(source.providerError).toMatchObject({ message: "slow down", code });
    expect(source.terminated).toBe(false);
  }
});

test("bedrock: a damaged frame ends the stream as an error", () => {
  const frame = bedrockFrame("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Hel" } });
  frame[frame.length - 6]! ^= 0xff;
  const source = bedrockWire.format!.source("m");
  source.push(frame, () => undefined);
  expect(source.providerError).toMatchObject({ message: "a frame of its stream is damaged", code: "502" });
});
