import fc from "fast-check";
import { pino } from "pino";
import { beforeAll, expect, test } from "vitest";
import { StreamMeter } from "../stream/converter.ts";
import { recordingTelemetry } from "../testing/test-gateway.ts";
import { estimateInputTokens, estimateTokens } from "./estimate.ts";
import { meteredUsage } from "./metered-usage.ts";
import { Prices } from "./prices.ts";
import { readAnthropicUsage, readOpenAiUsage, writeAnthropicUsage, writeOpenAiUsage } from "./raw-usage.ts";

const NO_CACHE = { cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };

test.each([
  ["", 0],
  ["Hello, world!", 4],
  ["The quick brown fox jumps over the lazy dog.", 10],
  ["漢字かな", 4],
  ["const x = 42;", 5],
])("estimate of %j", (text, tokens) => {
  expect(estimateTokens(text)).toBe(tokens);
});

test("an estimate grows with the text, and a huge one is extrapolated", () => {
  expect(estimateTokens("word ".repeat(1_000_000))).toBeGreaterThan(900_000);
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(estimateTokens(`${a} ${b}`)).toBeGreaterThanOrEqual(estimateTokens(a));
    }),
  );
});

test("input of both formats counts texts, not image data", () => {
  const image = { type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(100_000)}` } };
  const chat = { messages: [{ role: "user", content: [{ type: "text", text: "one two" }, image] }] };
  expect(estimateInputTokens(chat)).toBe(6);
  const messages = { system: "be kind", messages: [{ role: "user", content: "one two" }], tools: [{ name: "f" }] };
  expect(estimateInputTokens(messages)).toBeGreaterThan(8);
});

test("usage keeps its meaning through both formats", () => {
  const anthropic = { input_tokens: 10, cache_creation_input_tokens: 2, cache_read_input_tokens: 8, output_tokens: 5 };
  const raw = readAnthropicUsage(anthropic)!;
  expect(raw).toEqual({
    inputTokens: 20,
    outputTokens: 5,
    cacheReadTokens: 8,
    cacheWriteTokens: 2,
    reasoningTokens: 0,
  });
  expect(writeAnthropicUsage(raw)).toEqual(anthropic);
  expect(readOpenAiUsage(writeOpenAiUsage(raw))).toEqual(raw);
  // message_delta gives the final output only; a zero for the input does not erase what message_start said.
  expect(readAnthropicUsage({ input_tokens: 0, output_tokens: 50 }, raw)).toEqual({ ...raw, outputTokens: 50 });
  expect(readOpenAiUsage({})).toBeUndefined();
});

test("where the count comes from", () => {
  const meter = new StreamMeter();
  meter.outputChars = 400;
  expect(meteredUsage(meter, false, () => 7)).toEqual({
    raw: { inputTokens: 7, outputTokens: 100, ...NO_CACHE },
    source: "word_heuristic",
  });
  meter.usage = { inputTokens: 20, outputTokens: 1, ...NO_CACHE };
  expect(meteredUsage(meter, false, () => 7)).toMatchObject({
    raw: { inputTokens: 20, outputTokens: 100 },
    source: "provider_partial",
  });
  expect(meteredUsage(meter, true, () => 7)).toMatchObject({ raw: { outputTokens: 1 }, source: "provider" });
});

const telemetry = recordingTelemetry();
const prices = new Prices(telemetry, pino({ level: "silent" }));
beforeAll(() => prices.load());

test("prices: list prices, cached input at its own rate", () => {
  const usage = { inputTokens: 1_000, outputTokens: 100, ...NO_CACHE };
  expect(prices.price("openai", "gpt-4o-mini", usage)).toEqual({
    inputUsd: expect.closeTo(0.00015, 9),
    outputUsd: expect.closeTo(0.00006, 9),
    totalUsd: expect.closeTo(0.00021, 9),
    defaultPricing: false,
  });
  const cached = prices.price("anthropic", "claude-sonnet-4-5", {
    ...usage,
    cacheReadTokens: 600,
    cacheWriteTokens: 200,
  });
  // 200 fresh at $3, 600 read at $0.30, 200 written at $3.75, 100 out at $15, per million.
  expect(cached.totalUsd).toBeCloseTo((200 * 3 + 600 * 0.3 + 200 * 3.75 + 100 * 15) / 1e6, 9);
});

test("prices: a model that nobody lists costs the default price and says so", () => {
  telemetry.events.length = 0;
  const usage = { inputTokens: 1_000, outputTokens: 500, ...NO_CACHE };
  for (const cacheHit of [false, true]) {
    expect(prices.price("nobody", "no-such-model-1", usage)).toMatchObject({ totalUsd: 0.03, defaultPricing: true });
    const looked = telemetry.events.filter(({ name }) => name === "priceLookup");
    expect(looked.at(-1)).toMatchObject({ model: "no-such-model-1", cacheHit });
  }
});
