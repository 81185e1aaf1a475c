import fc from "fast-check";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { HealthFamily, type Payload } from "./metrics.ts";

test("any payload is applied whole or refused with an error, and the page stays readable", async () => {
  const registry = new Registry();
  const family = new HealthFamily(registry);
  const value = fc.oneof(fc.jsonValue(), fc.integer(), fc.boolean());
  const payload = fc.oneof(
    fc.dictionary(fc.string(), value),
    fc.record(
      {
        models_tracked: value,
        total_models: value,
        cache_available: value,
        status_distribution: fc.oneof(value, fc.dictionary(fc.string({ unit: "binary" }), value)),
      },
      { requiredKeys: [] },
    ),
  );
  await fc.assert(
    fc.asyncProperty(payload, fc.constantFrom("status", "metrics", "cache" as const), async (body, name) => {
      try {
        family.apply(name as "status", body as Payload);
      } catch (error) {
        expect((error as Error).message).toMatch(/^field /);
      }
      const lines = (await registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      for (const line of lines) expect(line).toMatch(/^gatewayz_\w+(\{.*\})? \S+$/s);
    }),
    { numRuns: 150 },
  );
});
