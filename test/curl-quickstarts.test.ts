import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { start } from "../src/gateway/index.ts";
import type { Role } from "../src/runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../src/runtime/testing.ts";

/**
 * The curl calls of both vendors' quick starts and API references, word for word but for the address, by a shell that has
 * the key under the vendors' names, against a gateway in demo mode as a new user has it.
 */

let context: TestContext;
let role: Role;
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "gatewayz-quickstart-"));
  context = await testContext("gateway", { mode: "demo" });
  role = await start(context);
});
afterAll(async () => {
  await role?.close();
  await context?.dispose();
  rmSync(dir, { recursive: true, force: true });
});

/** Runs one call in a shell. @returns what curl printed. */
async function shell(command: string): Promise<string> {
  const local = command
    .replaceAll("https://api.openai.com", role.urls["main"]!)
    .replaceAll("https://api.anthropic.com", role.urls["main"]!);
  const env = { ...process.env, OPENAI_API_KEY: TEST_ADMIN_KEY, ANTHROPIC_API_KEY: TEST_ADMIN_KEY };
  const child: ChildProcess = spawn("sh", ["-c", local.replace("curl ", "curl -sS ")], { cwd: dir, env });
  let printed = "";
  child.stdout!.on("data", (chunk: Buffer) => void (printed += chunk.toString("utf8")));
  child.stderr!.on("data", (chunk: Buffer) => void (printed += chunk.toString("utf8")));
  await new Promise((resolve) => child.once("close", resolve));
  return printed;
}

const OPENAI = `-H "Content-Type: application/json" -H "Authorization: Bearer $OPENAI_API_KEY"`;
const ANTHROPIC = `--header "x-api-key: $ANTHROPIC_API_KEY" --header "anthropic-version: 2023-06-01" --header "content-type: application/json"`;
const WEATHER = `{"type": "object", "properties": {"location": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}}, "required": ["location"]}`;
const TEXT = expect.stringMatching(/\w/);

interface QuickStart {
  readonly name: string;
  readonly command: string;
  /** Of the JSON that is printed. */
  readonly shows: unknown;
}

