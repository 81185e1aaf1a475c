import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Role } from "../runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../runtime/testing.ts";
import { start } from "./index.ts";

let context: TestContext;
let role: Role;
let url: string;

beforeAll(async () => {
  context = await testContext("gateway", {
    mode: "demo",
    demo: { enabled: false },
    gateway: { keys: { app: "gw_live_app_key" } },
  });
  role = await start(context);
  url = role.urls["main"]!;
});
afterAll(async () => {
  await role.close();
  await context.dispose();
});

const admin = { authorization: `Bearer ${TEST_ADMIN_KEY}` };
const get = (path: string, headers: Record<string, string> = admin): Promise<Response> =>
  fetch(`${url}${path}`, { headers });
const post = (path: string, body?: unknown, headers: Record<string, string> = admin): Promise<Response> => {
  return fetch(`${url}${path}`, { method: "POST", headers, body: body === undefined ? null : JSON.stringify(body) });
};

test.each(["/", "/health", "/health/quick", "/ready"])("%s answers without a key", async (path) => {
  const reply = await get(path, {});
  expect(reply.status).toBe(200);
  expect(reply.headers.get("x-trace-id")).toMatch(/^[0-9a-f]{32}$/);
});

test("/metrics is for the admin key", async () => {
  expect((await get("/metrics", {})).status).toBe(401);
  expect((await get("/metrics", { authorization: "Bearer gw_live_app_key" })).status).toBe(403);
  const reply = await get("/metrics");
  expect(reply.status).toBe(200);
  expect(reply.headers.get("content-type")).toMatch(/^(text\/plain|application\/openmetrics-text)/);
  expect((await get("/prometheus/data/metrics")).status).toBe(200);
});

test("the simulator answers both clients, in both formats, and says so", async () => {
  const openai = new OpenAI({ apiKey: TEST_ADMIN_KEY, baseURL: `${url}/v1`, maxRetries: 0 });
  const anthropic = new Anthropic({ apiKey: TEST_ADMIN_KEY, baseURL: url, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "What is a bloom filter?" }];
  for (const model of ["gpt-4o-mini", "claude-haiku-4-5"]) {
    const { data, response } = await openai.chat.completions.create({ model, messages, max_tokens: 10 }).withResponse();
    expect(data.choices[0]!.message.content).toBeTruthy();
    expect(response.headers.get("x-gatewayz-simulated")).toBe("true");
    const message = await anthropic.messages.stream({ model, messages, max_tokens: 10 }).finalMessage();
    expect(message.content[0]).toMatchObject({ type: "text" });
    expect(message.stop_reason).toBe("max_tokens");
  }
});

test("a forced tool is called with arguments that fit, through the other format too", async () => {
  const openai = new OpenAI({ apiKey: TEST_ADMIN_KEY, baseURL: `${url}/v1`, maxRetries: 0 });
  const parameters = {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer", minimum: 1 } },
    required: ["city", "days"],
  };
  for (const model of ["gpt-4o-mini", "claude-haiku-4-5"]) {
    const completion = await openai.chat.completions.create({
      model,
      messages: [{ role: "user", content: "Plan something" }],
      tools: [{ type: "function", function: { name: "plan_trip", parameters } }],
      tool_choice: { type: "function", function: { name: "plan_trip" } },
    });
    const call = completion.choices[0]!.message.tool_calls![0]!;
    expect(call.type === "function" && call.function.name).toBe("plan_trip");
    const input = JSON.parse(call.type === "function" ? call.function.arguments : "");
    expect(input).toEqual({ city: expect.any(String), days: expect.any(Number) });
  }
});

