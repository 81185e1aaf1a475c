import fc from "fast-check";
import { expect, test } from "vitest";
import { bitsOf } from "../../series/stale.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { chunkSampleCount, decodeXorChunk, XorChunkWriter } from "./xor-chunk.ts";

interface Sample {
  readonly timestampMs: number;
  readonly high: number;
  readonly low: number;
}

function encode(samples: readonly Sample[]): Uint8Array {
  const writer = new XorChunkWriter();
  for (const { timestampMs, high, low } of samples) writer.append(timestampMs, high, low);
  return writer.view().slice();
}

function decode(bytes: Uint8Array): Sample[] {
  const count = chunkSampleCount(bytes, 0, bytes.length);
  const timestamps = new Float64Array(count);
  const values = new Float64Array(count);
  const bits = bitsOf(values);
  expect(decodeXorChunk(bytes, 0, bytes.length, timestamps, bits, 0)).toBe(count);
  return Array.from(timestamps, (timestampMs, index) => ({
    timestampMs,
    high: bits[2 * index + 1]! | 0,
    low: bits[2 * index]! | 0,
  }));
}

function floats(values: readonly number[], stepMs: number): Sample[] {
  const bits = bitsOf(Float64Array.from(values));
  return values.map((_, index) => ({
    timestampMs: 1_700_000_000_000 + index * stepMs,
    high: bits[2 * index + 1]! | 0,
    low: bits[2 * index]! | 0,
  }));
}

test("xor chunk: a known chunk has the bytes that Prometheus writes", () => {
  // By hand from xor.go: count 2 | varint(1) | 64 bits of 1.0 | uvarint(15) | control 0, padded.
  const one = { high: 0x3ff00000, low: 0 };
  expect(
    Buffer.from(
      encode([
        { timestampMs: 1, ...one },
        { timestampMs: 16, ...one },
      ]),
    ).toString("hex"),
  ).toBe("0002023ff00000000000000f00");
});

test("xor chunk: counters, gauges, NaN payloads and the staleness marker come back bit by bit", () => {
  const stale = { high: 0x7ff00000, low: 2 };
  const samples = [
    ...floats([0, 1, 1, 2, 1e9, -1e-9, 0.1, Number.NaN, Number.POSITIVE_INFINITY, -0, 5e-324], 15_000),
    { timestampMs: 1_700_001_000_000, ...stale },
    { timestampMs: 1_700_001_000_001, high: 0x7ff80000, low: 1 },
  ];
  expect(decode(encode(samples))).toEqual(samples);
});

test("xor chunk: any samples in order survive a round trip", () => {
  const word = fc.oneof(
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.constantFrom(0, 1, -1, 0x7ff00000, 0x40000000),
  );
  const gap = fc.oneof(
    fc.constantFrom(1, 15_000, 15_001, 8_192, 8_193, 65_536, 524_288),
    fc.integer({ min: 1, max: 2 ** 40 }),
  );
  const sample = fc.tuple(gap, word, word);
  fc.assert(
    fc.property(
      fc.integer({ min: -(2 ** 42), max: 2 ** 42 }),
      fc.array(sample, { minLength: 1, maxLength: 120 }),
      (start, raw) => {
        let timestampMs = start;
        const samples = raw.map(([gapMs, high, low]) => {
          timestampMs += gapMs;
          return { timestampMs, high, low };
        });
        expect(decode(encode(samples))).toEqual(samples);
      },
    ),
    { numRuns: 400 },
  );
});

test("xor chunk: cut at any byte it is refused, never read past", () => {
  const bytes = encode(floats([1, 2, 3, 4.5, 1e10, -7], 15_000));
  for (let cut = 0; cut < bytes.length; cut++) {
    expect(() => decode(bytes.subarray(0, cut))).toThrow(StorageError);
  }
});
