import { expect, test } from "vitest";
import { json } from "../testing/fixture-provider.ts";
import { ask, MESSAGES, requestOf, routingHarness } from "./testing.ts";

const { provider, start } = routingHarness();

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

test("a choice that is made without data, or with every breaker open, says so", async () => {
  const only = await provider();
  const gateway = await start({
    providers: { fireworks: { baseUrl: only.url, models: ["acme-a", "acme-b"] } },
    routing: { auto: [{ model: "acme-a" }, { model: "acme-b" }] },
  });
  const reasons = (): unknown[] =>
    gateway.events
      .filter(({ name }) => name === "routerDecided")
      .map((event) => "fallbackReason" in event && event.fallbackReason);
  await ask(gateway, { model: "auto:latency" });
  await ask(gateway, { model: "auto:latency" });
  await ask(gateway, { model: "auto:quality" });
  for (let count = 0; count < 5; count++) gateway.gateway.breakers.of("fireworks")!.count(false);
  await ask(gateway, { model: "auto:quality" });
  expect(reasons()).toEqual(["no_data", false, false, "all_open"]);
});
