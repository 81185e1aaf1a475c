import { expect, test } from "vitest";
import { probeRequest } from "./probe-request.ts";

const ask = (provider: string, model: string, tier: Parameters<typeof probeRequest>[1] = "standard") =>
  probeRequest({ provider, model, gateway: provider }, tier, "key");

test("one user message, no temperature, few tokens", () => {
  expect(ask("groq", "llama-3")).toEqual({
    path: "/v1/chat/completions",
    headers: { "content-type": "application/json", "x-gatewayz-probe": "1", authorization: "Bearer key" },
    body: { model: "llama-3", provider: "groq", messages: [{ role: "user", content: "test" }], max_tokens: 5 },
  });
  expect(ask("groq", "llama-3", "critical").body["max_tokens"]).toBe(10);
  expect(ask("groq", "llama-3", "popular").body["max_tokens"]).toBe(10);
  expect(ask("groq", "llama-3", "on_demand").body["max_tokens"]).toBe(5);
});

test("OpenAI's limit has another name, Anthropic's format another path", () => {
  const openai = ask("openai", "gpt-5").body;
  expect(openai).toMatchObject({ max_completion_tokens: 5 });
  expect(openai).not.toHaveProperty("max_tokens");
  const anthropic = ask("anthropic", "claude-haiku");
  expect(anthropic.path).toBe("/v1/messages");
  expect(anthropic.headers).toMatchObject({ "x-api-key": "key", "anthropic-version": "2023-06-01" });
  expect(anthropic.headers).not.toHaveProperty("authorization");
  expect(anthropic.body).toMatchObject({ max_tokens: 5, provider: "anthropic" });
});

test("the gateway's name in front of a model is taken off, unless the model is nothing without it", () => {
  expect(ask("groq", "groq/llama-3").body["model"]).toBe("llama-3");
  expect(ask("openrouter", "openrouter/meta/llama-3").body["model"]).toBe("meta/llama-3");
  expect(ask("openrouter", "openrouter/auto").body["model"]).toBe("openrouter/auto");
  expect(ask("openrouter", "openai/gpt-4o").body["model"]).toBe("openai/gpt-4o");
});
