import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TEST_ADMIN_KEY } from "../../runtime/testing.ts";
import type { Route } from "../openapi/route.ts";
import { type FixtureProvider, json, OPENAI_COMPLETION, startFixtureProvider } from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import { catalogueRoutes } from "./catalogue/index.ts";
import { demoRoutes } from "./gateway/demo-control.ts";
import { livenessRoutes } from "./gateway/liveness.ts";
import { healthRoutes } from "./health/index.ts";
import { monitoringRoutes } from "./monitoring/index.ts";

/** What the parameters of paths stand for here. */
const VALUES: Readonly<Record<string, string>> = {
  provider: "openai",
  gateway: "openai",
  model: "gpt-4o",
  id: "gpt-4o",
  category: "chat",
};

let gateway: TestGateway;
let provider: FixtureProvider;

beforeAll(async () => {
  provider = await startFixtureProvider(json(OPENAI_COMPLETION));
  gateway = await startTestGateway({
    gateway: {
      aliases: { "team-model": { models: ["gpt-4o"] } },
      keys: { narrow: { key: "gw_test_narrow_key", allowedModels: ["text-*"] } },
      providers: {
        openai: {
          type: "openai",
          baseUrl: `${provider.url}/v1`,
          apiKey: "k",
          models: ["gpt-4o", "text-embedding-3-small", "my-own"],
        },
        openrouter: { type: "openai", baseUrl: `${provider.url}/v1`, apiKey: "k", models: ["openai/gpt-4o"] },
      },
    },
  });
  const ask = (model: string) =>
    gateway.post("/v1/chat/completions", { model, messages: [{ role: "user", content: "hi" }] });
  for (let index = 0; index < 4; index++) expect((await ask("gpt-4o")).status).toBe(200);
  provider.answer = json({ error: { message: "no" } }, 500);
  expect((await ask("my-own")).status).toBe(502);
  for (let index = 0; index < 5; index++) await gateway.nextRecord();
});
afterAll(async () => {
  await gateway.close();
  await provider.close();
});

