import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TEST_ADMIN_KEY } from "../../runtime/testing.ts";
import { adminRoutes } from "../admin/index.ts";
import { availabilityRoutes } from "../routes/availability/index.ts";
import { catalogueRoutes } from "../routes/catalogue/index.ts";
import { healthRoutes } from "../routes/health/index.ts";
import { monitoringRoutes } from "../routes/monitoring/index.ts";
import { statusRoutes } from "../routes/status/index.ts";
import { userRoutes } from "../routes/user/index.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import type { Route } from "./route.ts";

/** Whatever is sent to a route that has a definition, the answer is one of its own: never a fault of the gateway. */
const routes: readonly Route[] = [
  ...catalogueRoutes,
  ...healthRoutes,
  ...availabilityRoutes,
  ...statusRoutes,
  ...monitoringRoutes,
  ...userRoutes,
  // Fetches a list from outside, which a test has no business doing.
  ...adminRoutes.filter(({ path }) => path !== "/admin/prices/refresh"),
];

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    gateway: { providers: { p: { baseUrl: "http://127.0.0.1:59124", models: ["m"] } } },
  });
});
afterAll(() => gateway.close());

const value = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.constantFrom("__proto__", "constructor", "..", "%", "openai", "p", "m", "-1", "1e999", "0", "2026-01-01", "null"),
);
/** Names that the route knows, so that not every request ends at the first check. */
const fieldsOf = (route: Route): string[] => {
  const { query, body } = route.schemas();
  const shape = (body as { shape?: object } | undefined)?.shape;
  return [...Object.keys(query?.shape ?? {}), ...Object.keys(shape ?? {}), "__proto__", "x"];
};

test("no input makes a route fail", { timeout: 20_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: routes.length - 1 }),
      fc.array(fc.tuple(fc.nat({ max: 30 }), value), { maxLength: 4 }),
      fc.array(fc.tuple(fc.nat({ max: 30 }), fc.jsonValue({ maxDepth: 3 })), { maxLength: 5 }),
      fc.array(value, { minLength: 3, maxLength: 3 }),
      async (index, query, members, params) => {
        const route = routes[index]!;
        const fields = fieldsOf(route);
        let used = 0;
        const path = route.path.replaceAll(
          /\{\w+\*?\}/g,
          () => encodeURIComponent(params[used++ % params.length]!) || "x",
        );
        const search = new URLSearchParams(
          query.map(([field, text]): [string, string] => [fields[field % fields.length]!, text]),
        );
        const body = Object.fromEntries(members.map(([field, member]) => [fields[field % fields.length]!, member]));
        const sent = route.method === "GET" ? {} : { body: JSON.stringify(body) };
        const response = await fetch(`${gateway.url}${path}?${search}`, {
          method: route.method,
          headers: { authorization: `Bearer ${TEST_ADMIN_KEY}`, "content-type": "application/json" },
          ...sent,
        });
        const text = await response.text();
        if (response.status >= 500) expect(text).toContain("HEALTH_SERVICE_UNAVAILABLE");
        else expect([200, 201, 400, 404, 409]).toContain(response.status);
      },
    ),
    { numRuns: 250, seed: 20_261_124 },
  );
});
