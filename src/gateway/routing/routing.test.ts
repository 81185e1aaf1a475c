import { request } from "node:http";
import { afterEach, expect, test } from "vitest";
import type { ConfigInput } from "../../config/schema.ts";
import {
  type FixtureAnswer,
  type FixtureProvider,
  hang,
  json,
  OPENAI_COMPLETION,
  OPENAI_STREAM,
  openAiChunk,
  sse,
  startFixtureProvider,
} from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

const good = json(OPENAI_COMPLETION);
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function provider(answer: FixtureAnswer = good): Promise<FixtureProvider> {
  const fixture = await startFixtureProvider(answer);
  closing.push(() => fixture.close());
  return fixture;
}

async function start(gateway: NonNullable<ConfigInput["gateway"]>): Promise<TestGateway> {
  const started = await startTestGateway({ gateway });
  closing.push(() => started.close());
  return started;
}

const MESSAGES = [{ role: "user", content: "x" }];

function ask(gateway: TestGateway, body: object = {}, headers: Record<string, string> = {}): Promise<Response> {
  return gateway.post("/v1/chat/completions", { model: "m-1", messages: MESSAGES, ...body }, headers);
}

async function requestOf(gateway: TestGateway, reply: Response): Promise<Record<string, unknown>> {
  const found = await gateway.get(`/v1/requests/${reply.headers.get("x-request-id")}`);
  expect(found.status).toBe(200);
  return (await found.json()) as Record<string, unknown>;
}

const keyOf = ({ headers }: { headers: { authorization?: string } }): string => headers.authorization!.slice(7);

/** Answers by the key that a call carries. */
const byKey = (answers: Readonly<Record<string, FixtureAnswer>>): FixtureAnswer => {
  return (asked, reply) => answers[keyOf(asked)]!(asked, reply);
};

const THREE_KEYS = [
  { key: "sk-aaa", name: "a" },
  { key: "sk-bbb", name: "b" },
  { key: "sk-ccc", name: "c" },
];

test("a 429 moves to another key of the same provider, and never to another provider", async () => {
  const first = await provider();
  const second = await provider();
  const gateway = await start({
    providers: {
      fireworks: { baseUrl: first.url, models: ["m-1"], apiKeys: THREE_KEYS },
      together: { baseUrl: second.url, models: ["m-1"] },
    },
  });
  const limited = json({ error: { message: "slow down" } }, 429, { "retry-after": "17" });
  first.answer = byKey({ "sk-aaa": limited, "sk-bbb": limited, "sk-ccc": good });
  while (new Set(first.seen.map(keyOf)).size < 3) {
    expect((await ask(gateway)).status).toBe(200);
    const { attempts } = await gateway.nextRecord();
    expect(attempts.at(-1)).toMatchObject({ provider: "fireworks", keyLabel: "c", result: "success" });
  }
  // The keys that were limited rest: nobody asks with them while another is ready.
  first.seen.length = 0;
  for (let count = 0; count < 5; count++) await ask(gateway);
  expect(first.seen.map(keyOf)).toEqual(Array(5).fill("sk-ccc"));
  first.answer = limited;
  const states = await gateway.get("/api/monitoring/routing");
  const { providers } = (await states.json()) as { providers: { keys: { name: string; state: string }[] }[] };
  expect(providers[0]!.keys.map(({ name, state }) => [name, state])).toEqual([
    ["a", "cooling"],
    ["b", "cooling"],
    ["c", "ready"],
  ]);
  const refused = await ask(gateway);
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("17");
  expect(refused.headers.get("x-ratelimit-scope")).toBe("upstream");
  expect(second.seen).toHaveLength(0);
  expect(gateway.events).toContainEqual({ name: "keyCooledDown", provider: "fireworks", seconds: 17 });
  expect(gateway.gateway.breakers.of("fireworks")!.view().failure_count).toBe(0);
});

test.each([401, 402, 403])("a %i tries the other keys at once, then says that none is accepted", async (status) => {
  const only = await provider(json({ error: { message: "bad key" } }, status));
  const gateway = await start({
    providers: { fireworks: { baseUrl: only.url, models: ["m-1"], apiKeys: THREE_KEYS } },
    retries: { max: 2 },
  });
  const reply = await ask(gateway);
  expect(reply.status).toBe(502);
  const { error } = (await reply.json()) as { error: { gateway_code: string; message: string } };
  expect(error.gateway_code).toBe("PROVIDER_CREDENTIALS_EXHAUSTED");
  expect(only.seen.map(keyOf).sort()).toEqual(["sk-aaa", "sk-bbb", "sk-ccc"]);
  for (const { key, name } of THREE_KEYS) {
    expect(error.message).toContain(name);
    expect(error.message).not.toContain(key);
  }
  const record = await gateway.nextRecord();
  expect(record.attempts.map(({ kind }) => kind ?? "first")).toEqual(["first", "key_rotation", "key_rotation"]);
  // Only the last one is the provider's failure.
  expect(gateway.gateway.breakers.of("fireworks")!.view().failure_count).toBe(1);
});

