import { expect, test } from "vitest";
import { hang, json, OPENAI_STREAM, openAiChunk, sse } from "../testing/fixture-provider.ts";
import { ask, routingHarness } from "./testing.ts";

const { provider, start } = routingHarness();

const HEDGED = { enabled: true, samplesMin: 3, delayMin: "40ms", budget: 1 };

test("hedging: a slow first call gets company, the winner answers, the loser is ended at once", async () => {
  const first = await provider();
  const second = await provider();
  const gateway = await start({
    providers: {
      fireworks: { baseUrl: first.url, models: ["m-1"] },
      together: { baseUrl: second.url, models: ["m-1"] },
    },
    hedging: HEDGED,
  });
  for (let count = 0; count < 3; count++) await ask(gateway);
  expect(second.seen).toHaveLength(0);
  first.answer = hang;
  const tookMs: number[] = [];
  for (let round = 0; round < 3; round++) {
    const reply = await ask(gateway);
    const answeredAt = performance.now();
    expect(reply.headers.get("x-gatewayz-provider")).toBe("together");
    await first.seen.at(-1)!.aborted;
    tookMs.push(performance.now() - answeredAt);
  }
  // A busy machine may dawdle once; the best is what the gateway takes.
  expect(Math.min(...tookMs)).toBeLessThan(100);
  expect(gateway.events).toContainEqual({ name: "hedged", provider: "together", result: "won" });
  for (let count = 0; count < 3; count++) await gateway.nextRecord();
  const { attempts } = await gateway.nextRecord();
  expect(attempts).toMatchObject([
    { provider: "fireworks", result: "cancelled" },
    { provider: "together", kind: "hedge", result: "success" },
  ]);
  // A loser says nothing about its provider.
  expect(gateway.gateway.breakers.of("fireworks")!.view().failure_count).toBe(0);
});

test("hedging: what the loser's provider has counted is paid", async () => {
  const usage = { prompt_tokens: 50, completion_tokens: 0, total_tokens: 50 };
  const started = openAiChunk({ role: "assistant", content: "" }, null, { usage });
  const first = await provider(sse(OPENAI_STREAM));
  const second = await provider(sse(OPENAI_STREAM));
  const gateway = await start({
    providers: {
      fireworks: { baseUrl: first.url, models: ["m-1"] },
      together: { baseUrl: second.url, models: ["m-1"] },
    },
    hedging: HEDGED,
  });
  for (let count = 0; count < 3; count++) await (await ask(gateway, { stream: true })).text();
  for (let count = 0; count < 3; count++) await gateway.nextRecord();
  first.answer = sse([started], "open");
  await (await ask(gateway, { stream: true })).text();
  const { usage: counted, cost } = await gateway.nextRecord();
  expect(counted).toMatchObject({ inputTokens: 20 + 50, outputTokens: 5 });
  expect(cost!.totalUsd).toBeGreaterThan(0);
});

test("hedging: when both fail, both are told, and the next provider is tried", async () => {
  const [a, b, c] = [await provider(), await provider(json({}, 503)), await provider()];
  const gateway = await start({
    providers: {
      cerebras: { baseUrl: a.url, models: ["m-1"] },
      fireworks: { baseUrl: b.url, models: ["m-1"] },
      together: { baseUrl: c.url, models: ["m-1"] },
    },
    hedging: HEDGED,
  });
  for (let count = 0; count < 3; count++) await ask(gateway);
  for (let count = 0; count < 3; count++) await gateway.nextRecord();
  a.answer = (_request, reply) => void setTimeout(() => reply.writeHead(503).end("{}"), 120);
  expect((await ask(gateway)).headers.get("x-gatewayz-provider")).toBe("together");
  expect((await gateway.nextRecord()).attempts.map(({ provider: name, result }) => [name, result])).toEqual([
    ["cerebras", "error"],
    ["fireworks", "error"],
    ["together", "success"],
  ]);
});
