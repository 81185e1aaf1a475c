import fc from "fast-check";
import { expect, test } from "vitest";
import { type Attributes, OtlpEncoder, SPAN_KIND, type Span } from "./otlp-spans.ts";
import { decodeRequest } from "./testing-otlp.ts";

const encoder = new OtlpEncoder({ attributes: { "service.name": "s" }, scope: { name: "scope", version: "1" } });
const span = (changes: Partial<Span>): Span => ({
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  parentSpanId: undefined,
  name: "n",
  kind: SPAN_KIND.server,
  startMs: 1_764_000_000_000.25,
  endMs: 1_764_000_000_500.5,
  attributes: {},
  events: [],
  failure: undefined,
  ...changes,
});
const roundTrip = (...spans: Span[]) => decodeRequest(encoder.request(spans.map((one) => encoder.spans([one]))));

test("a span arrives as another decoder reads it", () => {
  const { resource, scope, spans } = roundTrip(
    span({ attributes: { a: "text", b: 7, c: -7, d: 0.5, e: true, f: ["x", "y"], g: undefined } }),
    span({
      parentSpanId: "1111111111111111",
      failure: "it broke",
      events: [{ name: "exception", atMs: 1, attributes: { t: "E" } }],
    }),
  );
  expect(resource).toEqual({ "service.name": "s" });
  expect(scope).toEqual({ name: "scope", version: "1" });
  expect(spans[0]).toMatchObject({
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    spanId: "00f067aa0ba902b7",
    parentSpanId: "",
    kind: 2,
    startNs: "1764000000000250000",
    endNs: "1764000000500500000",
    attributes: { a: "text", b: 7, c: -7, d: 0.5, e: true, f: ["x", "y"] },
    status: undefined,
  });
  expect(spans[1]).toMatchObject({
    parentSpanId: "1111111111111111",
    status: { code: 2, message: "it broke" },
    events: [{ name: "exception", attributes: { t: "E" } }],
  });
});

test("lengths at the borders of a varint byte, nested three deep", () => {
  for (const size of [0, 1, 100, 115, 120, 127, 128, 129, 200, 16_000, 16_383, 16_384, 70_000]) {
    const text = "x".repeat(size);
    const { spans } = roundTrip(span({ attributes: { text, list: [text] }, name: text }));
    expect(spans[0]).toMatchObject({ name: text, attributes: { text, list: [text] } });
  }
});

test("any attributes survive", () => {
  const text = fc.string({ unit: "grapheme" });
  const value = fc.oneof(
    text,
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noInteger: true }),
    fc.array(text),
  );
  const key = fc.oneof(text, fc.constantFrom("__proto__", "constructor", "a.b"));
  fc.assert(
    fc.property(fc.array(fc.tuple(key, value), { maxLength: 20 }), text, (entries, name) => {
      const attributes = Object.fromEntries(entries) as Attributes;
      const { spans } = roundTrip(span({ attributes, name }), span({ attributes }));
      expect(spans).toHaveLength(2);
      expect(spans[0]!.name).toBe(name);
      expect(spans[0]!.attributes).toEqual(attributes);
    }),
    { numRuns: 200 },
  );
});

test("a lone surrogate becomes U+FFFD instead of invalid UTF-8", () => {
  expect(roundTrip(span({ name: "a\ud800b" })).spans[0]!.name).toBe("a\ufffdb");
});
