import fc from "fast-check";
import { expect, test } from "vitest";
import type { ClientIdentity } from "../request-record.ts";
import { allowedTargets, globFits, mayUseModel } from "./model-access.ts";

const key = (rights: Partial<ClientIdentity>): ClientIdentity => ({
  keyName: "k",
  keyHash: "0",
  tier: "basic",
  unlimited: false,
  ...rights,
});
const target = (provider: string, model: string): { provider: { name: string }; model: string } => ({
  provider: { name: provider },
  model,
});
const TARGETS = [target("openai", "gpt-4o"), target("openrouter", "openai/gpt-4o"), target("azure", "gpt-4o")];

test.each([
  { rights: {}, left: ["openai", "openrouter", "azure"] },
  { rights: { allowedModels: ["gpt-4*"] }, left: ["openai", "openrouter", "azure"] },
  { rights: { allowedModels: ["azure/*"] }, left: ["azure"] },
  { rights: { allowedModels: ["openai/gpt-4o"] }, left: ["openai", "openrouter"] },
  { rights: { allowedProviders: ["open*"] }, left: ["openai", "openrouter"] },
  { rights: { allowedModels: ["GPT-4O"], allowedProviders: ["azure"] }, left: ["azure"] },
])("$rights leaves $left", ({ rights, left }) => {
  expect(allowedTargets(key(rights), "gpt-4o", TARGETS).map(({ provider }) => provider.name)).toEqual(left);
});

test("nothing left is refused, with the model that was asked", () => {
  const refused = (): unknown => allowedTargets(key({ allowedModels: ["claude-*"] }), "gpt-4o", TARGETS);
  expect(refused).toThrow(expect.objectContaining({ code: "MODEL_NOT_ALLOWED", status: 403, param: "model" }));
  expect(mayUseModel(key({ allowedModels: ["claude-*"] }), "gpt-4o")).toBe(false);
  expect(mayUseModel(key({}), "gpt-4o")).toBe(true);
});

test("a pattern fits what its expression fits, in bounded time", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", ".", "*", "/"), maxLength: 12 });
  fc.assert(
    fc.property(letters, letters, (glob, text) => {
      const parts = glob.split("*").map((part) => part.replaceAll(".", "\\."));
      expect(globFits(glob, text)).toBe(new RegExp(`^${parts.join(".*")}$`).test(text));
    }),
  );
  const startedAt = performance.now();
  expect(globFits("a*".repeat(100), `${"a".repeat(20_000)}b`)).toBe(true);
  expect(globFits(`${"*a".repeat(100)}c`, "a".repeat(20_000))).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(500);
});
