import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Role } from "../../runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../../runtime/testing.ts";
import { start } from "../index.ts";

let context: TestContext;
let role: Role;
beforeAll(async () => {
  context = await testContext("health", { peers: { gateway: "http://127.0.0.1:9" } });
  role = await start(context);
  const result = { provider: "p", model: "m", status: "error", response_time_ms: 1, at: Date.now() };
  await send("POST", "/internal/results", JSON.stringify([result]));
});
afterAll(async () => {
  await role.close();
  await context.dispose();
});

async function send(method: string, path: string, body?: string): Promise<number> {
  const headers = { authorization: `Bearer ${TEST_ADMIN_KEY}`, "content-type": "application/json" };
  const reply = await fetch(`${role.urls["main"]}${path}`, { method, headers, ...(body !== undefined && { body }) });
  await reply.arrayBuffer();
  return reply.status;
}

const word = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom("p", "m", "active", "\u0000", "1e999"),
);

test("any body is taken or refused with a 4xx", async () => {
  const path = fc.constantFrom(
    "/availability/maintenance",
    "/incidents/00000000-0000-0000-0000-000000000000/resolve",
    "/incidents/x/notes",
    "/health/check/now",
    "/internal/results",
  );
  const value = fc.oneof(word, fc.jsonValue({ maxDepth: 1 }), fc.integer());
  const keys = [
    "provider",
    "model",
    "gateway",
    "starts_at",
    "ends_at",
    "duration_minutes",
    "reason",
    "by",
    "notes",
    "all",
  ];
  const shaped = fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 6 }).map((body) => JSON.stringify(body));
  const body = fc.oneof(shaped, fc.string({ unit: "binary", maxLength: 50 }), fc.json({ maxDepth: 2 }));
  await fc.assert(
    fc.asyncProperty(path, body, async (to, text) => {
      // 503 says that there is no gateway to ask.
      expect(await send("POST", to, text)).toSatisfy((status: number) => status < 500 || status === 503);
    }),
    { numRuns: 60, seed: 4_711 },
  );
});

test("any path and query is answered or refused with a 4xx", async () => {
  const path = fc.constantFrom(
    "/health/models",
    "/health/model/",
    "/availability/check/",
    "/incidents",
    "/v1/status/uptime/p/",
    "/incidents/",
    "/v1/status/search",
    "/model-health/unhealthy",
    "/health/uptime",
  );
  const name = fc.constantFrom(
    "provider",
    "status",
    "limit",
    "offset",
    "q",
    "period",
    "before",
    "error_threshold",
    "tier",
  );
  await fc.assert(
    fc.asyncProperty(path, word, fc.dictionary(name, word, { maxKeys: 3 }), async (to, rest, query) => {
      const tail = to.endsWith("/") ? encodeURIComponent(Buffer.from(rest).toString("utf8")) : "";
      const asked = new URLSearchParams(query).toString();
      expect(await send("GET", `${to}${tail}?${asked}`)).toBeLessThan(500);
    }),
    { numRuns: 60, seed: 4_712 },
  );
});
