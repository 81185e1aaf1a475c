import fc from "fast-check";
import { pino } from "pino";
import { afterAll, expect, test } from "vitest";
import { type Config, type ConfigInput, configSchema } from "../../config/schema.ts";
import { ATTEMPTS_MAX } from "../limits.ts";
import { Catalog } from "../providers/catalog.ts";
import { createProvider, type Provider } from "../providers/provider.ts";
import type { ClientIdentity } from "../request-record.ts";
import { recordingTelemetry } from "../testing/test-gateway.ts";
import { Prices } from "../usage/prices.ts";
import { AvailabilityBreakers } from "./availability-breaker.ts";
import { Breakers } from "./breakers.ts";
import { type HealthJudge, NO_HEALTH } from "./health-view.ts";
import { LatencyBook } from "./latency-book.ts";
import { NO_WISHES, type ProviderPreferences, type RoutingWishes } from "./preferences.ts";
import { type RoutePlan, Router } from "./router.ts";

const NAMES = [
  "openai",
  "anthropic",
  "openrouter",
  "cerebras",
  "featherless",
  "fireworks",
  "together",
  "own-a",
  "own-b",
];
const MODELS = ["m-1", "m-2", "gpt-4o", "claude-x", "openai/gpt-oss:free", "gpt-oss"];
const ADMIN: ClientIdentity = { keyName: "admin", keyHash: "0", tier: "admin", unlimited: true };
const logger = pino({ level: "silent" });
const opened: Provider[] = [];

afterAll(async () => {
  for (const { pool } of opened) await pool.destroy();
});

/** One provider object per name and list: only their lists differ, and nothing is ever connected. */
function provider(name: string, models: readonly string[]): Provider {
  const made = createProvider(name, { baseUrl: "http://127.0.0.1:9", models: [...models] }, 1_000, false);
  opened.push(made);
  return made;
}

function router(
  lists: Readonly<Record<string, readonly string[]>>,
  gateway: ConfigInput["gateway"] = {},
  health: HealthJudge = NO_HEALTH,
): { router: Router; breakers: Breakers; latency: LatencyBook; config: Config["gateway"] } {
  const providers = new Map(Object.entries(lists).map(([name, models]) => [name, provider(name, models)]));
  const telemetry = recordingTelemetry();
  const config = configSchema.parse({ gateway }).gateway;
  const breakers = new Breakers(providers.keys(), config.breaker, telemetry);
  const latency = new LatencyBook();
  const made = new Router({
    config,
    providers,
    catalog: new Catalog([...providers.values()], telemetry, logger),
    breakers,
    availability: new AvailabilityBreakers(config.availabilityBreaker, () => undefined),
    latency,
    pace: new LatencyBook(),
    health: () => health,
    prices: new Prices(telemetry, logger),
    telemetry,
  });
  return { router: made, breakers, latency, config };
}

const plan = (from: Router, model: string, wishes: Partial<RoutingWishes> = {}, client = ADMIN): Promise<RoutePlan> => {
  const asked = Object.keys(wishes).length === 0 ? NO_WISHES : { ...NO_WISHES, ...wishes };
  return from.plan({ model, wishes: asked, client, probe: false });
};
const names = ({ targets }: RoutePlan): string[] => targets.map(({ provider: { name }, model }) => `${name}/${model}`);
const open = (breakers: Breakers, name: string): void => {
  for (let count = 0; count < 5; count++) breakers.of(name)!.count(false);
};

test("the default chain, then other names; ATTEMPTS_MAX at most", async () => {
  const lists = Object.fromEntries(NAMES.map((name) => [name, ["m-1"]]));
  const found = names(await plan(router(lists).router, "m-1"));
  expect(found).toEqual(NAMES.slice(0, ATTEMPTS_MAX).map((name) => `${name}/m-1`));
});

