import { expect, test } from "vitest";
import { json, OPENAI_STREAM, openAiChunk, sse, startFixtureProvider } from "../testing/fixture-provider.ts";
import { ask, good, routingHarness } from "./testing.ts";

const { provider, start } = routingHarness();

test("retries: again after a random wait where a failure may pass, nobody else is left, and nothing was sent", async () => {
  const answers = [json({}, 503), json({}, 502), good];
  const only = await provider((request, reply) => answers.shift()!(request, reply));
  const gateway = await start({
    providers: { fireworks: { baseUrl: only.url, models: ["m-1"] } },
    retries: { max: 2, delay: "20ms", delayMax: "50ms" },
  });
  expect((await ask(gateway)).status).toBe(200);
  const record = await gateway.nextRecord();
  expect(record.attempts.map(({ kind, statusCode }) => [kind ?? "first", statusCode])).toEqual([
    ["first", 503],
    ["retry", 502],
    ["retry", 200],
  ]);
  expect(gateway.events.filter(({ name }) => name === "attemptRetried")).toHaveLength(2);
});

test.each([
  ["a fault of the provider", json({}, 500)],
  ["a request that is refused", json({}, 400)],
  ["a busy provider", json({}, 429)],
  ["a wait that is too long", json({}, 503, { "retry-after": "60" })],
])("no retry after %s", async (_name, answer) => {
  const only = await provider(answer);
  const gateway = await start({
    providers: { fireworks: { baseUrl: only.url, models: ["m-1"] } },
    retries: { max: 2, delay: "1ms" },
  });
  await ask(gateway);
  expect(only.seen).toHaveLength(1);
});

test("no retry and no failover once the stream has begun: the break is told", async () => {
  const first = await provider(sse([openAiChunk({ content: "Hel" })], "drop"));
  const second = await provider(sse(OPENAI_STREAM));
  const gateway = await start({
    providers: {
      fireworks: { baseUrl: first.url, models: ["m-1"] },
      together: { baseUrl: second.url, models: ["m-1"] },
    },
    retries: { max: 2, delay: "1ms" },
  });
  const text = await (await ask(gateway, { stream: true })).text();
  expect(text).toContain("PROVIDER_STREAM_INTERRUPTED");
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  expect([first.seen.length, second.seen.length]).toEqual([1, 0]);
});

test("the budget bounds retries over all traffic", async () => {
  const only = await provider(json({}, 503));
  const gateway = await start({
    providers: { fireworks: { baseUrl: only.url, models: ["m-1"] } },
    retries: { max: 1, delay: "1ms", budget: 0.1 },
    breaker: { consecutiveFailures: 1_000, failureRate: 1, windowRequestsMin: 1_000 },
    availabilityBreaker: { failures: 1_000 },
  });
  for (let count = 0; count < 40; count++) await ask(gateway);
  // Ten to begin with, and one for each ten requests.
  expect(only.seen.length).toBeGreaterThanOrEqual(50);
  expect(only.seen.length).toBeLessThanOrEqual(40 + 10 + 4);
});

test("retries: a connection that is refused or reset, before anything has come", async () => {
  let refuse = true;
  const only = await provider((asked, reply) => {
    if (refuse) reply.destroy();
    else void good(asked, reply);
    refuse = false;
  });
  const closed = await startFixtureProvider(good);
  await closed.close();
  const gateway = await start({
    providers: {
      fireworks: { baseUrl: only.url, models: ["m-1"] },
      together: { baseUrl: closed.url, models: ["m-2"] },
    },
    retries: { max: 2, delay: "5ms" },
  });
  expect((await ask(gateway)).status).toBe(200);
  expect((await gateway.nextRecord()).attempts.at(-1)).toMatchObject({ result: "success" });
  expect((await ask(gateway, { model: "m-2" })).status).toBe(503);
  const { attempts } = await gateway.nextRecord();
  expect(attempts.map(({ kind }) => kind ?? "first")).toEqual(["first", "retry", "retry"]);
});
