import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Head } from "../store/head.ts";
import { exportRequest, spanIdOf, type TestSpan, traceIdOf } from "../testing.ts";
import { checkRequest } from "./check-request.ts";
import { OtlpJsonError, otlpJsonToProtobuf } from "./otlp-json.ts";
import { type OtlpVisitor, readOtlpTraces } from "./otlp-reader.ts";
import { WireError } from "./wire-reader.ts";

const SOUND: TestSpan[] = [0, 1, 2].map((index) => ({
  traceId: traceIdOf(1),
  spanId: spanIdOf(index),
  parentSpanId: spanIdOf(index - 1),
  attributes: { text: "value", int: -5, float: 0.5, bool: true, list: ["a", 1, [2]] },
  events: [{ name: "event", attributes: { a: 1 } }],
  links: [{ traceId: traceIdOf(9), spanId: spanIdOf(9) }],
  status: 2,
  statusMessage: "broken",
}));

/** What passes the check must go into the head; what does not must fail with the one error that means "malformed". */
function checkAndAppend(bytes: Uint8Array): void {
  try {
    checkRequest(bytes);
  } catch (error) {
    if (error instanceof WireError) return;
    throw error;
  }
  const head = new Head();
  let resource = 0;
  let scope = 0;
  const visitor: OtlpVisitor = {
    resource: (...parts) => (resource = head.internResource(...parts)),
    scope: (...parts) => (scope = head.internScope(...parts)),
    span: (span) => {
      if (span.traceIdAt >= 0 && span.spanIdAt >= 0) head.append(span, resource, scope);
    },
  };
  readOtlpTraces(bytes, visitor);
}

describe("OTLP readers", () => {
  test("any bytes are a request or a WireError", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), checkAndAppend), { numRuns: 1_000, seed: 1 });
  });

  test("a sound request with bytes changed, cut off or put in is a request or a WireError", () => {
    const sound = exportRequest(SOUND);
    const change = fc.record({
      at: fc.nat({ max: sound.length - 1 }),
      byte: fc.nat({ max: 255 }),
      kind: fc.constantFrom("set", "cut", "insert"),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let bytes = Buffer.from(sound);
        for (const { at, byte, kind } of changes) {
          const place = at % Math.max(1, bytes.length);
          if (kind === "set") bytes[place] = byte;
          else if (kind === "cut") bytes = bytes.subarray(0, place);
          else bytes = Buffer.concat([bytes.subarray(0, place), Buffer.from([byte]), bytes.subarray(place)]);
        }
        checkAndAppend(bytes);
      }),
      { numRuns: 1_500, seed: 2 },
    );
  });

  test("any JSON value is a request or an OtlpJsonError", () => {
    const key = fc.constantFrom(
      "resourceSpans",
      "scopeSpans",
      "spans",
      "attributes",
      "value",
      "key",
      "traceId",
      "kind",
      "status",
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.jsonValue({ maxDepth: 2 }),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(key, tie("value"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(value, (json) => {
        try {
          checkAndAppend(otlpJsonToProtobuf(json));
        } catch (error) {
          if (!(error instanceof OtlpJsonError)) throw error;
        }
      }),
      { numRuns: 1_000, seed: 3 },
    );
  });

  test("a value that nests too deep is malformed", () => {
    const nested = (depth: number): string =>
      depth === 0 ? '{"intValue":1}' : `{"arrayValue":{"values":[${nested(depth - 1)}]}}`;
    const request = (depth: number): Uint8Array =>
      otlpJsonToProtobuf(
        JSON.parse(`{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":${nested(depth)}}]}}]}`),
      );
    expect(() => checkRequest(request(20))).not.toThrow();
    expect(() => checkRequest(request(60))).toThrow(WireError);
  });
});
