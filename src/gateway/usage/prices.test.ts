import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Provider } from "@pydantic/genai-prices";
import { waitForUpdate } from "@pydantic/genai-prices";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { prices as schema } from "../../config/prices.ts";
import { recordingTelemetry } from "../testing/test-gateway.ts";
import { readFetchedList } from "./fetched-list.ts";
import { INSTALLED_LIST } from "./price-list.ts";
import { PRICE_LIST_FILE, Prices } from "./prices.ts";
import { readAnthropicUsage, readOpenAiUsage, writeOpenAiUsage } from "./raw-usage.ts";

const NO_CACHE = { cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };
const MILLION = { inputTokens: 1_000_000, outputTokens: 1_000_000, ...NO_CACHE };

let telemetry: ReturnType<typeof recordingTelemetry>;
let folder: string;
let server: Server;
let url: string;
let answer: { status: number; body: string };
let open: Prices[];

beforeEach(async () => {
  telemetry = recordingTelemetry();
  folder = await mkdtemp(join(tmpdir(), "gatewayz-prices-"));
  open = [];
  server = createServer((_request, reply) => void reply.writeHead(answer.status).end(answer.body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/data.json`;
});

afterEach(async () => {
  for (const prices of open) prices.close();
  server.close();
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

function make(config: Parameters<typeof schema.parse>[0] = {}): Prices {
  const prices = new Prices(telemetry, pino({ level: "silent" }), schema.parse(config), join(folder, PRICE_LIST_FILE));
  open.push(prices);
  return prices;
}

function events(name: string): Record<string, unknown>[] {
  return telemetry.events.filter((event) => event.name === name) as unknown as Record<string, unknown>[];
}

/** The installed list with this price for one model. */
async function listWith(model: string, input_mtok: unknown): Promise<string> {
  const providers = JSON.parse(JSON.stringify(await waitForUpdate())) as Provider[];
  const openai = providers.find(({ id }) => id === "openai")!;
  const found = openai.models.find(({ id }) => id === model)!;
  Object.assign(found.prices, { input_mtok });
  return JSON.stringify(providers);
}

test("the date of the installed list belongs to the installed version", async () => {
  const file = new URL("../../../node_modules/@pydantic/genai-prices/package.json", import.meta.url);
  const { version } = JSON.parse(await readFile(file, "utf8")) as { version: string };
  expect(version).toBe(INSTALLED_LIST.version);
});

test("the operator's prices come first: by model, by provider and model, by date, with cache and reasoning", async () => {
  const prices = make({
    models: {
      "own-model": { input: 1, output: 2, cacheRead: 0.1, cacheWrite: 1.5, reasoning: 4 },
      "xai/grok-4": { input: 7, output: 7 },
      "gpt-4o-mini": [
        { input: 5, output: 5 },
        { input: 3, output: 3, from: "2020-01-01" },
        { input: 9, output: 9, from: "2999-01-01" },
      ],
    },
  });
  await prices.load();
  const usage = {
    ...{ inputTokens: 1_000_000, outputTokens: 1_000_000 },
    ...{ cacheReadTokens: 500_000, cacheWriteTokens: 100_000, reasoningTokens: 250_000 },
  };
  // 400k fresh at $1, 500k read at $0.10, 100k written at $1.50; 750k out at $2, 250k thought at $4.
  expect(prices.price("anybody", "own-model", usage)).toMatchObject({
    inputUsd: 0.6,
    outputUsd: 2.5,
    defaultPricing: false,
  });
  expect(prices.price("x-ai", "grok-4", MILLION).totalUsd).toBe(14);
  expect(prices.price("openai", "gpt-4o-mini", MILLION).totalUsd).toBe(6);
  expect(prices.listRates("openai", "gpt-4o-mini")).toEqual({ input: 3, output: 3 });
  expect(prices.worstUsd("anybody", "own-model", 1_000_000, 1_000_000)).toBe(5.5);
  expect(events("priceLookup").every(({ cacheName }) => cacheName === "manual_pricing")).toBe(true);
  prices.configure(schema.parse({ models: { "own-model": { input: 100, output: 0 } } }));
  expect(prices.price("anybody", "own-model", MILLION).totalUsd).toBe(100);
});

test("what is charged by the piece, or at a rate of its own: requests, searches, an hour in the cache, audio", async () => {
  const prices = make();
  await prices.load();
  const none = { inputTokens: 0, outputTokens: 0, ...NO_CACHE };
  // Sonar Pro: $14 per 1,000 requests.
  expect(prices.price("perplexity", "sonar-pro", none).totalUsd).toBeCloseTo(0.014, 9);
  expect(prices.worstUsd("perplexity", "sonar-pro", 0, 0)).toBeCloseTo(0.014, 9);
  // Sonnet 4.5 (which has tiers): $3.75 for five minutes, $6 for an hour; $10 per 1,000 searches.
  const sonnet = { ...none, inputTokens: 1_000, cacheWriteTokens: 1_000, cacheWrite1hTokens: 400, webSearches: 2 };
  const { inputUsd, totalUsd } = prices.price("anthropic", "claude-sonnet-4-5", sonnet);
  expect(totalUsd).toBeCloseTo((600 * 3.75 + 400 * 6) / 1e6 + 0.02, 9);
  expect(inputUsd).toBeCloseTo(totalUsd, 9);
  // Opus 4.1 (which has none).
  const opus = prices.price("anthropic", "claude-opus-4-1", sonnet);
  expect(opus.totalUsd).toBeCloseTo((600 * 18.75 + 400 * 30) / 1e6 + 0.02, 9);
  // Gemini 2.5 Flash: $0.30 for text, $1 for audio.
  const audio = { ...none, inputTokens: 1_000, audioInputTokens: 400 };
  expect(prices.price("google", "gemini-2.5-flash", audio).totalUsd).toBeCloseTo((600 * 0.3 + 400 * 1) / 1e6, 12);
});

test("Anthropic's finer counts survive the way through OpenAI's usage object", () => {
  const usage = readAnthropicUsage({
    ...{ input_tokens: 10, output_tokens: 5, cache_creation_input_tokens: 8, cache_read_input_tokens: 1 },
    cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 3 },
    server_tool_use: { web_search_requests: 2 },
  })!;
  expect(usage).toMatchObject({ cacheWriteTokens: 8, cacheWrite1hTokens: 3, webSearches: 2 });
  expect(readOpenAiUsage(writeOpenAiUsage(usage))).toEqual(usage);
  expect(readAnthropicUsage({ output_tokens: 9 }, usage)).toMatchObject({ cacheWrite1hTokens: 3, webSearches: 2 });
});

test("a model that nobody knows costs the default, is judged once, and is never free", async () => {
  const prices = make();
  await prices.load();
  for (let round = 0; round < 2; round++) {
    expect(prices.price("nobody", "no-such-model", MILLION)).toMatchObject({ totalUsd: 40, defaultPricing: true });
  }
  expect(events("priceValidated")).toEqual([
    { name: "priceValidated", model: "no-such-model", failure: "missing_price" },
  ]);
  prices.price("openai", "gpt-4o-mini", MILLION);
  expect(events("priceValidated").at(-1)).toEqual({ name: "priceValidated", model: "gpt-4o-mini" });
});

test("an implausible price is used and reported", async () => {
  const prices = make({ usdPerMillionMax: 0.1 });
  await prices.load();
  expect(prices.price("openai", "gpt-4o-mini", MILLION).defaultPricing).toBe(false);
  expect(events("priceOutOfBounds")).toEqual([
    { name: "priceOutOfBounds", model: "gpt-4o-mini", violation: "above_maximum" },
  ]);
});

test("the list's age is told; an old list is unhealthy", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(INSTALLED_LIST.date) + 48 * 3_600_000 });
  await make({ staleAfter: "3d" }).load();
  expect(events("priceHealth").at(-1)).toMatchObject({ stalenessHours: 48, healthy: true });
  await make({ staleAfter: "1d" }).load();
  expect(events("priceHealth").at(-1)).toMatchObject({ healthy: false });
});

test("a refresh takes over the new list at once, tells what changed, and keeps it for the next start", async () => {
  const prices = make({ refresh: "1h", url });
  answer = { status: 500, body: "" };
  await prices.load();
  await prices.refreshNow("admin"); // Waits for the one of the start.
  const before = prices.price("openai", "gpt-4o-mini", MILLION).inputUsd;
  const original = await listWith("gpt-4o-mini", before);
  answer = { status: 200, body: await listWith("gpt-4o-mini", before * 10) };
  telemetry.events.length = 0;
  await prices.refreshNow("admin");
  expect(prices.price("openai", "gpt-4o-mini", MILLION).inputUsd).toBeCloseTo(before * 10, 9);
  const synced = events("priceSync");
  expect(synced.length).toBeGreaterThan(10);
  expect(synced.find(({ provider }) => provider === "openai")).toMatchObject({
    ...{ status: "success", triggeredBy: "admin", changed: 1, skipped: {}, errors: {} },
  });
  expect(events("priceSpike")).toEqual([{ name: "priceSpike", model: "gpt-4o-mini", priceType: "input" }]);
  expect(events("priceSyncJob")).toMatchObject([{ status: "success" }]);
  expect(events("priceSyncQueue")).toMatchObject([{ running: 1 }, { running: 0 }]);
  expect(Number(events("priceHealth").at(-1)!["stalenessHours"])).toBeLessThan(0.1);
  // The next start takes the stored list, although the service is away.
  answer = { status: 200, body: original };
  await prices.refreshNow("admin");
  await writeFile(join(folder, PRICE_LIST_FILE), await listWith("gpt-4o-mini", before * 2));
  answer = { status: 503, body: "" };
  const next = make({ refresh: "1h", url });
  await next.load();
  expect(next.price("openai", "gpt-4o-mini", MILLION).inputUsd).toBeCloseTo(before * 2, 9);
  answer = { status: 200, body: original };
  await prices.refreshNow("admin"); // The library holds one list per process: leave it as it was.
});

test("a list that another process of this installation has just fetched is taken, not fetched again", async () => {
  let asked = 0;
  server.on("request", () => asked++);
  const first = make({ refresh: "1h", url });
  await first.load();
  const before = first.price("openai", "gpt-4o-mini", MILLION).inputUsd;
  const original = await listWith("gpt-4o-mini", before);
  answer = { status: 200, body: original };
  await first.refreshNow("admin");
  const fetched = asked;
  const second = make({ refresh: "1h", url });
  await second.load();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(asked).toBe(fetched);
  expect(second.price("openai", "gpt-4o-mini", MILLION).inputUsd).toBe(before);
});

const broken = [
  ["a failing service", { status: 503, body: "" }, { http_status: 1 }],
  ["a redirect", { status: 302, body: "" }, { http_status: 1 }],
  ["no JSON", { status: 200, body: "<html>" }, { invalid_json: 1 }],
  ["no list", { status: 200, body: "{}" }, { invalid_list: 1 }],
  ["an empty list", { status: 200, body: "[]" }, { invalid_list: 1 }],
] as const;

test.each(broken)("%s keeps the last list and is told", async (_name, reply, errors) => {
  const prices = make({ url });
  await prices.load();
  const before = prices.price("openai", "gpt-4o-mini", MILLION);
  answer = reply;
  await prices.refreshNow("admin");
  expect(prices.price("openai", "gpt-4o-mini", MILLION)).toEqual(before);
  expect(events("priceSync")).toMatchObject([{ provider: "all", status: "failed", errors }]);
});

test("nothing is fetched unless it is wanted", async () => {
  let asked = 0;
  server.on("request", () => asked++);
  answer = { status: 200, body: "[]" };
  await make({ url }).load();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(asked).toBe(0);
});

test("a fetched model whose price cannot be paid is left out, with the reason", () => {
  const model = (id: string, prices: unknown) => ({ id, match: { equals: id }, prices });
  const models = [
    model("good", { input_mtok: 1, output_mtok: { base: 2, tiers: [{ start: 10, price: 3 }] } }),
    model("dated", [{ constraint: { start_date: "2026-01-01" }, prices: { input_mtok: 1 } }]),
    model("negative", { input_mtok: -1 }),
    model("text", { input_mtok: "1" }),
    model("tier", { input_mtok: { base: 1, tiers: [{ start: 1, price: null }] } }),
    model("none", undefined),
    { id: "no match", prices: {} },
  ];
  const others = ["a", "b", "c", "d"].map((id) => ({ id, api_pattern: "x", models: [] }));
  const text = JSON.stringify([{ id: "p", api_pattern: "x", models }, ...others, { nonsense: true }]);
  const { providers, changes } = readFetchedList(text, [], 3);
  expect(providers[0]!.models.map(({ id }) => id)).toEqual(["good", "dated"]);
  expect(changes[0]).toMatchObject({
    ...{ provider: "p", fetched: 7, updated: 2, changed: 0, spikes: [] },
    skipped: { invalid_price: 3, missing_price: 1, malformed: 1 },
  });
});
