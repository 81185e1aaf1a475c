import fc from "fast-check";
import { expect, test } from "vitest";
import { CounterResetHint, CUSTOM_BUCKETS_SCHEMA, type FloatHistogram } from "../../series/float-histogram.ts";
import { BitReader, BitWriter } from "./bit-stream.ts";
import { decodeFloatHistogramChunk, HistogramChunkWriter } from "./histogram-chunk.ts";
import { readVarbitInt, readVarbitUint, writeVarbitInt, writeVarbitUint } from "./varbit.ts";

const BASE: FloatHistogram = {
  counterResetHint: CounterResetHint.Unknown,
  schema: 2,
  zeroThreshold: 0.001,
  zeroCount: 1,
  count: 4,
  sum: 5.5,
  positiveSpans: [{ offset: -2, length: 2 }],
  negativeSpans: [],
  positiveBuckets: [1, 2],
  negativeBuckets: [],
};

test("varbit: any integer comes back, at the edges of every size too", () => {
  const edges = [0, 3, 6, 9, 12, 18, 25, 52].flatMap((bits) => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]);
  const natural = fc.oneof(fc.constantFrom(...edges), fc.maxSafeNat());
  fc.assert(
    fc.property(fc.array(fc.tuple(natural, fc.boolean()), { minLength: 1, maxLength: 20 }), (numbers) => {
      const writer = new BitWriter(new Uint8Array(8), 0);
      for (const [number, negative] of numbers) {
        writeVarbitUint(writer, number);
        writeVarbitInt(writer, negative ? -number : number);
      }
      const bytes = writer.view();
      const reader = new BitReader(bytes, 0, bytes.length);
      for (const [number, negative] of numbers) {
        expect(readVarbitUint(reader)).toBe(number);
        expect(readVarbitInt(reader) + 0).toBe((negative ? -number : number) + 0);
      }
    }),
  );
});

test("histogram chunk: samples of one layout come back, the hint as Prometheus gives it", () => {
  const step = fc.tuple(fc.integer({ min: 1, max: 10 ** 7 }), fc.nat(100), fc.nat(100), fc.double({ noNaN: true }));
  const thresholds = fc.constantFrom(0, 2 ** -128, 0.001, 2 ** 10, 2 ** 11, 2 ** -243, 2 ** -244);
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      thresholds,
      fc.boolean(),
      (steps, zeroThreshold, custom) => {
        const layout = custom
          ? { schema: CUSTOM_BUCKETS_SCHEMA, customValues: [0.005, 0.1, 1 / 3, 1e9, -2], zeroThreshold: 0 }
          : { schema: 2, zeroThreshold };
        let sample: FloatHistogram = { ...BASE, ...layout };
        let timestampMs = 1_700_000_000_000;
        const samples: [number, FloatHistogram][] = [];
        for (const [gapMs, first, second, sum] of steps) {
          timestampMs += gapMs;
          const positiveBuckets = [sample.positiveBuckets[0]! + first, sample.positiveBuckets[1]! + second];
          sample = { ...sample, count: sample.count + first + second, sum, positiveBuckets };
          samples.push([timestampMs, sample]);
        }
        const writer = new HistogramChunkWriter(samples[0]![1]);
        for (const [atMs, histogram] of samples) {
          expect(writer.accepts(histogram)).toBe(true);
          writer.append(atMs, histogram);
        }
        const bytes = writer.view();
        const decoded: unknown[] = [];
        decodeFloatHistogramChunk(bytes, 0, bytes.length, (atMs, histogram) => decoded.push([atMs, histogram]));
        const hint = (index: number) => (index === 0 ? CounterResetHint.Unknown : CounterResetHint.NotReset);
        expect(decoded).toEqual(
          samples.map(([atMs, histogram], index) => [atMs, { ...histogram, counterResetHint: hint(index) }]),
        );
      },
    ),
    { numRuns: 60 },
  );
});

const refused: { name: string; change: Partial<FloatHistogram> }[] = [
  { name: "a counter that fell", change: { count: 3 } },
  { name: "a bucket that fell", change: { positiveBuckets: [1, 1], count: 5 } },
  { name: "another schema", change: { schema: 3 } },
  { name: "another bucket layout", change: { positiveSpans: [{ offset: -1, length: 2 }] } },
  { name: "a gauge among counters", change: { counterResetHint: CounterResetHint.Gauge } },
  { name: "a stated reset", change: { counterResetHint: CounterResetHint.Reset } },
];
for (const { name, change } of refused) {
  test(`histogram chunk: ${name} needs a new chunk`, () => {
    const writer = new HistogramChunkWriter(BASE);
    writer.append(1, BASE);
    expect(writer.accepts({ ...BASE, ...change })).toBe(false);
    expect(writer.accepts({ ...BASE, sum: -1 })).toBe(true);
  });
}
