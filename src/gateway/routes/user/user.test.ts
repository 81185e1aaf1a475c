import { afterAll, beforeAll, expect, test } from "vitest";
import { type FixtureProvider, json, OPENAI_COMPLETION, startFixtureProvider } from "../../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../../testing/test-gateway.ts";
import { userRoutes } from "./index.ts";

const KEY = "gw_test_user_routes_1";
let gateway: TestGateway;
let provider: FixtureProvider;

beforeAll(async () => {
  provider = await startFixtureProvider(json(OPENAI_COMPLETION));
  gateway = await startTestGateway({
    gateway: {
      budgets: { timeZone: "Europe/Berlin", teams: { ops: { monthUsd: 3 } } },
      keys: {
        mine: {
          key: KEY,
          team: "ops",
          allowedProviders: ["open*"],
          budget: { dayUsd: 1 },
          limits: { requestsPerMinute: 9 },
        },
        other: "gw_test_user_routes_2",
      },
      providers: {
        openai: { baseUrl: `${provider.url}/v1`, apiKey: "k", models: ["gpt-4o"] },
        groq: { baseUrl: `${provider.url}/v1`, models: ["gpt-4o"] },
      },
    },
  });
  for (const key of [KEY, "gw_test_user_routes_2"]) {
    const messages = [{ role: "user", content: "hi" }];
    const headers = { authorization: `Bearer ${key}` };
    expect((await gateway.post("/v1/chat/completions", { model: "gpt-4o", messages }, headers)).status).toBe(200);
  }
});
afterAll(async () => {
  await gateway.close();
  await provider.close();
});

const read = async (path: string, key = KEY): Promise<unknown> =>
  (await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${key}` } })).json();

test.each(userRoutes.map((route) => [route.path, route] as const))(
  "%s answers what its schema says",
  async (path, route) => {
    const body = await read(path);
    expect(route.schemas().reply!.parse(body)).toEqual(body);
  },
);

test("a key sees itself: rights, limits with what is used, budgets with what is left", async () => {
  expect(await read("/user/profile")).toMatchObject({
    key_id: "config:mine",
    team: "ops",
    allowed_providers: ["open*"],
  });
  expect(await read("/user/limit")).toMatchObject({
    requests: { minute: { limit: 9, used: 1, remaining: 8 }, hour: { limit: 1_000, used: 1 } },
    tokens: { minute: { used: 25 } },
    concurrent: { used: 0 },
  });
  const balance = (await read("/user/balance")) as Record<string, Record<string, Record<string, number>>>;
  const { day } = balance["key"]!;
  expect(balance).toMatchObject({
    time_zone: "Europe/Berlin",
    team: { month: { cap_usd: 3 }, day: { cap_usd: null } },
  });
  expect(day).toMatchObject({ cap_usd: 1 });
  expect(day!["spent_usd"]).toBeGreaterThan(0);
  expect(day!["remaining_usd"]).toBeCloseTo(1 - day!["spent_usd"]!, 5);
  expect(await read("/user/provider-keys")).toEqual({
    data: [{ provider: "openai", has_key: true, source: "gateway" }],
  });
});

test("activity is the calling key's alone, whatever it asks for", async () => {
  expect(await read("/user/activity?bucket=all&group_by=key&key=config:other")).toMatchObject({
    data: [{ key: "config:mine", requests: 1, input_tokens: 20 }],
  });
});

test("the admin key has no limits, and says so", async () => {
  const response = await gateway.get("/user/limit");
  expect(await response.json()).toMatchObject({ unlimited: true, requests: null });
});
