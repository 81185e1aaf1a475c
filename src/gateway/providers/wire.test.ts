import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type JsonObject, objectAt, objectsAt, parseObject, stringAt } from "../json.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import { ANTHROPIC } from "../testing/wire/anthropic.ts";
import { BEDROCK } from "../testing/wire/bedrock.ts";
import { COHERE } from "../testing/wire/cohere.ts";
import { GEMINI } from "../testing/wire/gemini.ts";
import { OPENAI_COMPATIBLE } from "../testing/wire/openai-compatible.ts";
import { VERTEX } from "../testing/wire/vertex.ts";
import { startWireServer, type WireFixture, type WireServer } from "../testing/wire/wire-server.ts";

const FIXTURES: readonly WireFixture[] = [
  ...OPENAI_COMPATIBLE,
  ...ANTHROPIC,
  ...GEMINI,
  ...VERTEX,
  ...BEDROCK,
  ...COHERE,
];
const CLIENTS = ["openai", "anthropic"] as const;
type Client = (typeof CLIENTS)[number];

const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

/** A request of each client with system text, temperature and a limit; `tools` adds a tool, an earlier call, its result. */
function request(client: Client, model: string, scenario: string, stream: boolean): JsonObject {
  const tools = scenario === "tools";
  const text = `Say hello. scenario:${scenario}`;
  if (client === "openai") {
    const call = { id: "call_0", type: "function", function: { name: "get_weather", arguments: '{"city":"Bern"}' } };
    const history = tools
      ? [
          { role: "assistant", content: null, tool_calls: [call] },
          { role: "tool", tool_call_id: "call_0", content: "sunny" },
        ]
      : [];
    return {
      model,
      stream,
      max_tokens: 100,
      temperature: 0.5,
      messages: [{ role: "system", content: "Be brief." }, { role: "user", content: text }, ...history],
      ...(stream ? { stream_options: { include_usage: true } } : {}),
      ...(tools
        ? {
            tools: [
              { type: "function", function: { name: "get_weather", description: "Weather", parameters: SCHEMA } },
            ],
          }
        : {}),
    };
  }
  const history = tools
    ? [
        {
          role: "assistant",
          content: [{ type: "tool_use", id: "toolu_9", name: "get_weather", input: { city: "Bern" } }],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_9", content: "sunny" }] },
      ]
    : [];
  return {
    model,
    stream,
    max_tokens: 100,
    temperature: 0.5,
    system: "Be brief.",
    messages: [{ role: "user", content: text }, ...history],
    ...(tools ? { tools: [{ name: "get_weather", description: "Weather", input_schema: SCHEMA }] } : {}),
  };
}

/** What a client understood of an answer. */
interface Understood {
  text: string;
  reasoning: string;
  calls: { id: string; name: string; input: unknown }[];
  finish: string | undefined;
  usage: JsonObject;
  /** The reply as it came. */
  raw: string;
  error: JsonObject | undefined;
}

function understood(): Understood {
  return { text: "", reasoning: "", calls: [], finish: undefined, usage: {}, raw: "", error: undefined };
}

function readCompletion(completion: JsonObject): Understood {
  const choice = objectsAt(completion, "choices")[0]!;
  const message = objectAt(choice, "message");
  return {
    ...understood(),
    text: stringAt(message, "content") ?? "",
    reasoning: stringAt(message, "reasoning_content") ?? "",
    calls: objectsAt(message, "tool_calls").map((call) => ({
      id: call["id"] as string,
      name: objectAt(call, "function")["name"] as string,
      input: JSON.parse(objectAt(call, "function")["arguments"] as string),
    })),
    finish: stringAt(choice, "finish_reason"),
    usage: objectAt(completion, "usage"),
  };
}

function readMessage(message: JsonObject): Understood {
  const blocks = objectsAt(message, "content");
  const all = (type: string, key: string): string =>
    blocks
      .filter((block) => block["type"] === type)
      .map((block) => block[key])
      .join("");
  return {
    ...understood(),
    text: all("text", "text"),
    reasoning: all("thinking", "thinking"),
    calls: blocks
      .filter((block) => block["type"] === "tool_use")
      .map((block) => ({ id: block["id"] as string, name: block["name"] as string, input: block["input"] })),
    finish: stringAt(message, "stop_reason"),
    usage: objectAt(message, "usage"),
  };
}

function readChunks(text: string): Understood {
  const seen = understood();
  const args: string[] = [];
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  for (const event of events(text)) {
    if (event["usage"]) seen.usage = objectAt(event, "usage");
    if (event["error"]) seen.error = objectAt(event, "error");
    const choice = objectsAt(event, "choices")[0];
    if (choice === undefined) continue;
    const delta = objectAt(choice, "delta");
    seen.text += stringAt(delta, "content") ?? "";
    seen.reasoning += stringAt(delta, "reasoning_content") ?? "";
    seen.finish ??= stringAt(choice, "finish_reason");
    for (const call of objectsAt(delta, "tool_calls")) {
      const index = call["index"] as number;
      const fn = objectAt(call, "function");
      if (call["id"]) seen.calls[index] = { id: call["id"] as string, name: fn["name"] as string, input: undefined };
      args[index] = (args[index] ?? "") + (stringAt(fn, "arguments") ?? "");
    }
  }
  for (const [index, call] of seen.calls.entries()) call.input = JSON.parse(args[index]!);
  return seen;
}

function readEvents(text: string): Understood {
  const blocks: JsonObject[] = [];
  const json: string[] = [];
  let message: JsonObject = {};
  for (const event of events(text)) {
    const index = event["index"] as number;
    const delta = objectAt(event, "delta");
    switch (event["type"]) {
      case "message_start":
        message = objectAt(event, "message");
        break;
      case "content_block_start":
        blocks[index] = { ...objectAt(event, "content_block") };
        break;
      case "content_block_delta":
        for (const key of ["text", "thinking"]) {
          if (delta[key] !== undefined) blocks[index]![key] = `${blocks[index]![key]}${delta[key]}`;
        }
        if (delta["partial_json"] !== undefined) json[index] = (json[index] ?? "") + delta["partial_json"];
        break;
      case "message_delta":
        message = { ...message, ...delta, usage: { ...objectAt(message, "usage"), ...objectAt(event, "usage") } };
    }
  }
  for (const [index, text] of json.entries()) if (text !== undefined) blocks[index]!["input"] = JSON.parse(text);
  return readMessage({ ...message, content: blocks });
}

function events(text: string): JsonObject[] {
  return text.split("\n\n").flatMap((event) => {
    const data = event.split("\n").find((line) => line.startsWith("data: "));
    const object = data === undefined ? undefined : parseObject(data.slice(6));
    return object === undefined ? [] : [object];
  });
}

const FINISH = {
  plain: { openai: "stop", anthropic: "end_turn" },
  tools: { openai: "tool_calls", anthropic: "tool_use" },
} as const;

/** Each refusal as a client sees it: status, and the gateway's word. */
const REFUSALS = [
  ["rate-limit", 429, "PROVIDER_RATE_LIMITED"],
  ["bad-key", 502, "PROVIDER_AUTHENTICATION_ERROR"],
  ["bad-request", 400, "PROVIDER_REJECTED_REQUEST"],
] as const;

describe.each(FIXTURES)("$title", (fixture) => {
  let server: WireServer;
  let gateway: TestGateway;

  beforeAll(async () => {
    server = await startWireServer(fixture);
    gateway = await startTestGateway({
      gateway: { providers: { [fixture.provider]: fixture.config(server.url) }, retries: { max: 0 } },
    });
  });

  afterAll(async () => {
    await gateway.close();
    await server.close();
  });

  async function ask(client: Client, scenario: string, stream: boolean): Promise<Response> {
    const path = client === "openai" ? "/v1/chat/completions" : "/v1/messages";
    return gateway.post(path, request(client, fixture.model, scenario, stream));
  }

  async function read(client: Client, scenario: string, stream: boolean): Promise<Understood> {
    const response = await ask(client, scenario, stream);
    const text = await response.text();
    expect({ status: response.status, problems: server.problems, text }).toMatchObject({ status: 200, problems: [] });
    if (stream) return { ...(client === "openai" ? readChunks(text) : readEvents(text)), raw: text };
    const body = parseObject(text)!;
    return { ...(client === "openai" ? readCompletion(body) : readMessage(body)), raw: text };
  }

  describe.each(CLIENTS)("%s client", (client) => {
    test.each([false, true])("answers and counts, stream %s", async (stream) => {
      const seen = await read(client, "plain", stream);
      expect(seen).toMatchObject({ text: "Hello world", calls: [], finish: FINISH.plain[client] });
      expect(seen.reasoning).toBe(fixture.reasoning ?? "");
      if (fixture.provider === "perplexity" && client === "openai") {
        expect(seen.raw).toContain('"citations":["https://example.com/a"]');
        expect(seen.raw).toContain('"search_results":[{');
      }
      const { input, output, cacheRead, cacheWrite, reasoning } = fixture.usage;
      if (client === "openai") {
        expect(seen.usage).toMatchObject({ prompt_tokens: input, completion_tokens: output });
      } else {
        expect(seen.usage).toMatchObject({
          input_tokens: input - cacheRead - cacheWrite,
          cache_read_input_tokens: cacheRead,
          output_tokens: output,
        });
      }
      const record = gateway.records.at(-1)!;
      expect(record.usage).toMatchObject({
        inputTokens: input,
        outputTokens: output,
        cachedInputTokens: cacheRead,
        cacheWriteInputTokens: cacheWrite,
        reasoningTokens: reasoning,
        source: "provider",
      });
      expect(record.outcome).toMatchObject({ statusCode: 200, provider: fixture.provider, error: undefined });
      expect(record.cost!.totalUsd).toBeGreaterThan(0);
    });

    test.each([false, true])("carries tools both ways, stream %s", async (stream) => {
      if (fixture.provider === "perplexity") {
        const refused = await ask(client, "tools", stream);
        expect(refused.status).toBe(400);
        expect(await refused.text()).toContain("NOT_TRANSLATABLE");
        return;
      }
      const seen = await read(client, "tools", stream);
      expect(seen.finish).toBe(FINISH.tools[client]);
      expect(seen.calls.map(({ name, input }) => ({ name, input }))).toEqual([
        { name: "get_weather", input: { city: "Oslo" } },
        { name: "get_weather", input: { city: "Rome" } },
      ]);
      const ids = seen.calls.map(({ id }) => id);
      expect(new Set(ids).size).toBe(2);
      for (const id of ids) expect(id).toMatch(/^\S+$/);
    });

    test.each(REFUSALS)("says a refusal in its own words: %s", async (scenario, status, code) => {
      for (const stream of [false, true]) {
        const response = await ask(client, scenario, stream);
        const text = await response.text();
        expect({ status: response.status, text }).toMatchObject({ status });
        const error = objectAt(parseObject(text)!, "error");
        expect(error["gateway_code"]).toBe(code);
        if (scenario === "bad-request") {
          expect(error["message"]).toContain("too long");
          if (client === "openai" && fixture.badRequestCode) expect(error["code"]).toBe(fixture.badRequestCode);
        }
        if (status === 429) expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
        expect(text).not.toMatch(/test-0123456789|wJalrXUtnFEMI/);
      }
    });
  });
});
