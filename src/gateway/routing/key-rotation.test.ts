import { expect, test } from "vitest";
import { type FixtureAnswer, json } from "../testing/fixture-provider.ts";
import { ask, good, keyOf, routingHarness, THREE_KEYS } from "./testing.ts";

const { provider, start } = routingHarness();

/** Answers by the key that a call carries. */
const byKey = (answers: Readonly<Record<string, FixtureAnswer>>): FixtureAnswer => {
  return (asked, reply) => answers[keyOf(asked)]!(asked, reply);
};

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

test("calls are spread over the keys", async () => {
  const only = await provider();
  const gateway = await start({
    providers: { fireworks: { baseUrl: only.url, models: ["m-1"], apiKeys: THREE_KEYS } },
  });
  await Promise.all(Array.from({ length: 20 }, () => ask(gateway)));
  expect(new Set(only.seen.map(keyOf)).size).toBe(3);
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
