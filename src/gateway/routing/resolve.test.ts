import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Catalog } from "../providers/catalog.ts";
import { readModelIds } from "../providers/formats/problem.ts";
import { createProvider, type Provider } from "../providers/provider.ts";
import { type FixtureProvider, hang, startFixtureProvider } from "../testing/fixture-provider.ts";
import { recordingTelemetry } from "../testing/test-gateway.ts";
import { resolveTargets } from "./resolve.ts";

let silent: FixtureProvider; // A provider that has no model list.
beforeEach(async () => {
  silent = await startFixtureProvider(hang);
});
afterEach(() => silent.close());

function setUp(models: Record<string, string[] | "unknown">): { providers: Map<string, Provider>; catalog: Catalog } {
  const providers = new Map<string, Provider>();
  for (const [name, list] of Object.entries(models)) {
    const config = {
      type: "openai" as const,
      baseUrl: silent.url,
      apiKey: undefined,
      models: list === "unknown" ? [] : list,
    };
    providers.set(name, createProvider(name, config, 1_000, false));
  }
  const catalog = new Catalog([...providers.values()], recordingTelemetry(), pino({ level: "silent" }));
  return { providers, catalog };
}

async function resolve(
  models: Record<string, string[] | "unknown">,
  model: string,
  provider?: string,
  pinned = false,
): Promise<string[]> {
  const { providers, catalog } = setUp(models);
  const targets = await resolveTargets(providers, catalog, model, provider, pinned);
  return targets.map((target) => `${target.provider.name}:${target.model}`);
}

test("the default chain orders those that list the model; others follow by name", async () => {
  const models = { zeta: ["m"], together: ["m"], cerebras: ["m"], alpha: ["m"], openai: ["other"] };
  expect(await resolve(models, "m")).toEqual(["cerebras:m", "together:m", "alpha:m", "zeta:m"]);
});

test("a family's chain: its maker, then openrouter under the vendor's prefix", async () => {
  const models = { openrouter: ["openai/gpt-4o"], openai: ["gpt-4o"], together: ["gpt-4o"] };
  expect(await resolve(models, "gpt-4o")).toEqual(["openai:gpt-4o", "openrouter:openai/gpt-4o"]);
  expect(await resolve(models, "openai/gpt-4o")).toEqual(["openai:gpt-4o", "openrouter:openai/gpt-4o"]);
  const claude = { openrouter: "unknown", anthropic: ["claude-x"] } as const;
  expect(await resolve({ ...claude, anthropic: ["claude-x"] }, "claude-x")).toEqual([
    "anthropic:claude-x",
    "openrouter:anthropic/claude-x",
  ]);
});

test("a provider named by field or prefix comes first, and alone when pinned", async () => {
  const models = { openai: ["gpt-4o"], azure: ["gpt-4o"] };
  expect(await resolve(models, "gpt-4o", "azure")).toEqual(["azure:gpt-4o", "openai:gpt-4o"]);
  expect(await resolve(models, "azure/gpt-4o")).toEqual(["azure:gpt-4o", "openai:gpt-4o"]);
  expect(await resolve(models, "gpt-4o", "azure", true)).toEqual(["azure:gpt-4o"]);
  expect(await resolve({ moonshot: ["kimi-k2"] }, "moonshot/kimi-k2")).toEqual(["moonshot:kimi-k2"]);
  expect(await resolve({ openrouter: ["openrouter/auto"] }, "openrouter/auto")).toEqual(["openrouter:openrouter/auto"]);
});

test("a provider without a list is tried for its family, when named, or when nobody lists the model", async () => {
  expect(await resolve({ openai: "unknown", groq: ["x"] }, "gpt-9")).toEqual(["openai:gpt-9"]);
  expect(await resolve({ local: "unknown", groq: ["x"] }, "local/any")).toEqual(["local:any"]);
  expect(await resolve({ local: "unknown", groq: ["x"] }, "x")).toEqual(["groq:x"]);
  expect(await resolve({ local: "unknown", openai: "unknown" }, "unheard-of")).toEqual(["local:unheard-of"]);
  await expect(resolve({ openai: "unknown", anthropic: "unknown" }, "unheard-of")).rejects.toMatchObject({
    status: 404,
  });
});

test("a provider named by field that does not list the model is not replaced by another", async () => {
  const models = { openai: ["gpt-4o"], groq: ["x"] };
  await expect(resolve(models, "gpt-4o", "groq")).rejects.toMatchObject({
    code: "MODEL_NOT_FOUND",
    message: expect.stringContaining("groq/gpt-4o"),
  });
});

test("what cannot be resolved is named", async () => {
  await expect(resolve({}, "m")).rejects.toMatchObject({ code: "NO_PROVIDER_CONFIGURED", status: 503 });
  await expect(resolve({ groq: ["x"] }, "m")).rejects.toMatchObject({
    code: "MODEL_NOT_FOUND",
    status: 404,
    param: "model",
  });
  await expect(resolve({ groq: ["x"] }, "x", "nobody")).rejects.toMatchObject({ code: "PROVIDER_NOT_FOUND" });
});

test.each([
  ['{"data":[{"id":"a"},{"id":"b"},{"no":1},7]}', ["a", "b"]],
  ['[{"id":"a"}]', ["a"]],
  ['{"data":"no list"}', undefined],
  ["<html>", undefined],
])("model list %s", (text, ids) => {
  expect(readModelIds(text)).toEqual(ids);
});
