import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  ANTHROPIC_MESSAGE,
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  startFixtureProvider,
} from "../../src/gateway/testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../../src/gateway/testing/test-gateway.ts";
import { JsonPoster } from "../../src/health/alerts/post-json.ts";

/** Addresses that clients or providers name are never called (FAULTS row 30): a trap stands at one, and nobody comes. */
let trap: Server;
let trapUrl: string;
let caught: string[] = [];
let provider: FixtureProvider;
let gateway: TestGateway;

beforeAll(async () => {
  trap = createServer((request, reply) => {
    caught.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
    reply.end("{}");
  });
  await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
  trapUrl = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`;
  provider = await startFixtureProvider(({ path }, reply) =>
    json(path.endsWith("/messages") ? ANTHROPIC_MESSAGE : OPENAI_COMPLETION)({} as never, reply),
  );
  const at = { baseUrl: `${provider.url}/v1`, apiKey: "sk-own" };
  gateway = await startTestGateway({
    gateway: {
      providers: {
        oai: { ...at, models: ["openai-m"] },
        ant: { ...at, type: "anthropic", models: ["anthropic-m"] },
        gem: { ...at, type: "gemini", models: ["gemini-m"] },
        coh: { ...at, type: "cohere", models: ["cohere-m"] },
        fal: { ...at, type: "fal", models: ["fal-m"] },
      },
      breaker: { consecutiveFailures: 1e6, windowRequestsMin: 1e6 },
      availabilityBreaker: { failures: 1e6 },
    },
  });
});
beforeEach(() => {
  caught = [];
});
afterAll(async () => {
  await gateway?.close();
  await provider?.close();
  trap?.close();
});

const MODELS = ["openai-m", "anthropic-m", "gemini-m", "cohere-m"];

/** Everything in a request that is, or looks like, an address. */
function requests(model: string): readonly (readonly [path: string, body: object])[] {
  const url = `${trapUrl}/picture.png`;
  const user = (content: unknown) => ({ model, max_tokens: 5, messages: [{ role: "user", content }] });
  return [
    ["/v1/chat/completions", user([{ type: "image_url", image_url: { url } }])],
    ["/v1/chat/completions", user([{ type: "file", file: { file_data: url, filename: url } }])],
    ["/v1/chat/completions", user([{ type: "input_audio", input_audio: { data: url, format: "wav" } }])],
    ["/v1/messages", user([{ type: "image", source: { type: "url", url } }])],
    ["/v1/messages", user([{ type: "document", source: { type: "url", url } }])],
    ["/v1/responses", { model, input: [{ role: "user", content: [{ type: "input_image", image_url: url }] }] }],
    ["/v1/responses", { model, input: "x", tools: [{ type: "mcp", server_label: "x", server_url: url }] }],
    ["/v1/chat/completions", { ...user("x"), api_base: trapUrl, base_url: trapUrl, baseURL: trapUrl, api_key: "x" }],
    ["/v1/chat/completions", { ...user("x"), provider: trapUrl, custom_llm_provider: "openai", endpoint: trapUrl }],
    ["/v1/chat/completions", { ...user("x"), model: `${trapUrl}/v1`, metadata: { webhook_url: url } }],
    ["/v1/chat/completions", { ...user("x"), model: `openai/${trapUrl}`, web_search_options: { url } }],
    ["/v1/embeddings", { model, input: [url] }],
    ["/v1/rerank", { model, query: url, documents: [url, { url }] }],
    ["/v1/images/generations", { model: "fal-m", prompt: "x", image: url, image_url: url }],
    ["/v1/audio/speech", { model, input: "x", voice: url }],
  ];
}

const HEADERS = () => ({
  "x-portkey-custom-host": trapUrl,
  "x-base-url": trapUrl,
  "openai-base-url": trapUrl,
  "x-forwarded-host": new URL(trapUrl).host,
  forwarded: `host=${new URL(trapUrl).host}`,
});

test.each(MODELS)("whatever a request for %s names, only the provider is called", async (model) => {
  provider.seen.length = 0;
  const statuses: number[] = [];
  for (const [path, body] of requests(model)) {
    const reply = await gateway.post(path, body, HEADERS());
    await reply.arrayBuffer();
    statuses.push(reply.status);
  }
  expect(caught).toEqual([]);
  expect(
    statuses.every((status) => [200, 400, 404, 502].includes(status)),
    String(statuses),
  ).toBe(true);
  expect(provider.seen.length).toBeGreaterThan(2);
  // Our key goes to its provider, and what points elsewhere does not go on as a header.
  for (const { headers } of provider.seen)
    expect(JSON.stringify({ ...headers, host: "" })).not.toContain(new URL(trapUrl).host);
});

test.each([301, 302, 303, 307, 308])(
  "a provider that redirects (%i) is not followed, nor is its key sent on",
  async (status) => {
    provider.answer = (_request, reply) => void reply.writeHead(status, { location: `${trapUrl}/v1` }).end();
    const reply = await gateway.post("/v1/chat/completions", {
      model: "openai-m",
      messages: [{ role: "user", content: "x" }],
    });
    expect(reply.status).toBe(502);
    expect(await reply.text()).not.toContain(trapUrl);
    expect(caught).toEqual([]);
    provider.answer = json(OPENAI_COMPLETION);
  },
);

test("pictures that an answer points to are left to the client", async () => {
  provider.answer = json({ images: [{ url: `${trapUrl}/out.png` }], data: [{ url: `${trapUrl}/out.png` }] });
  for (const format of ["url", "b64_json"]) {
    const reply = await gateway.post("/v1/images/generations", {
      model: "fal-m",
      prompt: "x",
      response_format: format,
    });
    await reply.arrayBuffer();
  }
  expect(caught).toEqual([]);
  provider.answer = json(OPENAI_COMPLETION);
});

test("a web hook that redirects is not followed", async () => {
  provider.answer = (_request, reply) => void reply.writeHead(307, { location: trapUrl }).end();
  const poster = new JsonPoster(`${provider.url}/hook`, { allowPrivate: true });
  await expect(poster.post("{}", {}, new AbortController().signal)).rejects.toThrow("answered 307");
  await poster.close();
  expect(caught).toEqual([]);
  provider.answer = json(OPENAI_COMPLETION);
});

test("the trap itself works", async () => {
  await fetch(`${trapUrl}/control`);
  expect(caught).toHaveLength(1);
});