const JSON_CALLS: readonly QuickStart[] = [
  {
    name: "OpenAI: responses",
    command: `curl https://api.openai.com/v1/responses ${OPENAI} -d '{"model": "gpt-5.2", "input": "Write a short bedtime story about a unicorn."}'`,
    shows: { object: "response", status: "completed", model: "gpt-5.2", usage: { output_tokens: expect.any(Number) } },
  },
  {
    name: "OpenAI: responses about a picture",
    command: `curl https://api.openai.com/v1/responses ${OPENAI} -d '{"model": "gpt-5", "input": [{"role": "user", "content": [{"type": "input_text", "text": "What is in this image?"}, {"type": "input_image", "image_url": "https://openai-documentation.vercel.app/images/cat_and_otter.png"}]}]}'`,
    shows: { object: "response", status: "completed" },
  },
  {
    name: "OpenAI: chat completions",
    command: `curl https://api.openai.com/v1/chat/completions ${OPENAI} -d '{"model": "gpt-5.2", "messages": [{"role": "developer", "content": "You are a helpful assistant."}, {"role": "user", "content": "Hello!"}]}'`,
    shows: { object: "chat.completion", choices: [{ message: { role: "assistant", content: TEXT } }] },
  },
  {
    name: "OpenAI: chat completions with functions",
    command: `curl https://api.openai.com/v1/chat/completions ${OPENAI} -d '{"model": "gpt-4.1", "messages": [{"role": "user", "content": "What is the weather like in Boston today?"}], "tools": [{"type": "function", "function": {"name": "get_current_weather", "description": "Get the current weather in a given location", "parameters": ${WEATHER}}}], "tool_choice": "auto"}'`,
    shows: {
      choices: [
        { finish_reason: "tool_calls", message: { tool_calls: [{ function: { name: "get_current_weather" } }] } },
      ],
    },
  },
  {
    name: "OpenAI: chat completions about a picture",
    command: `curl https://api.openai.com/v1/chat/completions ${OPENAI} -d '{"model": "gpt-4.1", "messages": [{"role": "user", "content": [{"type": "text", "text": "What is in this image?"}, {"type": "image_url", "image_url": {"url": "https://example.com/boardwalk.jpg"}}]}], "max_tokens": 300}'`,
    shows: { choices: [{ message: { content: TEXT } }] },
  },
  {
    name: "OpenAI: completions",
    command: `curl https://api.openai.com/v1/completions ${OPENAI} -d '{"model": "gpt-3.5-turbo-instruct", "prompt": "Say this is a test", "max_tokens": 7, "temperature": 0}'`,
    shows: { object: "text_completion", choices: [{ text: TEXT, finish_reason: "length" }] },
  },
  {
    name: "OpenAI: embeddings",
    command: `curl https://api.openai.com/v1/embeddings ${OPENAI} -d '{"input": "The food was delicious and the waiter...", "model": "text-embedding-ada-002", "encoding_format": "float"}'`,
    shows: { object: "list", data: [{ object: "embedding", index: 0, embedding: expect.any(Array) }] },
  },
  {
    name: "OpenAI: images",
    command: `curl https://api.openai.com/v1/images/generations ${OPENAI} -d '{"model": "gpt-image-1", "prompt": "A cute baby sea otter", "n": 1, "size": "1024x1024"}'`,
    shows: { data: [{ b64_json: TEXT }] },
  },
  {
    name: "OpenAI: moderations",
    command: `curl https://api.openai.com/v1/moderations -X POST ${OPENAI} -d '{"model": "omni-moderation-latest", "input": "...text to classify goes here..."}'`,
    shows: { results: [{ flagged: false }] },
  },
  {
    name: "OpenAI: models",
    command: `curl https://api.openai.com/v1/models -H "Authorization: Bearer $OPENAI_API_KEY"`,
    shows: {
      object: "list",
      data: expect.arrayContaining([expect.objectContaining({ id: "gpt-5.2", object: "model" })]),
    },
  },
  {
    name: "OpenAI: one model",
    command: `curl https://api.openai.com/v1/models/gpt-5.2 -H "Authorization: Bearer $OPENAI_API_KEY"`,
    shows: { id: "gpt-5.2", object: "model", owned_by: "openai" },
  },
  {
    name: "Anthropic: messages",
    command: `curl https://api.anthropic.com/v1/messages ${ANTHROPIC} --data '{"model": "claude-opus-4-6", "max_tokens": 1000, "messages": [{"role": "user", "content": "What should I search for to find the latest developments in renewable energy?"}]}'`,
    shows: { type: "message", role: "assistant", content: [{ type: "text", text: TEXT }], stop_reason: "end_turn" },
  },
  {
    name: "Anthropic: messages that think",
    command: `curl https://api.anthropic.com/v1/messages ${ANTHROPIC} --data '{"model": "claude-sonnet-4-6", "max_tokens": 16000, "thinking": {"type": "enabled", "budget_tokens": 10000}, "messages": [{"role": "user", "content": "Are there an infinite number of prime numbers such that n mod 4 == 3?"}]}'`,
    shows: { type: "message", stop_reason: "end_turn" },
  },
  {
    name: "Anthropic: messages with tools",
    command: `curl https://api.anthropic.com/v1/messages ${ANTHROPIC} --data '{"model": "claude-opus-4-6", "max_tokens": 1024, "tools": [{"name": "get_weather", "description": "Get the current weather in a given location", "input_schema": ${WEATHER}}], "messages": [{"role": "user", "content": "What is the weather like in San Francisco?"}]}'`,
    shows: {
      stop_reason: "tool_use",
      content: expect.arrayContaining([expect.objectContaining({ type: "tool_use" })]),
    },
  },
  {
    name: "Anthropic: count tokens",
    command: `curl https://api.anthropic.com/v1/messages/count_tokens ${ANTHROPIC} --data '{"model": "claude-opus-4-6", "system": "You are a scientist", "messages": [{"role": "user", "content": "Hello, Claude"}]}'`,
    shows: { input_tokens: expect.any(Number) },
  },
  {
    name: "Anthropic: models",
    command: `curl https://api.anthropic.com/v1/models --header "x-api-key: $ANTHROPIC_API_KEY" --header "anthropic-version: 2023-06-01"`,
    shows: { data: expect.arrayContaining([expect.objectContaining({ type: "model", id: "claude-opus-4-6" })]) },
  },
  {
    name: "Anthropic: one model",
    command: `curl https://api.anthropic.com/v1/models/claude-sonnet-4-6 --header "x-api-key: $ANTHROPIC_API_KEY" --header "anthropic-version: 2023-06-01"`,
    shows: { type: "model", id: "claude-sonnet-4-6", display_name: TEXT },
  },
  {
    name: "a model that nobody serves",
    command: `curl https://api.openai.com/v1/chat/completions ${OPENAI} -d '{"model": "gpt-99", "messages": [{"role": "user", "content": "Hello!"}]}'`,
    shows: { error: { code: "model_not_found", message: expect.stringContaining("List models with GET /v1/models") } },
  },
  {
    name: "a model for something else",
    command: `curl https://api.openai.com/v1/embeddings ${OPENAI} -d '{"model": "claude-opus-4-6", "input": "x"}'`,
    shows: { error: { message: expect.stringMatching(/embeddings/i) } },
  },
];

