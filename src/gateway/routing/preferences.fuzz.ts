import fc from "fast-check";
import { expect, test } from "vitest";
import { GatewayError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import { readWishes } from "./preferences.ts";

test("whatever stands in `provider` and `models`: wishes of names, or a 400 that says where", () => {
  const anything = fc.anything({ withNullPrototype: false, maxDepth: 3 });
  const nearly = fc.record(
    {
      order: fc.oneof(anything, fc.array(fc.string())),
      only: fc.oneof(anything, fc.array(fc.string())),
      ignore: fc.oneof(anything, fc.array(fc.string())),
      allow_fallbacks: fc.oneof(anything, fc.boolean()),
      sort: fc.oneof(anything, fc.constantFrom("price", "latency", "throughput", { by: "price" })),
    },
    { requiredKeys: [] },
  );
  const bodies = fc.record(
    {
      provider: fc.oneof(anything, nearly, fc.string()),
      models: fc.oneof(anything, fc.array(fc.string())),
      auto_routing: anything,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(bodies, (body) => {
      try {
        const { provider, models } = readWishes(body as JsonObject);
        const lists = [models, provider?.order, provider?.only, provider?.ignore];
        for (const list of lists) for (const name of list ?? []) expect(typeof name).toBe("string");
        expect(models.length).toBeLessThanOrEqual(16);
      } catch (error) {
        expect(error).toBeInstanceOf(GatewayError);
        expect((error as GatewayError).code).toBe("INVALID_REQUEST");
        expect((error as GatewayError).param).toMatch(/^(provider|models)/);
      }
    }),
    { numRuns: 500, seed: 20_261_124 },
  );
});
