import { afterAll, beforeAll, expect, test } from "vitest";
import { type FixtureProvider, json, OPENAI_COMPLETION, startFixtureProvider } from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

let provider: FixtureProvider;
let gateway: TestGateway;

beforeAll(async () => {
  provider = await startFixtureProvider(json(OPENAI_COMPLETION));
  gateway = await startTestGateway({
    gateway: {
      keys: {
        app: "gw_live_app_key",
        narrow: { key: "gw_live_narrow_key", allowedModels: ["m-1"], team: "blue", tags: ["web"], tier: "pro" },
        elsewhere: { key: "gw_live_elsewhere", allowedProviders: ["nobody"] },
        old: { key: "gw_temp_old_key", expiresAt: "2020-01-01T00:00:00Z" },
        small: { key: "gw_live_small_key", limits: { requestsPerMinute: 2, tokensPerMinute: 900 } },
        monthly: { key: "gw_live_monthly_key", budget: { monthUsd: 0.002 } },
      },
      anonymous: { enabled: true, requestsPerDay: 2 },
      providers: { fix: { baseUrl: `${provider.url}/v1`, apiKey: "sk-fix", models: ["m-1", "m-2"] } },
    },
  });
  await gateway.gateway.money.start();
  await gateway.gateway.keySync.start();
});
afterAll(async () => {
  await gateway.gateway.money.close();
  gateway.gateway.keySync.close();
  await gateway.close();
  await provider.close();
});

const chat = { model: "m-1", max_tokens: 10, messages: [{ role: "user", content: "x" }] };
const ask = (key: string, body: object = chat, path = "/v1/chat/completions"): Promise<Response> =>
  gateway.post(path, body, { authorization: `Bearer ${key}` });
const errorOf = async (reply: Response): Promise<unknown> => [
  reply.status,
  ((await reply.json()) as { error: unknown }).error,
];

test("a key asks for the models and providers that it may use, and for no others", async () => {
  expect((await ask("gw_live_narrow_key")).status).toBe(200);
  expect(await errorOf(await ask("gw_live_narrow_key", { ...chat, model: "m-2" }))).toMatchObject([
    403,
    { type: "permission_error", code: "model_not_allowed", param: "model", gateway_code: "MODEL_NOT_ALLOWED" },
  ]);
  const messages = await ask("gw_live_narrow_key", { ...chat, model: "m-2" }, "/v1/messages");
  expect(await errorOf(messages)).toMatchObject([403, { type: "permission_error" }]);
  expect(await errorOf(await ask("gw_live_elsewhere"))).toMatchObject([403, { gateway_code: "MODEL_NOT_ALLOWED" }]);
});

test("keys that have expired, were revoked or are unknown", async () => {
  expect(await errorOf(await ask("gw_temp_old_key"))).toMatchObject([
    401,
    { code: "invalid_api_key", gateway_code: "API_KEY_INACTIVE", message: expect.stringContaining("expired") },
  ]);
  const { keyStore } = gateway.gateway;
  const { secret, record } = await keyStore.create({ name: "fresh", team: "blue" });
  expect((await ask(secret)).status).toBe(200); // It holds as soon as it is made.
  await keyStore.revoke(record.id);
  expect(await errorOf(await ask(secret))).toMatchObject([401, { gateway_code: "API_KEY_INACTIVE" }]);
  expect(await errorOf(await ask(`${secret}x`))).toMatchObject([401, { gateway_code: "INVALID_API_KEY" }]);
  expect(await errorOf(await ask("x".repeat(5_000)))).toMatchObject([401, { gateway_code: "INVALID_API_KEY" }]);
});

test("limit headers are those of the contract, and count down", async () => {
  const first = await ask("gw_live_small_key");
  const unixSeconds = expect.stringMatching(/^1\d{9}$/);
  expect(Object.fromEntries(first.headers)).toMatchObject({
    "ratelimit-limit": "2",
    "ratelimit-remaining": "1",
    "ratelimit-reset": expect.stringMatching(/^\d{1,2}$/),
    "x-ratelimit-limit-requests": "2",
    "x-ratelimit-remaining-requests": "1",
    "x-ratelimit-reset-requests": unixSeconds,
    "x-ratelimit-limit-tokens": "900",
    "x-ratelimit-remaining-tokens": expect.stringMatching(/^8\d\d$/),
    "x-ratelimit-reset-tokens": unixSeconds,
    "x-ratelimit-burst-window": "100 per 60 seconds",
    "x-ratelimit-mode": "normal",
    "x-user-tier": "basic",
  });
  await ask("gw_live_small_key");
  const refused = await ask("gw_live_small_key");
  expect(refused.headers.get("x-ratelimit-reason")).toBe("requests_per_minute");
  expect(await errorOf(refused)).toMatchObject([429, { code: "rate_limit_exceeded" }]);
});

test("a month's budget holds what open requests may cost", async () => {
  // Each may cost some 16 input and 10 output tokens at the default price of $20 a million.
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask("gw_live_monthly_key")));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0);
  const refused = answers.find(({ status }) => status === 429)!;
  expect(Object.fromEntries(refused.headers)).toMatchObject({
    "x-should-retry": "false",
    "x-ratelimit-reason": "budget_per_month",
  });
  expect(await errorOf(refused)).toMatchObject([
    429,
    { type: "insufficient_quota", gateway_code: "BUDGET_QUOTA_EXCEEDED" },
  ]);
});

test("without a key: free models only, twice a day", async () => {
  const nobody = (body: object): Promise<Response> => gateway.post("/v1/chat/completions", body, { authorization: "" });
  expect(await errorOf(await nobody(chat))).toMatchObject([401, { gateway_code: "MODEL_NEEDS_KEY" }]);
});

test("usage of all of it is in the database, by key, team, tag and end user", async () => {
  await ask("gw_live_narrow_key", { ...chat, user: "ann" });
  await ask("gw_live_narrow_key", { ...chat, metadata: { user_id: "bob" } }, "/v1/messages");
  const { money } = gateway.gateway;
  await money.flush();
  const report = (groupBy: ("key" | "team" | "tag" | "endUser")[]): ReturnType<typeof money.reports.usage> =>
    money.reports.usage({ fromMs: 0, toMs: Date.now() + 3_600_000, groupBy });
  const byKey = Object.fromEntries((await report(["key"])).map((row) => [row.key, row]));
  // What was refused before a provider was asked is no usage.
  expect(byKey["config:narrow"]).toMatchObject({ requests: 3, errors: 0, interrupted: 0 });
  expect(byKey["config:small"]).toMatchObject({ requests: 2 });
  expect(byKey["config:old"]).toBeUndefined();
  const { usage } = OPENAI_COMPLETION;
  expect(byKey["config:small"]!.inputTokens).toBe(2 * usage.prompt_tokens);
  expect(byKey["config:small"]!.outputTokens).toBe(2 * usage.completion_tokens);
  expect((await report(["team"])).find(({ team }) => team === "blue")).toMatchObject({ requests: 4 });
  expect(await report(["tag"])).toMatchObject([{ tag: "web", requests: 3 }]);
  expect((await report(["endUser"])).map(({ endUser }) => endUser).sort()).toEqual(["ann", "bob"]);
  const key = await gateway.gateway.keyStore.list();
  expect(key).toEqual([]); // The one that was made is revoked.
  const [revoked] = await gateway.gateway.keyStore.list({ status: "revoked" });
  expect(Date.now() - revoked!.lastUsedAtMs!).toBeLessThan(60_000);
});
