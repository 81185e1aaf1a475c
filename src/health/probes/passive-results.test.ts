import { expect, test } from "vitest";
import { readPassiveResults } from "./passive-results.ts";

const NOW_MS = 1_800_000_000_000;
const result = (changes: object = {}): object => ({
  provider: "p",
  model: "m",
  status: "error",
  response_time_ms: 5,
  error: "boom",
  tokens: 7,
  at: NOW_MS,
  ...changes,
});
const read = (...entries: unknown[]) => readPassiveResults(JSON.stringify(entries), NOW_MS);

test("the gateway is the provider where none is named; successes have no error", () => {
  expect(read(result(), result({ status: "success", gateway: "g" })).checks).toEqual([
    {
      provider: "p",
      model: "m",
      gateway: "p",
      status: "error",
      responseTimeMs: 5,
      error: "boom",
      tokens: 7,
      atMs: NOW_MS,
      kind: "passive",
    },
    {
      provider: "p",
      model: "m",
      gateway: "g",
      status: "success",
      responseTimeMs: 5,
      error: undefined,
      tokens: 7,
      atMs: NOW_MS,
      kind: "passive",
    },
  ]);
});

test("the type of request is kept where it is a name", () => {
  const { checks } = read(result({ request_type: "embedding" }), result({ request_type: 7 }));
  expect(checks.map(({ requestType }) => requestType)).toEqual(["embedding", undefined]);
});

test("what no database would store is kept out: names with control characters, and NUL in error texts", () => {
  expect(
    read(result({ model: "a\u0000b" }), result({ provider: "a\nb" }), result({ gateway: "a\u0000" })),
  ).toMatchObject({
    rejected: 2,
    checks: [{ gateway: "p" }],
  });
  expect(read(result({ error: "bad \u0000\n bytes" })).checks[0]!.error).toBe("bad   bytes");
  expect(read(result({ error: "x".repeat(9_000) })).checks[0]!.error).toHaveLength(500);
});

test("old results say nothing about now, and those from the future are of now", () => {
  expect(read(result({ at: NOW_MS - 3_600_001 })).rejected).toBe(1);
  expect(read(result({ at: NOW_MS + 60_000 })).checks[0]!.atMs).toBe(NOW_MS);
});