test("keys that are refused fail over to the next provider once all were tried", async () => {
  const first = await provider(json({}, 401));
  const second = await provider();
  const gateway = await start({
    providers: {
      fireworks: { baseUrl: first.url, models: ["m-1"], apiKeys: THREE_KEYS.slice(0, 2) },
      together: { baseUrl: second.url, models: ["m-1"] },
    },
  });
  expect((await ask(gateway)).headers.get("x-gatewayz-provider")).toBe("together");
  expect(first.seen).toHaveLength(2);
});

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

test("calls are spread over the keys", async () => {
  const only = await provider();
  const gateway = await start({
    providers: { fireworks: { baseUrl: only.url, models: ["m-1"], apiKeys: THREE_KEYS } },
  });
  await Promise.all(Array.from({ length: 20 }, () => ask(gateway)));
  expect(new Set(only.seen.map(keyOf)).size).toBe(3);
});

test("an alias moves on to its fallback list, on a 429 too; a key's own alias is that key's alone", async () => {
  const first = await provider(json({}, 429));
  const second = await provider();
  const gateway = await start({
    providers: {
      fireworks: { baseUrl: first.url, models: ["big"] },
      together: { baseUrl: second.url, models: ["small"] },
    },
    keys: { team: "gw_live_team-key" },
    aliases: { smart: { models: ["big"], fallback: ["together/small"] } },
    routing: { keys: { team: { aliases: { smart: { models: ["small"] } } } } },
  });
  const reply = await ask(gateway, { model: "smart" });
  expect(reply.headers.get("x-gatewayz-provider")).toBe("together");
  expect(second.seen.at(-1)!.body["model"]).toBe("small");
  expect(await requestOf(gateway, reply)).toMatchObject({
    requested_model: "smart",
    provider: "together",
    model: "small",
    routing: { strategy: "alias", alias: "smart", candidates: ["fireworks/big", "together/small"] },
    attempts: [
      { provider: "fireworks", result: "error", status_code: 429, error_code: "PROVIDER_RATE_LIMITED" },
      { provider: "together", result: "success", kind: "fallback" },
    ],
  });
  await ask(gateway, { model: "smart" }, { authorization: "Bearer gw_live_team-key" });
  expect(first.seen).toHaveLength(1);
});

test("an alias may forbid to move on, and name who may serve", async () => {
  const first = await provider(json({}, 429));
  const second = await provider();
  const gateway = await start({
    providers: {
      fireworks: { baseUrl: first.url, models: ["m-1"] },
      together: { baseUrl: second.url, models: ["m-1", "m-2"] },
    },
    aliases: {
      strict: { models: ["m-1"], fallback: ["m-2"], fallbackOn: [] },
      pinned: { models: ["m-1"], providers: ["together"] },
    },
  });
  expect((await ask(gateway, { model: "strict" })).status).toBe(429);
  expect((await ask(gateway, { model: "pinned" })).headers.get("x-gatewayz-provider")).toBe("together");
});

test("`models` is the client's own fallback list", async () => {
  const first = await provider(json({}, 429));
  const second = await provider();
  const gateway = await start({
    providers: {
      fireworks: { baseUrl: first.url, models: ["big"] },
      together: { baseUrl: second.url, models: ["small"] },
    },
  });
  const reply = await ask(gateway, { model: "big", models: ["nobody-has-it", "small"] });
  expect(reply.headers.get("x-gatewayz-provider")).toBe("together");
  expect(second.seen.at(-1)!.body).toEqual({ model: "small", messages: MESSAGES });
  expect(await requestOf(gateway, reply)).toMatchObject({
    routing: { strategy: "model_fallback", passed_over: [{ model: "nobody-has-it", reason: "not_served" }] },
  });
  const without = await ask(gateway, { model: undefined, models: ["small"] });
  expect(without.status).toBe(200);
});

