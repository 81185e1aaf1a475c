import { request } from "node:http";
import { expect, test } from "vitest";
import { hang, json, OPENAI_COMPLETION, openAiChunk, sse } from "../testing/fixture-provider.ts";
import { ask, good, MESSAGES, requestOf, routingHarness } from "./testing.ts";

const { provider, start } = routingHarness();

/** A busy machine may dawdle once; the best of so many rounds is what the gateway takes. */
const ROUNDS = 3;

test("a reply says how long the gateway itself took, its provider's time left out", async () => {
  const only = await provider((asked, reply) => void setTimeout(() => void good(asked, reply), 150));
  const gateway = await start({ providers: { fireworks: { baseUrl: only.url, models: ["m-1"] } } });
  await ask(gateway); // The first one warms up.
  const startedAt = performance.now();
  const reply = await ask(gateway);
  const overheadMs = Number(reply.headers.get("x-gatewayz-overhead-ms"));
  expect(overheadMs).toBeGreaterThan(0);
  expect(overheadMs).toBeLessThan(performance.now() - startedAt - 140);
});

test("the newest requests: each key sees its own, running ones too, the admin key all", async () => {
  let release: (() => void) | undefined;
  const only = await provider(async (request, reply) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    await good(request, reply);
  });
  const gateway = await start({
    providers: { fireworks: { baseUrl: only.url, models: ["m-1"] } },
    keys: { one: "gw_live_key-one", two: "gw_live_key-two" },
  });
  const one = { authorization: "Bearer gw_live_key-one" };
  const two = { authorization: "Bearer gw_live_key-two" };
  const list = async (headers = {}): Promise<{ id: string; status: string }[]> => {
    const body = (await (await gateway.get("/v1/requests", headers)).json()) as {
      data: { id: string; status: string }[];
    };
    return body.data;
  };
  const pending = ask(gateway, {}, { ...one, "x-request-id": "req-of-one" });
  await expect.poll(() => release).toBeDefined();
  expect(await list(one)).toMatchObject([{ id: "req-of-one", status: "in_progress" }]);
  expect(await list(two)).toEqual([]);
  release!();
  await (await pending).text();
  await expect.poll(async () => (await list(one))[0]?.status).toBe("completed");
  expect(await list()).toMatchObject([{ id: "req-of-one" }]);
  expect((await gateway.get("/v1/requests/req-of-one", two)).status).toBe(404);
  expect((await gateway.get("/v1/requests/req-of-one", one)).status).toBe(200);
  expect((await gateway.get("/v1/requests?limit=0", one)).status).toBe(400);
});

test.each([true, false])(
  "a client that leaves ends the provider's work within 100 ms and pays (stream %s)",
  async (stream) => {
    const pieces = [openAiChunk({ role: "assistant", content: "" }), openAiChunk({ content: "one two three" })];
    const only = await provider(stream ? sse(pieces, "open") : hang);
    const gateway = await start({ providers: { fireworks: { baseUrl: only.url, models: ["m-1"] } } });
    const tookMs: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const leaving = request(`${gateway.url}/v1/chat/completions`, { method: "POST", headers: gateway.headers });
      leaving.on("error", () => undefined); // Destroying it is one.
      const begun = new Promise<void>((resolve) => {
        leaving.on("response", (reply) => reply.once("data", () => resolve()).on("error", () => undefined));
      });
      leaving.end(JSON.stringify({ model: "m-1", messages: MESSAGES, stream }));
      if (stream) await begun;
      else await expect.poll(() => only.seen.length).toBe(round);
      const leftAt = performance.now();
      leaving.destroy();
      await only.seen.at(-1)!.aborted;
      tookMs.push(performance.now() - leftAt);
      const record = await gateway.nextRecord();
      expect(record.outcome).toMatchObject({ clientAborted: true });
      expect(record.attempts[0]!.result).toBe("cancelled");
      expect(record.usage!.inputTokens).toBeGreaterThan(0);
      expect(record.usage!.outputTokens > 0).toBe(stream);
      expect(record.cost!.totalUsd).toBeGreaterThan(0);
    }
    expect(Math.min(...tookMs)).toBeLessThan(100);
  },
);

test("the availability breaker closes one model of a provider off, not the others", async () => {
  const first = await provider(({ body }, reply) => {
    reply.writeHead(body["model"] === "m-1" ? 503 : 200, { "content-type": "application/json" });
    reply.end(JSON.stringify(OPENAI_COMPLETION));
  });
  const second = await provider();
  const gateway = await start({
    providers: {
      fireworks: { baseUrl: first.url, models: ["m-1", "m-2"] },
      together: { baseUrl: second.url, models: ["m-1"] },
    },
    breaker: { consecutiveFailures: 100, failureRate: 1, windowRequestsMin: 100 },
  });
  for (let count = 0; count < 5; count++) await ask(gateway);
  expect(first.seen).toHaveLength(5);
  const reply = await ask(gateway);
  expect(first.seen).toHaveLength(5);
  expect(await requestOf(gateway, reply)).toMatchObject({
    attempts: [
      { provider: "fireworks", result: "skipped", error_code: "MODEL_BREAKER_OPEN" },
      { provider: "together", result: "success" },
    ],
  });
  await ask(gateway, { model: "m-2" });
  expect(first.seen).toHaveLength(6);
  expect(gateway.events).toContainEqual({
    name: "availabilityMoved",
    provider: "fireworks",
    model: "m-1",
    from: "closed",
    to: "open",
  });
});

test("circuit breaker routes: the contract's members, resets by the operator only", async () => {
  const only = await provider(json({}, 503));
  const gateway = await start({
    providers: { fireworks: { baseUrl: only.url, models: ["m-1"] } },
    keys: { team: "gw_live_team-key" },
  });
  for (let count = 0; count < 5; count++) await ask(gateway);
  const view = (await (await gateway.get("/circuit-breakers/fireworks")).json()) as Record<string, unknown>;
  expect(view).toEqual({
    provider: "fireworks",
    state: "open",
    failure_count: 0,
    success_count: 0,
    failure_rate: 0,
    recent_requests: 0,
    opened_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    seconds_until_retry: expect.any(Number),
  });
  expect(view["seconds_until_retry"]).toBeGreaterThan(50);
  const list = await (await gateway.get("/circuit-breakers")).json();
  expect(list).toMatchObject({ total: 1, circuit_breakers: [{ provider: "fireworks", state: "open" }] });
  const team = { authorization: "Bearer gw_live_team-key" };
  expect((await gateway.get("/circuit-breakers", team)).status).toBe(200);
  expect((await gateway.post("/circuit-breakers/fireworks/reset", {}, team)).status).toBe(403);
  const reset = await gateway.post("/circuit-breakers/fireworks/reset", {});
  expect(await reset.json()).toMatchObject({
    status: "success",
    circuit_breaker: { state: "closed", opened_at: null },
  });
  expect((await gateway.get("/circuit-breakers/nobody")).status).toBe(404);
});