test.each([
  ["gpt-4o", ["openai/gpt-4o", "openrouter/openai/gpt-4o", "own-a/gpt-4o"]],
  ["anthropic/claude-x", ["anthropic/claude-x", "openrouter/anthropic/claude-x"]],
  ["x-ai/grok-4", ["xai/grok-4"]],
  ["openrouter/auto", ["openrouter/openrouter/auto"]],
  ["openai/gpt-oss:free", ["openrouter/openai/gpt-oss:free"]],
  ["z/model:exacto", ["openrouter/z/model:exacto"]],
])("contract chain of %s", async (model, expected) => {
  const { router: made } = router({
    openai: ["gpt-4o", "openai/gpt-oss:free"],
    anthropic: ["claude-x"],
    xai: ["grok-4"],
    openrouter: ["openai/gpt-4o", "anthropic/claude-x", "openrouter/auto", "openai/gpt-oss:free", "z/model:exacto"],
    together: ["gpt-4o", "z/model:exacto", "grok-4"],
    "own-a": ["gpt-4o"],
  });
  expect(names(await plan(made, model))).toEqual(expected);
});

test("a free model leaves OpenRouter without its suffix while that is down", async () => {
  const { router: made, breakers } = router({ openrouter: ["z/model:free"], together: ["z/model"] });
  expect(names(await plan(made, "z/model:free"))).toEqual(["openrouter/z/model:free"]);
  open(breakers, "openrouter");
  expect(names(await plan(made, "z/model:free"))).toEqual(["openrouter/z/model:free", "together/z/model"]);
});

test("health: the avoided go to the end; instead of an avoided first the best alternative leads", async () => {
  const uptimes: Readonly<Record<string, readonly [uptime: number, latencyMs: number]>> = {
    cerebras: [40, 1],
    fireworks: [80, 9],
    "own-a": [99, 50],
    "own-b": [99, 20],
  };
  const health: HealthJudge = {
    calm: false,
    avoids: (name) => (uptimes[name]?.[0] ?? 100) < 50,
    alternative: (name) => {
      const known = uptimes[name];
      return known && known[0] >= 70 ? { uptime: known[0], latencyMs: known[1] } : undefined;
    },
  };
  const all = { cerebras: ["m-1"], fireworks: ["m-1"], together: ["m-1"], "own-a": ["m-1"], "own-b": ["m-1"] };
  const { router: made } = router(all, {}, health);
  const found = await plan(made, "m-1");
  expect(names(found)).toEqual(["own-b/m-1", "own-a/m-1", "fireworks/m-1", "together/m-1", "cerebras/m-1"]);
  expect(found.decision?.passedOver).toEqual([{ provider: "cerebras", model: "m-1", reason: "unhealthy" }]);
  const { cerebras: _gone, ...rest } = all;
  const fine = await plan(router({ ...rest, cerebras: ["other"] }, {}, health).router, "m-1");
  expect(names(fine)[0]).toBe("fireworks/m-1");
  // Whom the client names comes first whatever its health.
  const named: ProviderPreferences = {
    named: true,
    order: ["cerebras"],
    only: undefined,
    ignore: [],
    fallbacks: true,
    sort: undefined,
  };
  expect(names(await plan(made, "m-1", { provider: named }))[0]).toBe("cerebras/m-1");
});

test("a provider that the client names and may not have ends the request, whoever else serves the model", async () => {
  const provider = { ...{ named: true, order: ["together"], only: undefined, ignore: [] }, fallbacks: true };
  const wishes: RoutingWishes = { ...NO_WISHES, provider: { ...provider, sort: undefined } };
  const aliases = { mine: { models: ["m-1"], providers: ["fireworks"] } };
  const { router: made } = router({ fireworks: ["m-1"], together: ["m-1"] }, { aliases });
  const ask = (model: string, client: ClientIdentity): Promise<RoutePlan> =>
    made.plan({ model, wishes, client, probe: false });
  const restricted: ClientIdentity = { ...ADMIN, allowedProviders: ["fireworks"] };
  expect(names(await ask("m-1", ADMIN))[0]).toBe("together/m-1");
  await expect(ask("m-1", restricted)).rejects.toMatchObject({ code: "NO_PROVIDER_ALLOWED" });
  await expect(ask("mine", ADMIN)).rejects.toMatchObject({ code: "NO_PROVIDER_ALLOWED" });
  const open: ClientIdentity = { ...ADMIN, allowedProviders: ["together"] };
  expect(names(await ask("m-1", open))).toEqual(["together/m-1"]);
});