describe.concurrent("quick starts", () => {
  test.each(JSON_CALLS)("$name", async ({ command, shows }) => {
    const printed = await shell(command);
    expect(() => JSON.parse(printed) as unknown, printed.slice(0, 500)).not.toThrow();
    expect(JSON.parse(printed)).toMatchObject(shows as object);
  });

  test("OpenAI: a chat completion, streamed", async () => {
    const printed = await shell(
      `curl https://api.openai.com/v1/chat/completions ${OPENAI} -d '{"model": "gpt-5.2", "messages": [{"role": "user", "content": "Hello!"}], "stream": true}'`,
    );
    expect(printed).toMatch(/^data: \{"id":"chatcmpl-/);
    expect(printed.endsWith("data: [DONE]\n\n")).toBe(true);
  });

  test("OpenAI: a response, streamed", async () => {
    const printed = await shell(
      `curl https://api.openai.com/v1/responses ${OPENAI} -d '{"model": "gpt-5", "instructions": "You are a helpful assistant.", "input": "Hello!", "stream": true}'`,
    );
    const events = [...printed.matchAll(/^event: (\S+)$/gm)].map(([, name]) => name);
    expect([events[0], events.at(-1)]).toEqual(["response.created", "response.completed"]);
    expect(events).toContain("response.output_text.delta");
  });

  test("Anthropic: a message, streamed", async () => {
    const printed = await shell(
      `curl https://api.anthropic.com/v1/messages ${ANTHROPIC} --data '{"model": "claude-opus-4-6", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 256, "stream": true}'`,
    );
    const events = new Set([...printed.matchAll(/^event: (\S+)$/gm)].map(([, name]) => name));
    expect([...events].at(0)).toBe("message_start");
    expect([...events].slice(-3)).toEqual(["content_block_stop", "message_delta", "message_stop"]);
  });

  test("OpenAI: speech, and its transcription", async () => {
    const said = await shell(
      `curl https://api.openai.com/v1/audio/speech ${OPENAI} -d '{"model": "gpt-4o-mini-tts", "input": "The quick brown fox jumped over the lazy dog.", "voice": "alloy"}' --output speech.mp3`,
    );
    expect(said).toBe("");
    expect(readFileSync(join(dir, "speech.mp3")).length).toBeGreaterThan(1_000);
    const printed = await shell(
      `curl https://api.openai.com/v1/audio/transcriptions -H "Authorization: Bearer $OPENAI_API_KEY" -H "Content-Type: multipart/form-data" -F file="@speech.mp3" -F model="gpt-4o-transcribe"`,
    );
    expect(JSON.parse(printed)).toMatchObject({ text: TEXT });
  });
});
