import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  ANTHROPIC_MESSAGE,
  ANTHROPIC_STREAM,
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  OPENAI_STREAM,
  openAiChunk,
  sse,
  startFixtureProvider,
} from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

let openai: FixtureProvider;
let anthropic: FixtureProvider;
let gateway: TestGateway;
let prompt = 0;

beforeAll(async () => {
  openai = await startFixtureProvider(json(OPENAI_COMPLETION));
  anthropic = await startFixtureProvider(json(ANTHROPIC_MESSAGE));
  gateway = await startTestGateway({
    gateway: {
      providers: {
        oai: { baseUrl: `${openai.url}/v1`, models: ["gpt-4o-mini", "text-embedding-3-small"] },
        ant: { type: "anthropic", baseUrl: anthropic.url, models: ["claude-haiku-4-5"] },
      },
      keys: { cached: "gw_live_cached_key", other: "gw_live_other_key", plain: "gw_live_plain_key" },
      cache: { keys: ["cached", "other"], entryBytesMax: 20_000 },
      limits: { requestsPerMinute: 100_000, tokensPerMinute: 1e9, tokensPerHour: 1e9, tokensPerDay: 1e9 },
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await openai.close();
  await anthropic.close();
});
beforeEach(() => {
  openai.answer = json(OPENAI_COMPLETION);
  anthropic.answer = json(ANTHROPIC_MESSAGE);
  openai.seen.length = 0;
  anthropic.seen.length = 0;
  gateway.events.length = 0;
  prompt++;
});

const chat = (rest: object = {}): object => ({
  model: "gpt-4o-mini",
  messages: [{ role: "user", content: `prompt ${prompt}` }],
  ...rest,
});

interface Asked {
  readonly cache: string | null;
  readonly status: number;
  readonly text: string;
  readonly reply: Response;
}

async function ask(
  body: object,
  headers: Record<string, string> = {},
  key = "cached",
  path = "/v1/chat/completions",
): Promise<Asked> {
  const reply = await gateway.post(path, body, { authorization: `Bearer gw_live_${key}_key`, ...headers });
  const text = await reply.text();
  return { cache: reply.headers.get("x-cache"), status: reply.status, text, reply };
}

test("the same request again is answered without the provider, costs nothing and says what it saved", async () => {
  const first = await ask(chat());
  const again = await ask({ messages: [{ content: `prompt ${prompt}`, role: "user" }], model: "gpt-4o-mini" });
  expect([first.cache, again.cache]).toEqual(["MISS", "HIT"]);
  expect(openai.seen).toHaveLength(1);
  const { gateway_usage: firstUsage, ...firstBody } = JSON.parse(first.text);
  const { gateway_usage: usage, ...body } = JSON.parse(again.text);
  expect(body).toEqual(firstBody);
  expect(firstUsage.cost_usd).toBeGreaterThan(0);
  expect(usage).toMatchObject({ provider: "oai", cost_usd: 0, input_cost_usd: 0 });
  expect(again.reply.headers.get("age")).toBe("0");
  expect(again.reply.headers.get("x-gatewayz-provider")).toBe("oai");
  const missed = await gateway.nextRecord();
  const hit = await gateway.nextRecord();
  expect(missed.cache).toMatchObject({ result: "miss" });
  expect(hit).toMatchObject({
    cache: { result: "hit", key: missed.cache!.key, savedUsd: missed.cost!.totalUsd },
    cost: { totalUsd: 0, defaultPricing: false },
    usage: undefined,
    attempts: [],
    outcome: { statusCode: 200, provider: "oai", model: "gpt-4o-mini", finishReason: "stop", error: undefined },
  });
  expect(gateway.events).toContainEqual({ name: "cacheLookup", cacheName: "responses", hit: true });
  expect(gateway.events).toContainEqual({ name: "cacheLookup", cacheName: "responses", hit: false });
  expect(gateway.events).toContainEqual({
    name: "cacheSaved",
    provider: "oai",
    model: "gpt-4o-mini",
    cacheType: "local",
    usd: missed.cost!.totalUsd,
  });
  expect(gateway.events.findLast(({ name }) => name === "cacheSize")).toMatchObject({ cacheName: "responses" });
});

test("streams are replayed byte for byte; include_usage is another answer", async () => {
  openai.answer = sse(OPENAI_STREAM);
  const first = await ask(chat({ stream: true }));
  const again = await ask(chat({ stream: true }));
  expect([first.cache, again.cache]).toEqual(["MISS", "HIT"]);
  expect(again.text).toBe(first.text);
  expect(again.text).not.toContain("prompt_tokens");
  expect(again.text.endsWith("data: [DONE]\n\n")).toBe(true);
  expect(again.reply.headers.get("content-type")).toContain("text/event-stream");
  const counted = await ask(chat({ stream: true, stream_options: { include_usage: true } }));
  const countedAgain = await ask(chat({ stream: true, stream_options: { include_usage: true } }));
  expect([counted.cache, countedAgain.cache]).toEqual(["MISS", "HIT"]);
  expect(countedAgain.text).toContain('"prompt_tokens":20');
  expect((await ask(chat())).cache).toBe("MISS");
});

test("a translated answer is kept in the client's own format", async () => {
  anthropic.answer = sse(ANTHROPIC_STREAM);
  const body = { ...chat({ stream: true }), model: "claude-haiku-4-5", max_tokens: 9 };
  const chats = [await ask(body), await ask(body)];
  expect(chats.map(({ cache }) => cache)).toEqual(["MISS", "HIT"]);
  expect(chats[1]!.text).toContain("chat.completion.chunk");
  const messages = [await ask(body, {}, "cached", "/v1/messages"), await ask(body, {}, "cached", "/v1/messages")];
  expect(messages.map(({ cache }) => cache)).toEqual(["MISS", "HIT"]);
  expect(messages[1]!.text).toContain("event: message_stop");
  expect(anthropic.seen).toHaveLength(2);
});

test.each([
  ["another key", chat, {}, "other"],
  ["another temperature", () => chat({ temperature: 0.5 }), {}, "cached"],
  ["another model", () => chat({ model: "oai/gpt-4o-mini" }), {}, "cached"],
  ["another end user", () => chat({ user: "u-2" }), {}, "cached"],
])("%s is another request", async (_name, body, headers, key) => {
  expect((await ask(chat())).cache).toBe("MISS");
  expect((await ask(body(), headers, key)).cache).toBe("MISS");
  expect(openai.seen).toHaveLength(2);
});

test("metadata does not matter", async () => {
  await ask(chat({ metadata: { run: "1" } }));
  expect((await ask(chat({ metadata: { run: "2" } }))).cache).toBe("HIT");
});

test("who did not opt in is not served from the cache, but may ask for it", async () => {
  expect((await ask(chat(), {}, "plain")).cache).toBeNull();
  expect((await ask(chat(), {}, "plain")).cache).toBeNull();
  expect((await ask(chat(), { "x-gatewayz-cache": "on" }, "plain")).cache).toBe("MISS");
  expect((await ask(chat(), { "x-gatewayz-cache": "on" }, "plain")).cache).toBe("HIT");
  expect(openai.seen).toHaveLength(3);
});

test.each([
  [{ "cache-control": "no-store" }, "BYPASS", "MISS"],
  [{ "x-gatewayz-cache": "off" }, "BYPASS", "MISS"],
  [{ "cache-control": "no-cache" }, "BYPASS", "HIT"],
  [{ "cache-control": "max-age=0" }, "BYPASS", "HIT"],
  [{ "x-gatewayz-cache": "refresh" }, "BYPASS", "HIT"],
])("%j: %s, and what comes after is a %s", async (headers: Record<string, string>, now, after) => {
  expect((await ask(chat(), headers)).cache).toBe(now);
  expect((await ask(chat())).cache).toBe(after);
});

test("only what is whole and right is kept", async () => {
  openai.answer = json({ error: { message: "no" } }, 500);
  expect((await ask(chat())).status).toBe(502);
  openai.answer = sse([openAiChunk({ role: "assistant", content: "" }), openAiChunk({ content: "half" })], "drop");
  expect((await ask(chat({ stream: true }))).text).toContain("PROVIDER_STREAM_INTERRUPTED");
  openai.answer = json({ ...OPENAI_COMPLETION, filler: "x".repeat(20_000) });
  expect((await ask(chat())).status).toBe(200);
  openai.answer = sse(OPENAI_STREAM);
  expect((await ask(chat())).cache).toBe("MISS");
  expect((await ask(chat({ stream: true }))).cache).toBe("MISS");
});

test("a stream whose client left is not kept", async () => {
  openai.answer = sse(OPENAI_STREAM.slice(0, 2), "open");
  const controller = new AbortController();
  const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    signal: controller.signal,
    headers: { authorization: "Bearer gw_live_cached_key", "content-type": "application/json" },
    body: JSON.stringify(chat({ stream: true })),
  });
  await reply.body!.getReader().read();
  controller.abort();
  await openai.seen[0]!.aborted;
  openai.answer = sse(OPENAI_STREAM);
  expect((await ask(chat({ stream: true }))).cache).toBe("MISS");
});

test("the same question of several at once is asked once; when that fails, everybody asks for himself", async () => {
  let asked = 0;
  const slow = (status: number): void => {
    openai.answer = (request, reply) => {
      asked++;
      setTimeout(
        () => json(status === 200 ? OPENAI_COMPLETION : { error: { message: "no" } }, status)(request, reply),
        150,
      );
    };
  };
  slow(200);
  const together = await Promise.all(Array.from({ length: 5 }, () => ask(chat())));
  expect(together.map(({ cache }) => cache).sort()).toEqual(["HIT", "HIT", "HIT", "HIT", "MISS"]);
  expect(new Set(together.map(({ text }) => JSON.parse(text).id)).size).toBe(1);
  expect(asked).toBe(1);
  slow(400);
  const failing = await Promise.all(Array.from({ length: 3 }, () => ask(chat({ temperature: 0.1 }))));
  expect(failing.map(({ status }) => status)).toEqual([400, 400, 400]);
  expect(asked).toBe(4);
});

test("embeddings are kept; responses only where they are not stored", async () => {
  const vector = {
    object: "list",
    data: [{ object: "embedding", index: 0, embedding: [1] }],
    model: "m",
    usage: { prompt_tokens: 1, total_tokens: 1 },
  };
  openai.answer = json(vector);
  const body = { model: "text-embedding-3-small", input: `text ${prompt}` };
  expect((await ask(body, {}, "cached", "/v1/embeddings")).cache).toBe("MISS");
  expect((await ask(body, {}, "cached", "/v1/embeddings")).cache).toBe("HIT");
  openai.answer = json(OPENAI_COMPLETION);
  const response = { model: "gpt-4o-mini", input: `text ${prompt}` };
  expect((await ask(response, {}, "cached", "/v1/responses")).cache).toBe("BYPASS");
  expect((await ask({ ...response, store: false }, {}, "cached", "/v1/responses")).cache).toBe("MISS");
  expect((await ask({ ...response, store: false }, {}, "cached", "/v1/responses")).cache).toBe("HIT");
});

test("purges by model, by key and of everything; statistics", async () => {
  const { cache } = gateway.gateway;
  await cache.purge({});
  const embedding = { model: "text-embedding-3-small", input: `text ${prompt}` };
  await ask(chat());
  await ask(chat(), {}, "other");
  openai.answer = json({ object: "list", data: [], model: "m" });
  await ask(embedding, {}, "cached", "/v1/embeddings");
  const before = cache.stats();
  expect(before).toMatchObject({ store: "local", entries: 3, ttlMs: 3_600_000 });
  expect(await cache.purge({ model: "text-embedding-3-small" })).toBe(1);
  const otherHash = gateway.records.findLast(({ client }) => client?.keyName === "other")!.client!.keyHash;
  expect(await cache.purge({ keyHash: otherHash })).toBe(1);
  expect((await ask(chat())).cache).toBe("HIT");
  expect(await cache.purge({})).toBe(1);
  expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0, hits: before.hits + 1 });
  expect(gateway.events).toContainEqual({ name: "cacheEvicted", cacheName: "responses", reason: "admin", count: 1 });
});