test("`provider` as an object orders, allows, ignores and pins", async () => {
  const [a, b, c] = [await provider(), await provider(), await provider()];
  const gateway = await start({
    providers: {
      cerebras: { baseUrl: a.url, models: ["m-1"] },
      fireworks: { baseUrl: b.url, models: ["m-1"] },
      together: { baseUrl: c.url, models: ["m-1"] },
    },
  });
  const answeredBy = async (wish: unknown): Promise<string | null> => {
    return (await ask(gateway, { provider: wish })).headers.get("x-gatewayz-provider");
  };
  expect(await answeredBy({ order: ["together", "fireworks"] })).toBe("together");
  expect(await answeredBy({ only: ["fireworks"] })).toBe("fireworks");
  expect(await answeredBy({ ignore: ["cerebras", "fireworks"] })).toBe("together");
  expect(await answeredBy({ only: ["fireworks", "together"], order: ["together"] })).toBe("together");
  c.answer = json({}, 503);
  expect(await answeredBy({ order: ["together"] })).toBe("cerebras");
  expect((await ask(gateway, { provider: { order: ["together"], allow_fallbacks: false } })).status).toBe(503);
  a.answer = json({}, 503);
  expect((await ask(gateway, { provider: { allow_fallbacks: false } })).status).toBe(503);
  const nobody = await ask(gateway, { provider: { only: ["openai"] } });
  expect(nobody.status).toBe(404);
  expect(await nobody.json()).toMatchObject({ error: { gateway_code: "NO_PROVIDER_ALLOWED", param: "provider" } });
  const unknown = await ask(gateway, { provider: { data_collection: "deny" } });
  expect(unknown.status).toBe(400);
  expect(await unknown.json()).toMatchObject({ error: { param: "provider.data_collection" } });
});

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
  const reply = await ask(gateway);
  const answeredAt = performance.now();
  expect(reply.headers.get("x-gatewayz-provider")).toBe("together");
  await first.seen.at(-1)!.aborted;
  expect(performance.now() - answeredAt).toBeLessThan(100);
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

test("`auto` chooses by policy and says so", async () => {
  const [cheap, best] = [await provider(), await provider()];
  const gateway = await start({
    providers: {
      fireworks: { baseUrl: cheap.url, models: ["cheap"] },
      together: { baseUrl: best.url, models: ["best"] },
    },
    routing: {
      auto: [
        { model: "cheap", quality: 0.2 },
        { model: "best", quality: 0.9 },
      ],
    },
  });
  const reply = await ask(gateway, { model: "auto:quality" });
  expect(reply.headers.get("x-gatewayz-provider")).toBe("together");
  expect(best.seen.at(-1)!.body["model"]).toBe("best");
  expect(gateway.events).toContainEqual(
    expect.objectContaining({ name: "routerDecided", mode: "quality", selectedModel: "best", provider: "together" }),
  );
  expect(await requestOf(gateway, reply)).toMatchObject({
    routing: { strategy: "smart", policy: "quality", candidates: ["together/best", "fireworks/cheap"], confidence: 1 },
  });
  best.answer = json({}, 503);
  expect((await ask(gateway, { model: "auto:quality" })).headers.get("x-gatewayz-provider")).toBe("fireworks");
});

test("`auto` without a list chooses among what providers list", async () => {
  const only = await provider();
  const gateway = await start({
    providers: { fireworks: { baseUrl: only.url, models: ["acme-7b", "acme-opus", "acme-embed"] } },
  });
  await ask(gateway, { model: "auto:quality" });
  expect(only.seen.at(-1)!.body["model"]).toBe("acme-opus");
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
    const leaving = request(`${gateway.url}/v1/chat/completions`, { method: "POST", headers: gateway.headers });
    leaving.on("error", () => undefined); // Destroying it is one.
    const begun = new Promise<void>((resolve) => {
      leaving.on("response", (reply) => reply.once("data", () => resolve()).on("error", () => undefined));
    });
    leaving.end(JSON.stringify({ model: "m-1", messages: MESSAGES, stream }));
    if (stream) await begun;
    else await expect.poll(() => only.seen.length).toBe(1);
    const leftAt = performance.now();
    leaving.destroy();
    await only.seen[0]!.aborted;
    expect(performance.now() - leftAt).toBeLessThan(100);
    const record = await gateway.nextRecord();
    expect(record.outcome).toMatchObject({ clientAborted: true });
    expect(record.attempts[0]!.result).toBe("cancelled");
    expect(record.usage!.inputTokens).toBeGreaterThan(0);
    expect(record.usage!.outputTokens > 0).toBe(stream);
    expect(record.cost!.totalUsd).toBeGreaterThan(0);
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

test("processes of one gateway tell each other of resting keys and of breakers", async () => {
  const limited = await provider(json({}, 429, { "retry-after": "60" }));
  const broken = await provider(json({}, 503));
  const providers = {
    fireworks: { baseUrl: limited.url, models: ["m-1"], apiKeys: THREE_KEYS.slice(0, 2) },
    together: { baseUrl: broken.url, models: ["m-2"] },
  };
  const [here, there] = [await start({ providers }), await start({ providers })];
  here.gateway.routing.onNews = (news) => there.gateway.routing.hear(news);
  await ask(here);
  for (let count = 0; count < 5; count++) await ask(here, { model: "m-2" });
  const { routing, providers: known } = there.gateway;
  expect(
    routing
      .keysOf(known.get("fireworks")!)
      .views()
      .map(({ state }) => state),
  ).toEqual(["cooling", "cooling"]);
  expect(routing.availability.state("together", "m-2")).toBe("open");
  expect(there.events.filter(({ name }) => name === "keyCooledDown")).toEqual([]);
  expect((await here.post("/circuit-breakers/reset-all", {})).status).toBe(200);
  expect(here.gateway.routing.availability.state("together", "m-2")).toBe("closed");
  expect(routing.availability.state("together", "m-2")).toBe("closed");
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
