import fc from "fast-check";
import { expect, test } from "vitest";
import { HttpError } from "../../runtime/http-error.ts";
import { readPushJson } from "./push-json.ts";
import { readPushProto } from "./push-proto.ts";
import { LabelsSyntaxError, StreamLabelsParser } from "./stream-labels.ts";

/** Pieces that look like a push, so that the fuzz gets past the first byte. */
const PIECES = [
  "0a",
  "12",
  "1a",
  "08",
  "10",
  "00",
  "01",
  "7f",
  "ff",
  "80",
  "0a077b613d2262227d",
  "12060a0208017801",
  "0a1b0a077b613d2262227d12100a060880bfa1d0061202686912026162",
];

function onlyHttpErrors(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(HttpError);
    expect((error as HttpError).status).toBe(400);
  }
}

test("fuzz: protobuf pushes of any bytes", () => {
  const parser = new StreamLabelsParser();
  const pieces = fc
    .array(fc.constantFrom(...PIECES), { maxLength: 20 })
    .map((list) => Buffer.from(list.join(""), "hex"));
  const input = fc.oneof(
    pieces,
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(input, (bytes) => onlyHttpErrors(() => readPushProto(bytes, parser))),
    { numRuns: 4_000, seed: 1 },
  );
});

test("fuzz: JSON pushes of any shape", () => {
  const shape = fc.oneof(
    fc.json().map((text) => Buffer.from(text)),
    fc.json().map((text) => Buffer.from(`{"streams":[{"stream":${text},"values":[["1",${text}],${text}]},${text}]}`)),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(shape, (bytes) => onlyHttpErrors(() => readPushJson(bytes))),
    { numRuns: 2_000, seed: 2 },
  );
});

test("fuzz: label strings of any text", () => {
  const parser = new StreamLabelsParser();
  const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'{}a="\\,` \n1'.split("")), maxLength: 30 }));
  fc.assert(
    fc.property(text, (input) => {
      try {
        parser.parse(input);
      } catch (error) {
        expect(error).toBeInstanceOf(LabelsSyntaxError);
      }
    }),
    { numRuns: 3_000, seed: 3 },
  );
});
