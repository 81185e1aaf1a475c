import fc from "fast-check";
import { expect, test } from "vitest";
import { BloomFilter } from "./bloom-filter.ts";
import { type Codec, compressChunk, decompressChunk } from "./codec.ts";
import { itemsOverBudget } from "./size-budget.ts";

const codecs: Codec[] = ["zstd", "lz4", "snappy", "none"];
for (const codec of codecs) {
  test(`codec ${codec}: any bytes survive a round trip`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5_000 }), fc.nat(3), async (bytes, repeat) => {
        const chunk = Buffer.concat(Array.from({ length: repeat + 1 }, () => bytes));
        const restored = await decompressChunk(codec, await compressChunk(codec, chunk), chunk.length);
        expect(Buffer.compare(restored, chunk)).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test(`codec ${codec}: nothing at all survives a round trip, with room for nothing`, async () => {
    const nothing = await compressChunk(codec, new Uint8Array(0));
    expect((await decompressChunk(codec, nothing, 0)).length).toBe(0);
    const one = await compressChunk(codec, Uint8Array.of(7));
    await expect(decompressChunk(codec, one, 0)).rejects.toMatchObject({ code: "STORAGE_TOO_LARGE" });
  });

  test(`codec ${codec}: output past the limit is refused`, async () => {
    const zeros = await compressChunk(codec, new Uint8Array(1_000_000));
    await expect(decompressChunk(codec, zeros, 999_999)).rejects.toMatchObject({ code: "STORAGE_TOO_LARGE" });
  });
}

test("bloom filter: holds what was added, lets about one in a hundred others through", () => {
  const filter = BloomFilter.forKeys(10_000);
  const hash = (index: number): number => Math.imul(index, 0x9e3779b1) >>> 0;
  for (let index = 0; index < 10_000; index++) filter.add(hash(index));
  const restored = BloomFilter.deserialize(filter.serialize());
  for (let index = 0; index < 10_000; index++) expect(restored.mayHold(hash(index))).toBe(true);
  let falsePositives = 0;
  for (let index = 10_000; index < 110_000; index++) if (restored.mayHold(hash(index))) falsePositives++;
  expect(falsePositives / 100_000).toBeLessThan(0.02);
  expect(() => BloomFilter.deserialize(new Uint8Array(3))).toThrow("bloom filter of 3 bytes");
});

test("size budget: the oldest go first, the fixed part counts, and no more go than must", () => {
  const items = [
    { name: "new", bytes: 40, maxTimeMs: 3 },
    { name: "old", bytes: 40, maxTimeMs: 1 },
    { name: "middle", bytes: 40, maxTimeMs: 2 },
  ];
  expect(itemsOverBudget(items, 10, 130)).toEqual([]);
  expect(itemsOverBudget(items, 11, 130).map((item) => item.name)).toEqual(["old"]);
  expect(itemsOverBudget(items, 60, 130).map((item) => item.name)).toEqual(["old", "middle"]);
  expect(itemsOverBudget(items, 500, 130).length).toBe(3);
});
