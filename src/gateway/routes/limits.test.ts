import { afterAll, beforeAll, expect, test } from "vitest";
import { type FixtureProvider, json, OPENAI_COMPLETION, startFixtureProvider } from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

let provider: FixtureProvider;
let gateway: TestGateway;

beforeAll(async () => {
  provider = await startFixtureProvider(json(OPENAI_COMPLETION));
  gateway = await startTestGateway({
    gateway: {
      keys: { app: "gw_live_app_key" },
      limits: { dailySpendUsd: 0.0005 },
      ipRequestsPerMinute: 4,
      providers: { fix: { type: "openai", baseUrl: `${provider.url}/v1`, apiKey: "sk-fix", models: ["m-1"] } },
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await provider.close();
});

const chat = { model: "m-1", max_tokens: 10, messages: [{ role: "user", content: "x" }] };
const app = { authorization: "Bearer gw_live_app_key" };

test("a key that has cost its day is refused, the admin's is not", async () => {
  expect((await gateway.post("/v1/chat/completions", chat, app)).status).toBe(200); // 25 tokens at the default price.
  await gateway.nextRecord();
  const refused = await gateway.post("/v1/chat/completions", chat, app);
  expect([refused.status, await refused.json()]).toMatchObject([
    429,
    { error: { type: "insufficient_quota", code: "insufficient_quota", gateway_code: "DAILY_SPEND_QUOTA_EXCEEDED" } },
  ]);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(refused.headers.get("x-ratelimit-scope")).toBe("key");
  expect(gateway.events).toContainEqual({ name: "rateLimited", limitType: "daily_quota" });
  expect((await gateway.post("/v1/chat/completions", chat)).status).toBe(200);
});

test("an address behind a proxy that tries keys is refused, others and this machine are not", async () => {
  const guess = (from: string | undefined): Promise<Response> => {
    const headers = { authorization: "Bearer guess", ...(from === undefined ? {} : { "x-forwarded-for": from }) };
    return gateway.post("/v1/messages", chat, headers);
  };
  for (let count = 0; count < 4; count++) expect((await guess("9.9.9.9")).status).toBe(401);
  const refused = await guess("9.9.9.9");
  expect([refused.status, await refused.json()]).toMatchObject([429, { error: { type: "rate_limit_error" } }]);
  expect(refused.headers.get("x-ratelimit-scope")).toBe("ip");
  expect((await guess("9.9.9.8")).status).toBe(401);
  for (let count = 0; count < 10; count++) expect((await guess(undefined)).status).toBe(401);
  const admin = await gateway.post("/v1/chat/completions", chat, { "x-forwarded-for": "9.9.9.9" });
  expect(admin.status).toBe(200);
});
