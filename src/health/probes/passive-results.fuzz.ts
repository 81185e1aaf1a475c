import fc from "fast-check";
import { expect, test } from "vitest";
import { HttpError } from "../../runtime/http-error.ts";
import { isCheckStatus } from "../check.ts";
import { targetsOf } from "./gateway-client.ts";
import { readPassiveResults } from "./passive-results.ts";

const NOW_MS = 1_800_000_000_000;

test("any text is refused with an HttpError or read into valid checks", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json({ maxDepth: 2 }),
    fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 10 }).map((v) => JSON.stringify(v)),
  );
  fc.assert(
    fc.property(text, (body) => {
      try {
        const { checks } = readPassiveResults(body, NOW_MS);
        for (const check of checks) expect(isCheckStatus(check.status)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(HttpError);
      }
    }),
    { numRuns: 40 },
  );
});

test("entries near the valid shape are taken or counted, and never from the future", () => {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom("success", "error", NOW_MS, NOW_MS + 1e9, -1, "openai"));
  const entry = fc.record(
    { provider: value, model: value, gateway: value, status: value, response_time_ms: value, error: value, at: value },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
      const { checks, rejected } = readPassiveResults(JSON.stringify(entries), NOW_MS);
      expect(checks.length + rejected).toBe(entries.length);
      for (const check of checks) expect(check.atMs).toBeLessThanOrEqual(NOW_MS);
    }),
  );
});

test("any model list gives targets with names", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (data) => {
      for (const { provider, model } of targetsOf({ data })) expect(provider.length * model.length).toBeGreaterThan(0);
    }),
  );
});