test("a policy excludes open breakers and thin margins, and takes the open ones when nobody else is left", async () => {
  const {
    router: made,
    breakers,
    latency,
  } = router({ fireworks: ["m-1"], together: ["m-1"] }, { aliases: { fast: { models: ["m-1"], policy: "latency" } } });
  latency.add("fireworks", "m-1", 900);
  latency.add("together", "m-1", 100);
  expect(names(await plan(made, "fast"))).toEqual(["together/m-1", "fireworks/m-1"]);
  open(breakers, "together");
  const without = await plan(made, "fast");
  expect(names(without)).toEqual(["fireworks/m-1"]);
  expect(without.decision?.passedOver).toEqual([{ provider: "together", model: "m-1", reason: "breaker_open" }]);
  open(breakers, "fireworks");
  expect(names(await plan(made, "fast"))).toHaveLength(2);
});

test("a key's rights hold for every model of a plan, its fallback stands last", async () => {
  const { router: made } = router(
    { fireworks: ["m-1", "m-2"], together: ["m-1"] },
    { aliases: { backup: { models: ["m-2"] }, both: { models: ["m-2", "m-1"] } } },
  );
  const client = { ...ADMIN, allowedModels: ["m-1", "backup"], allowedProviders: ["fire*"], fallback: "backup" };
  const found = await plan(made, "m-1", {}, client);
  expect(names(found)).toEqual(["fireworks/m-1", "fireworks/m-2"]);
  expect(found.moveOn.has(429)).toBe(true);
  await expect(plan(made, "m-2", {}, { ...client, fallback: undefined as never })).rejects.toMatchObject({
    code: "MODEL_NOT_ALLOWED",
  });
  const listed = await plan(made, "m-1", { models: ["m-2"] }, { ...ADMIN, allowedModels: ["m-1"] });
  expect(names(listed)).toEqual(["fireworks/m-1", "together/m-1"]);
});

const subset = (from: readonly string[]) => fc.subarray([...from]);
const preference: fc.Arbitrary<ProviderPreferences> = fc.record({
  named: fc.constant(false),
  order: subset(NAMES),
  only: fc.option(subset(NAMES), { nil: undefined }),
  ignore: subset(NAMES),
  fallbacks: fc.boolean(),
  sort: fc.constantFrom("price", "latency", "throughput", undefined),
});

test("whatever is asked: never a provider outside what is allowed, never too many, no target twice, steps ascend", async () => {
  const lists = fc.dictionary(fc.constantFrom(...NAMES), subset(MODELS), { minKeys: 1 });
  const avoided = subset(NAMES);
  await fc.assert(
    fc.asyncProperty(
      lists,
      fc.constantFrom(...MODELS, "both", "ranked", "auto", "auto:quality"),
      fc.option(preference, { nil: undefined }),
      subset(MODELS),
      avoided,
      subset(NAMES),
      async (served, model, provider, models, unhealthy, down) => {
        // A provider without a list would be asked for it over the network.
        const known = Object.fromEntries(Object.entries(served).filter(([, list]) => list.length > 0));
        if (Object.keys(known).length === 0) return;
        const health: HealthJudge = {
          calm: false,
          avoids: (name) => unhealthy.includes(name),
          alternative: () => undefined,
        };
        const { router: made, breakers } = router(
          known,
          {
            aliases: {
              both: { models: ["m-1", "m-2"], fallback: ["gpt-4o"], providers: ["openai", "fireworks", "own-a"] },
              ranked: { models: ["m-1", "m-2"], policy: "quality" },
            },
          },
          health,
        );
        for (const name of down) if (known[name] !== undefined) open(breakers, name);
        const result = await plan(made, model, { provider, models }).catch((error: { code?: string }) => error.code!);
        if (typeof result === "string") {
          expect(["MODEL_NOT_FOUND", "NO_PROVIDER_ALLOWED"]).toContain(result);
          return;
        }
        const { targets } = result;
        expect(targets.length).toBeGreaterThan(0);
        expect(targets.length).toBeLessThanOrEqual(ATTEMPTS_MAX);
        expect(new Set(names(result)).size).toBe(targets.length);
        const steps = targets.map(({ step }) => step!);
        expect(steps).toEqual([...steps].sort((a, b) => a - b));
        for (const {
          provider: { name },
        } of targets) {
          if (provider?.only !== undefined) expect(provider.only).toContain(name);
          expect(provider?.ignore ?? []).not.toContain(name);
          if (provider !== undefined && !provider.fallbacks && provider.order.length > 0) {
            expect(provider.order).toContain(name);
          }
          if (model === "both" && models.length === 0) expect(["openai", "fireworks", "own-a"]).toContain(name);
        }
      },
    ),
    { numRuns: 150 },
  );
});