async function read(path: string, init: RequestInit = {}): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${gateway.url}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${TEST_ADMIN_KEY}`, "content-type": "application/json" },
  });
  return { status: response.status, body: await response.json() };
}

describe("replies are what their schemas say, no field more and none less", () => {
  const routes: readonly Route[] = [
    ...catalogueRoutes,
    ...demoRoutes,
    ...livenessRoutes,
    ...healthRoutes,
    ...monitoringRoutes,
  ].filter(({ method, replyType }) => method === "GET" && replyType === undefined);
  test.each(routes.map((route) => [route.path, route] as const))("GET %s", async (path, route) => {
    const filled = path.replaceAll(/\{(\w+)\*?\}/g, (_, name: string) =>
      path.startsWith("/v1/requests/") ? gateway.records[0]!.requestId : VALUES[name]!,
    );
    const { status, body } = await read(filled);
    if (status === 503) expect(body).toMatchObject({ error: { gateway_code: "HEALTH_SERVICE_UNAVAILABLE" } });
    else {
      expect(status).toBe(200);
      expect(route.schemas().reply!.parse(body)).toEqual(body);
    }
  });
});

describe("the catalogue", () => {
  test("models carry price and context limit, and null where no list knows them", async () => {
    const { body } = await read("/v1/models");
    const { data } = body as { data: Record<string, unknown>[] };
    expect(data.map(({ id }) => id)).toEqual([
      "gpt-4o",
      "my-own",
      "openai/gpt-4o",
      "text-embedding-3-small",
      "team-model",
    ]);
    expect(data[0]).toMatchObject({
      context_length: 128_000,
      pricing: { input_usd_per_million: 2.5, output_usd_per_million: 10 },
    });
    expect(data[1]).toMatchObject({ context_length: null, pricing: null });
  });

  test("a key sees the models that it may use", async () => {
    const headers = { authorization: "Bearer gw_test_narrow_key" };
    const { data } = (await (await fetch(`${gateway.url}/v1/models`, { headers })).json()) as {
      data: { id: string }[];
    };
    expect(data.map(({ id }) => id)).toEqual(["text-embedding-3-small"]);
    expect((await fetch(`${gateway.url}/v1/models/gpt-4o`, { headers })).status).toBe(404);
  });

  test("a developer's name lists its models; a wrong one is a 404", async () => {
    expect((await read("/v1/models/openai")).body).toMatchObject({
      developer: "openai",
      data: [{ id: "openai/gpt-4o" }],
    });
    expect((await read("/v1/models/nobody")).status).toBe(404);
  });

  test("search filters by kind, price and context; unique joins names across providers", async () => {
    const ids = async (query: string) =>
      ((await read(`/v1/models/search?${query}`)).body as { data: { id: string }[] }).data.map(({ id }) => id);
    expect(await ids("q=GPT&priced=true")).toEqual(["gpt-4o", "openai/gpt-4o"]);
    expect(await ids("kind=embedding")).toEqual(["text-embedding-3-small"]);
    expect(await ids("min_context=100000")).toEqual(["gpt-4o", "openai/gpt-4o"]);
    expect(await ids("max_input_usd_per_million=1")).toEqual(["text-embedding-3-small"]);
    expect((await read("/v1/models/unique?min_providers=2")).body).toMatchObject({
      total: 1,
      data: [{ name: "gpt-4o", provider_count: 2 }],
    });
  });

  test("trending and latency come from real traffic", async () => {
    expect((await read("/v1/models/trending")).body).toMatchObject({
      data: [
        { rank: 1, model: "gpt-4o", requests: 4, error_rate: 0 },
        { rank: 2, model: "my-own", requests: 1, error_rate: 1 },
      ],
    });
    expect((await read("/v1/models/low-latency")).body).toMatchObject({
      data: [{ model: "gpt-4o", provider: "openai", answers: 4, ultra: true }],
    });
  });

  test("comparison names the cheapest, and what it does not know", async () => {
    const body = JSON.stringify({ models: ["gpt-4o", "text-embedding-3-small", "nope"] });
    expect((await read("/v1/models/batch-compare", { method: "POST", body })).body).toMatchObject({
      cheapest: "text-embedding-3-small",
      fastest: "gpt-4o",
      longest_context: "gpt-4o",
      not_found: ["nope"],
    });
    const wrong = await read("/v1/models/batch-compare", { method: "POST", body: '{"models":[],"extra":1}' });
    expect(wrong).toMatchObject({ status: 400, body: { error: { param: "models" } } });
  });
});

describe("monitoring", () => {
  test("errors carry request id, provider and code", async () => {
    const { body } = await read("/api/monitoring/errors");
    expect(body).toMatchObject([{ provider: "openai", model: "my-own", code: "PROVIDER_ERROR", status_code: 502 }]);
    expect((await read("/api/monitoring/errors/openrouter")).body).toEqual([]);
    const headers = { authorization: "Bearer gw_test_narrow_key" };
    expect(await (await fetch(`${gateway.url}/api/monitoring/errors`, { headers })).json()).toEqual([]);
    expect((await read("/api/monitoring/stats/hourly/nobody")).status).toBe(404);
  });

  test("rates, cost and tokens add up", async () => {
    expect((await read("/api/monitoring/error-rates")).body).toMatchObject({
      models: { "gpt-4o": { total_requests: 4, failed_requests: 0 }, "my-own": { failed_requests: 1, error_rate: 1 } },
    });
    expect((await read("/api/monitoring/token-efficiency/openai/gpt-4o")).body).toMatchObject({
      total_requests: 4,
      total_tokens: 100,
      avg_input_tokens: 20,
      cached_share: 0.4,
    });
    expect((await read("/api/monitoring/latency/openrouter/openai/gpt-4o")).body).toMatchObject({ count: 0, p95: 0 });
  });

  test("single requests, the newest first, and their columns", async () => {
    const failed = await read("/api/monitoring/chat-requests?status=failed");
    expect(failed.body).toMatchObject({
      data: [{ model_name: "my-own", status: "failed" }],
      metadata: { total_count: 1 },
    });
    const paged = await read("/api/monitoring/chat-requests?model_name=GPT&limit=1&offset=1");
    expect(paged.body).toMatchObject({ metadata: { total_count: 4, returned_count: 1 }, data: [{ total_tokens: 25 }] });
    expect((await read("/api/monitoring/chat-requests/plot-data")).body).toMatchObject({
      plot_data: { tokens: [25, 25, 25, 25, 0] },
    });
    expect((await read("/api/monitoring/chat-requests/counts")).body).toMatchObject({
      metadata: { total_models: 2, total_requests: 5 },
    });
  });

  test("the dashboard's score is the formula", async () => {
    const { body } = await read("/health/dashboard");
    const { providers, summary } = body as { providers: Record<string, number>[]; summary: Record<string, number> };
    const openai = providers[0]!;
    expect(openai).toMatchObject({
      name: "openai",
      errors_last_hour: expect.any(Number),
      circuit_breaker_state: "closed",
    });
    const expected = 0.4 * openai["availability"]! + 0.3 * (1 - openai["error_rate"]!) + 0.3;
    expect(openai["health_score"]).toBeCloseTo(expected, 3);
    expect(providers[1]).toMatchObject({ name: "openrouter", health_score: 1, requests_last_hour: 0 });
    expect(summary["total_providers"]).toBe(2);
  });
});