test("models: list, one, unknown, Anthropic's pages", async () => {
  const list = (await (await get("/v1/models")).json()) as { data: { id: string }[] };
  expect(list.data.map(({ id }) => id)).toContain("gpt-4o-mini");
  expect(await (await get("/v1/models/openai/gpt-4o")).json()).toMatchObject({
    id: "openai/gpt-4o",
    owned_by: "openrouter",
  });
  const openai = new OpenAI({ apiKey: TEST_ADMIN_KEY, baseURL: `${url}/v1`, maxRetries: 0 });
  expect((await openai.models.retrieve("openai/gpt-4o")).id).toBe("openai/gpt-4o");
  expect((await get("/v1/models/none")).status).toBe(404);
  const anthropicHeaders = { ...admin, "anthropic-version": "2023-06-01" };
  const first = (await (await get("/v1/models?limit=2", anthropicHeaders)).json()) as {
    last_id: string;
    has_more: boolean;
  };
  expect(first.has_more).toBe(true);
  const second = (await (await get(`/v1/models?limit=2&after_id=${first.last_id}`, anthropicHeaders)).json()) as {
    data: { id: string }[];
  };
  expect(second.data[0]!.id > first.last_id).toBe(true);
});

test("count_tokens gives a number; a missing model is 404", async () => {
  const body = { model: "claude-haiku-4-5", messages: [{ role: "user", content: "Count me" }] };
  expect(await (await post("/v1/messages/count_tokens", body)).json()).toEqual({ input_tokens: expect.any(Number) });
  expect((await post("/v1/messages/count_tokens", { ...body, model: "none" })).status).toBe(404);
});

test("circuit breakers: views, resets, names", async () => {
  const all = (await (await get("/circuit-breakers")).json()) as {
    circuit_breakers: { provider: string; state: string }[];
  };
  expect(all.circuit_breakers.map(({ provider }) => provider)).toContain("sim-flaky");
  expect(await (await get("/circuit-breakers/openai")).json()).toMatchObject({ provider: "openai", state: "closed" });
  expect((await get("/circuit-breakers/nobody")).status).toBe(404);
  expect((await post("/circuit-breakers/openai/reset")).status).toBe(200);
  expect((await post("/circuit-breakers/reset-all")).status).toBe(200);
  expect(
    (await post("/circuit-breakers/reset-all", undefined, { authorization: "Bearer gw_live_app_key" })).status,
  ).toBe(403);
});

test("velocity mode's state", async () => {
  expect(await (await get("/velocity-mode-status")).json()).toMatchObject({
    active: false,
    until: null,
    multiplier: 1,
  });
});

test("the demo can be started and stopped by the admin only", async () => {
  expect(await (await get("/demo")).json()).toMatchObject({ available: true, running: false });
  expect(await (await post("/demo/start")).json()).toMatchObject({ running: true });
  expect(await (await post("/demo/stop")).json()).toMatchObject({ running: false });
  expect((await get("/demo", { "x-api-key": "gw_live_app_key" })).status).toBe(403);
});

test("errors keep the dialect of their path", async () => {
  expect(await (await get("/nope")).json()).toMatchObject({ error: { code: "unknown_url" } });
  expect(await (await get("/v1/models/%zz")).json()).toMatchObject({ error: { type: "invalid_request_error" } });
  expect(await (await post("/v1/messages/nope", {})).json()).toMatchObject({
    type: "error",
    error: { type: "not_found_error" },
  });
  expect(await (await post("/v1/messages", {}, {})).json()).toMatchObject({ error: { type: "authentication_error" } });
  const wrong = await post("/v1/chat/completions", {}, { authorization: "Bearer wrong" });
  expect([wrong.status, await wrong.json()]).toMatchObject([
    401,
    { error: { type: "invalid_request_error", code: "invalid_api_key" } },
  ]);
  expect((await post("/v1/chat/completions", {}, { authorization: "Bearer" })).status).toBe(401);
});

test("without a provider, live mode answers 503", async () => {
  const live = await testContext("gateway", { mode: "live" });
  const liveRole = await start(live);
  const body = { model: "gpt-4o", messages: [{ role: "user", content: "x" }] };
  const reply = await fetch(`${liveRole.urls["main"]}/v1/chat/completions`, {
    method: "POST",
    headers: admin,
    body: JSON.stringify(body),
  });
  expect(reply.status).toBe(503);
  expect(await reply.json()).toMatchObject({ error: { code: "no_provider_configured" } });
  expect((await fetch(`${liveRole.urls["main"]}/demo/start`, { method: "POST", headers: admin })).status).toBe(409);
  await liveRole.close();
  await live.dispose();
});
