import fc from "fast-check";
import { expect, test } from "vitest";
import { ProtobufError } from "./protobuf-reader.ts";
import { decodeWriteRequest } from "./remote-write-decode.ts";
import { writeRequest } from "./testing-write.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const label = fc.tuple(
  text.map((name) => `n${name}`),
  text.map((value) => `v${value}`),
);
const series = fc.record({
  labels: fc.uniqueArray(label, { maxLength: 5, selector: ([name]) => name }),
  samples: fc.array(fc.tuple(fc.double(), fc.integer({ min: -(2 ** 50), max: 2 ** 50 })), { maxLength: 5 }),
});

test("what is written is read back exactly, times before 1970 included", () => {
  fc.assert(
    fc.property(fc.array(series, { maxLength: 4 }), (list) => {
      const named = list.map(({ labels, samples }) => ({ labels: [["__name__", "m"] as const, ...labels], samples }));
      const found: unknown[] = [];
      for (const one of decodeWriteRequest(writeRequest(named), () => undefined)) {
        expect(one.invalid).toBeUndefined();
        found.push({
          labels: one.labels.toRecord(),
          samples: one.values.map((value, index) => [value, one.timestampsMs[index]! + 0]),
        });
      }
      const wanted = named.map(({ labels, samples }) => ({
        labels: Object.assign(Object.create(null), Object.fromEntries(labels)),
        samples: samples.map(([value, timestampMs]) => [value, timestampMs + 0]),
      }));
      expect(found).toEqual(wanted);
    }),
    { numRuns: 300, seed: 20_260_104 },
  );
});

test("damaged requests are refused or read, never a crash", () => {
  const damage = fc.record({
    list: fc.array(series, { minLength: 1, maxLength: 3 }),
    flips: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
    cut: fc.nat(),
  });
  fc.assert(
    fc.property(damage, ({ list, flips, cut }) => {
      const bytes = Buffer.from(writeRequest(list));
      for (const [at, value] of flips) bytes[at % bytes.length] = value;
      readAll(bytes.subarray(0, cut % (bytes.length + 1)));
    }),
    { numRuns: 1_000, seed: 20_260_105 },
  );
});

test("any bytes are refused or read, never a crash", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => readAll(bytes)),
    { numRuns: 1_500, seed: 20_260_106 },
  );
});

function readAll(bytes: Uint8Array): void {
  try {
    for (const { labels } of decodeWriteRequest(bytes, () => undefined)) labels.toString();
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
  }
}
