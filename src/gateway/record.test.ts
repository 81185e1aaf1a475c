import { expect, test, vi } from "vitest";
import { createRecord, parseTraceparent } from "./record.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

test.each([
  [`00-${TRACE}-${SPAN}-01`, { traceId: TRACE, spanId: SPAN }],
  [`01-${TRACE}-${SPAN}-01-future`, { traceId: TRACE, spanId: SPAN }],
  [`ff-${TRACE}-${SPAN}-01`, undefined],
  [`00-${"0".repeat(32)}-${SPAN}-01`, undefined],
  [`00-${TRACE}-${"0".repeat(16)}-01`, undefined],
  [`00-${TRACE.toUpperCase()}-${SPAN}-01`, undefined],
  ["nonsense", undefined],
  [undefined, undefined],
])("traceparent %s", (header, expected) => {
  expect(parseTraceparent(header)).toEqual(expected);
});

test("ids are the caller's where they are valid, else new", () => {
  const given = createRecord("POST", "/v1/messages", "anthropic", {
    "x-request-id": "my-1",
    traceparent: `00-${TRACE}-${SPAN}-01`,
  });
  expect(given).toMatchObject({ requestId: "my-1", traceId: TRACE, parentSpanId: SPAN });
  const made = createRecord("POST", "/v1/messages", "anthropic", { "x-request-id": "bad id\n" });
  expect(made.requestId).toMatch(/^req_[0-9a-f]{32}$/);
  expect(made.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(made.spanId).toMatch(/^[0-9a-f]{16}$/);
  expect(made.parentSpanId).toBeUndefined();
  expect(Math.abs(made.startedAtMs - Date.now())).toBeLessThan(1_000);
});

test("the times of requests follow the wall clock when it is set", () => {
  const clock = vi.spyOn(Date, "now");
  try {
    const realMs = performance.timeOrigin + performance.now();
    for (const stepMs of [3_600_000, -3_600_000, 0]) {
      clock.mockReturnValue(realMs + stepMs);
      const { startedAtMs } = createRecord("GET", "/", "openai", {});
      expect(Math.abs(startedAtMs - realMs - stepMs)).toBeLessThan(2_000);
    }
  } finally {
    clock.mockRestore();
  }
});
