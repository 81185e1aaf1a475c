import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Codec, decompressChunk } from "./codec.ts";
import { StorageError } from "./storage-error.ts";
import { segmentName } from "./wal-format.ts";
import { readAll, withTempDir } from "./wal-testing.ts";

test("fuzz: a WAL segment of any bytes is read to its end or cut, never thrown at", async () => {
  // Bytes near real headers reach further into the parser than noise does.
  const byte = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 8, 9, 10, 255), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.array(byte, { maxLength: 300 }), async (bytes) => {
      await withTempDir(async (dir) => {
        await writeFile(join(dir, segmentName(0)), Uint8Array.from(bytes));
        await readAll(dir, "resync");
        const first = await readAll(dir, "truncate");
        const second = await readAll(dir, "truncate");
        expect(second.damages).toEqual([]);
        expect(second.records).toEqual(first.records);
      });
    }),
    { numRuns: 150 },
  );
});

test("fuzz: chunks of any bytes decode or are refused with a typed error", async () => {
  const codecs = fc.constantFrom<Codec>("zstd", "lz4", "snappy");
  await fc.assert(
    fc.asyncProperty(codecs, fc.uint8Array({ maxLength: 200 }), async (codec, bytes) => {
      try {
        const decoded = await decompressChunk(codec, bytes, 10_000);
        expect(decoded.length).toBeLessThanOrEqual(10_000);
      } catch (error) {
        expect(error).toBeInstanceOf(StorageError);
      }
    }),
    { numRuns: 500 },
  );
});
