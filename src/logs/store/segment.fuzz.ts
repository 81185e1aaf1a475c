import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StorageError } from "../../storage/storage-error.ts";
import { ByteReader } from "../../storage/varint.ts";
import { decodeMetadataColumn, decodeTimes } from "./block-columns.ts";
import { BLOCK_MAGIC, decodeBlockHeader, FOOTER_MAGIC, SEGMENT_MAGIC } from "./block-format.ts";
import { openSegment } from "./segment-read.ts";
import { decodeEntries } from "./wal-record.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "gatewayz-logs-fuzz-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const bytes = fc.uint8Array({ maxLength: 400 });

function onlyStorageErrors(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(StorageError);
  }
}

test("fuzz: decoders of any bytes give a value or a StorageError", () => {
  fc.assert(
    fc.property(bytes, fc.integer({ min: 0, max: 200 }), (input, count) => {
      onlyStorageErrors(() => decodeEntries(input));
      onlyStorageErrors(() => decodeEntries(Buffer.concat([Buffer.from([1]), input])));
      onlyStorageErrors(() => decodeTimes(input, count, 0));
      onlyStorageErrors(() => decodeMetadataColumn(input, count));
      onlyStorageErrors(() => decodeBlockHeader(new ByteReader(input)));
    }),
    { numRuns: 2_000, seed: 7 },
  );
});

test("fuzz: a segment file of any bytes opens or is refused", async () => {
  const path = join(dir, "00000001.logs");
  const part = fc.oneof(bytes, fc.constantFrom(SEGMENT_MAGIC, BLOCK_MAGIC, FOOTER_MAGIC));
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 6 }), async (parts) => {
      await writeFile(path, Buffer.concat(parts));
      await openSegment(path).then(
        ({ blocks }) => expect(blocks.length).toBeGreaterThanOrEqual(0),
        (error: unknown) => expect(error).toBeInstanceOf(StorageError),
      );
    }),
    { numRuns: 200, seed: 8 },
  );
});
